/** Who calls: what the memory records about a client, and how urgent its requests are. */
import type { FastifyRequest } from 'fastify';
import type { Priority } from '#protocol/generation.ts';
import type { EventOrigin } from '#protocol/memory.ts';

export interface Caller {
  readonly origin: EventOrigin;
  readonly priority: Priority;
  /** `x-zell-incognito: 1` or `x-zell-memory: off`: nothing of this request is recorded. */
  readonly incognito: boolean;
  /** False for `x-zell-memory: log`: recorded, never learnt. */
  readonly learn: boolean;
  /** `x-zell-recall: 1` from our own chat or command line: memories may be added. Nobody else's request is ever changed. */
  readonly recall: boolean;
}

export function callerOf(request: FastifyRequest): Caller {
  const header = (name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  const product = /^[^\s/();,]{1,256}/.exec(header('user-agent'))?.[0] ?? '';
  const client = product.replace(/[^\w.+-]/g, '').slice(0, 64);
  const named = header('x-zell-client');
  const kind =
    named === 'editor' || named === 'cli'
      ? named
      : client === 'zell-editor'
        ? 'editor'
        : client === 'zell-cli'
          ? 'cli'
          : 'api';
  const workspace = header('x-zell-workspace');
  const incognito = header('x-zell-incognito') === '1' || header('x-zell-memory') === 'off';
  return {
    origin: {
      kind,
      ...(client === '' ? {} : { client }),
      ...(/^[0-9a-f]{8,64}$/.test(workspace) ? { workspace } : {}),
    },
    // A client may step back, not push in.
    priority: header('x-zell-priority') === 'batch' ? 'batch' : kind === 'api' ? 'api' : 'chat',
    incognito,
    learn: header('x-zell-memory') !== 'log',
    recall: kind !== 'api' && header('x-zell-recall') === '1' && !incognito,
  };
}
