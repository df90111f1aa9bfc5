/** Arguments of the host program, shared by `host.mjs` and `zell serve`. */
import net from 'node:net';
import { parseArgs } from 'node:util';
import { DEFAULT_HOST } from '#protocol/announcement.ts';
import {
  DRAFT_WISHES,
  KV_WISHES,
  WEIGHT_PLACEMENTS,
  type DraftWish,
  type KvWish,
  type WeightPlacement,
} from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import { THROTTLE_WISHES, type ThrottleWish } from '../monitor/restraint.ts';
import type { Lifetime } from './leases.ts';

export interface HostArguments {
  readonly lifetime: Lifetime;
  readonly host: string;
  readonly port?: number;
  readonly apiKey?: string;
  readonly model?: string;
  /** LoRA adapters for that model, with the scales for requests that name none. */
  readonly adapters?: readonly { readonly path: string; readonly scale: number }[];
  readonly kvType?: KvWish;
  readonly weights?: WeightPlacement;
  readonly draft?: DraftWish;
  /** Bytes of the available memory that the model may use. */
  readonly memoryLimit?: number;
}

/** @throws {ZellError} invalid_request. The API key comes by `ZELL_API_KEY` alone: command lines are visible to everybody. */
export function parseHostArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): HostArguments {
  const options = {
    lifetime: { type: 'string', default: 'editor' },
    host: { type: 'string', default: DEFAULT_HOST },
    port: { type: 'string' },
    model: { type: 'string' },
    'kv-type': { type: 'string' },
    weights: { type: 'string' },
    draft: { type: 'string' },
    'memory-limit': { type: 'string' },
  } as const;
  let values;
  try {
    ({ values } = parseArgs({ args: [...argv], options, strict: true }));
  } catch (error) {
    throw new ZellError(
      'invalid_request',
      error instanceof Error ? error.message : 'The arguments are not understood.',
    );
  }
  const { lifetime, host, port, model, 'kv-type': kvType, weights, draft, 'memory-limit': limit } = values;
  if (lifetime !== 'editor' && lifetime !== 'command' && lifetime !== 'keep')
    throw new ZellError('invalid_request', '--lifetime is editor, command or keep.');
  const apiKey = env['ZELL_API_KEY'];
  const parsed: HostArguments = {
    lifetime,
    host,
    ...(port === undefined ? {} : { port: parsePort(port) }),
    ...(apiKey === undefined || apiKey === '' ? {} : { apiKey }),
    ...(model === undefined ? {} : { model }),
    ...(kvType === undefined ? {} : { kvType: parseKvType(kvType) }),
    ...(weights === undefined ? {} : { weights: parseWeights(weights) }),
    ...(draft === undefined ? {} : { draft: parseDraft(draft) }),
    ...(limit === undefined ? {} : { memoryLimit: parseMemoryLimit(limit) }),
  };
  checkExposure(parsed);
  return parsed;
}

/** @throws {ZellError} invalid_request when the host would be open to the network without a key */
export function checkExposure(options: Pick<HostArguments, 'host' | 'apiKey'>): void {
  if (!isLoopback(options.host) && options.apiKey === undefined) {
    throw new ZellError(
      'invalid_request',
      `--host ${options.host} opens the engine to the network, so it needs a key: add --api-key KEY, or stay on ${DEFAULT_HOST}.`,
    );
  }
}

/** @throws {ZellError} invalid_request */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new ZellError('invalid_request', '--port is a number from 0 to 65535 (0: any free one).');
  return port;
}

/** @throws {ZellError} invalid_request */
export function parseKvType(text: string, name = '--kv-type'): KvWish {
  const type = KV_WISHES.find((known) => known === text);
  if (type === undefined) throw new ZellError('invalid_request', `${name} is one of ${KV_WISHES.join(', ')}.`);
  return type;
}

/** @throws {ZellError} invalid_request */
export function parseWeights(text: string, name = '--weights'): WeightPlacement {
  const placement = WEIGHT_PLACEMENTS.find((known) => known === text);
  if (placement === undefined)
    throw new ZellError('invalid_request', `${name} is ${WEIGHT_PLACEMENTS.join(', ').replace(/, (\w+)$/, ' or $1')}.`);
  return placement;
}

/** @throws {ZellError} invalid_request */
export function parseDraft(text: string, name = '--draft'): DraftWish {
  const wish = DRAFT_WISHES.find((known) => known === text);
  if (wish === undefined) throw new ZellError('invalid_request', `${name} is ${DRAFT_WISHES.join(' or ')}.`);
  return wish;
}

/** @throws {ZellError} invalid_request */
export function parseThrottle(text: string, name = 'ZELL_THROTTLE'): ThrottleWish {
  const wish = THROTTLE_WISHES.find((known) => known === text);
  if (wish === undefined)
    throw new ZellError('invalid_request', `${name} is ${THROTTLE_WISHES.join(', ').replace(/, (\w+)$/, ' or $1')}.`);
  return wish;
}

/** Bytes, or with K, M or G behind the number that many times 1024. @throws {ZellError} invalid_request */
export function parseMemoryLimit(text: string, name = '--memory-limit'): number {
  const [, digits, unit] = /^(\d{1,12})([KMG]?)$/i.exec(text.trim()) ?? [];
  const bytes = Number(digits ?? 0) * 1024 ** ' KMG'.indexOf((unit ?? '').toUpperCase() || ' ');
  if (!(bytes > 0 && Number.isSafeInteger(bytes)))
    throw new ZellError('invalid_request', `${name} is a number of bytes, such as 8G or 800M.`);
  return bytes;
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return net.isIPv4(host) && host.startsWith('127.');
}
