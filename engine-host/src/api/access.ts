/**
 * Who may talk to the routes at all, judged by request line and headers before any body is read: a name of this machine in `Host`
 * (against DNS rebinding), no foreign web page (against drive-by requests), and the key where one is set.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ZellError } from '#protocol/errors.ts';

export interface AccessPolicy {
  readonly apiKey: string | undefined;
  readonly token: string;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const PUBLIC = ['/', '/health', '/v1/health'];

/** Why the request is refused (`forbidden` or `unauthorized`), or undefined when it may go on. */
export function refuse(request: IncomingMessage, policy: AccessPolicy): ZellError | undefined {
  const url = request.url ?? '';
  if (!url.startsWith('/') || url.startsWith('//')) return forbidden('The request line must name a path.');
  const { headers } = request;
  // Node keeps only the first of several Host headers; the raw list has them all.
  const hosts = request.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  const host = hosts.length === 1 ? parseHost(headers.host ?? '') : undefined;
  if (host === undefined || !ownHost(host, request, policy)) return forbidden('The Host header names another machine.');
  const origin = headers.origin;
  const configured = origin !== undefined && policy.allowedOrigins.includes(origin);
  if (!configured) {
    if (origin !== undefined && origin !== `http://${(headers.host ?? '').toLowerCase()}`)
      return forbidden('Web pages of other origins may not call this server.');
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return forbidden('Web pages of other sites may not call this server.');
  }
  if (policy.apiKey === undefined || PUBLIC.includes(url.split('?')[0] ?? '')) return undefined;
  if (configured && request.method === 'OPTIONS') return undefined;
  const given = keyOf(request);
  if (given !== undefined && (sameSecret(given, policy.apiKey) || sameSecret(given, policy.token))) return undefined;
  return new ZellError('unauthorized', given === undefined ? 'An API key is needed.' : 'The API key is wrong.');
}

/** The key as `Authorization: Bearer` or `x-api-key`. */
export function keyOf(request: IncomingMessage): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const header = request.headers['x-api-key'];
  return typeof header === 'string' && header !== '' ? header : undefined;
}

interface Host {
  readonly name: string;
  readonly port: number | undefined;
}

function parseHost(text: string): Host | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text);
  if (match?.[1] === undefined) return undefined;
  return { name: match[1].toLowerCase(), port: match[2] === undefined ? undefined : Number(match[2]) };
}

function ownHost(host: Host, request: IncomingMessage, policy: AccessPolicy): boolean {
  // Names that somebody configured may stand for a proxy or a forwarded port.
  if (policy.allowedHosts.some((name) => name.toLowerCase() === host.name)) return true;
  const { localPort, localAddress } = request.socket;
  if (host.port !== undefined && localPort !== undefined && host.port !== localPort) return false;
  if (LOOPBACK.includes(host.name)) return true;
  // An address is no name that could be rebound; where a key is set, the address of this very connection will do.
  const own = localAddress?.replace(/^::ffff:/, '');
  return policy.apiKey !== undefined && own !== undefined && (host.name === own || host.name === `[${own}]`);
}

/** Compares in constant time, whatever the lengths. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function forbidden(message: string): ZellError {
  return new ZellError('forbidden', message);
}
