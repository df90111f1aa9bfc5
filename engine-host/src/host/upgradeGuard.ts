/** Who may open the editor socket: our own clients, over a name of this machine, with the token, never a web page. */
import type { IncomingMessage } from 'node:http';
import { EDITOR_SOCKET_PATH } from '#protocol/editor.ts';
import { sameSecret } from '../api/access.ts';

export type Refusal = { readonly status: 401 | 403 | 404; readonly reason: string };

/** @returns why the upgrade is refused, or undefined when it may go on. Looks at headers only. */
export function refuseUpgrade(request: IncomingMessage, token: string): Refusal | undefined {
  const { headers } = request;
  if ((request.url ?? '').split('?')[0] !== EDITOR_SOCKET_PATH) return { status: 404, reason: 'Not Found' };
  // Node joins repeated Host headers away; the raw list shows them.
  const hosts = request.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length !== 1 || !isOwnHost(headers.host, request.socket.localAddress, request.socket.localPort))
    return { status: 403, reason: 'Forbidden' };
  // Browsers always send an Origin, our clients never do.
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined)
    return { status: 403, reason: 'Forbidden' };
  const given = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
  if (given === undefined || !sameSecret(given, token)) return { status: 401, reason: 'Unauthorized' };
  return undefined;
}

/** A loopback name or the very address that the connection came in on, and our port. */
function isOwnHost(host: string | undefined, localAddress: string | undefined, port: number | undefined): boolean {
  const match = /^(\[[0-9a-f:.]+\]|[^:]+):(\d+)$/i.exec(host ?? '');
  if (match?.[1] === undefined || Number(match[2]) !== port) return false;
  const name = match[1].toLowerCase().replace(/^\[|\]$/g, '');
  const own = localAddress?.replace(/^::ffff:/, '');
  return name === 'localhost' || name === '127.0.0.1' || name === '::1' || name === own;
}
