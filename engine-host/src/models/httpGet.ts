/** One HTTP(S) GET that trusts nobody: redirects are followed by hand, never to this machine or its network. */
import dns from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { ZellError } from '#protocol/errors.ts';

export interface GetOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** For tests against a local server only: plain HTTP and private addresses are allowed for these `host:port`. */
  readonly trusted?: readonly string[];
  /** Give up when no byte arrives for this long. */
  readonly idleMs?: number;
}

const MAX_REDIRECTS = 5;

export interface GetResult {
  readonly response: IncomingMessage;
  /** Headers of every answer on the way, the last one last: hubs put a file's hash on the redirect. */
  readonly hops: readonly http.IncomingHttpHeaders[];
}

/**
 * Follows up to five redirects; every hop is https to a public address, checked when the socket connects (a name that
 * resolves differently the second time gains nothing). No credentials are sent anywhere.
 * @throws {ZellError} forbidden for such an address, io for everything the network does
 */
export async function httpGet(url: URL, options: GetOptions, signal: AbortSignal): Promise<GetResult> {
  const hops: http.IncomingHttpHeaders[] = [];
  let current = url;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    const response = await request(current, options, signal);
    hops.push(response.headers);
    const status = response.statusCode ?? 0;
    const location = response.headers.location;
    if (status < 300 || status >= 400 || status === 304 || location === undefined) return { response, hops };
    response.destroy();
    current = new URL(location, current);
  }
  throw new ZellError('io', `${url.host} redirects too often.`);
}

function request(url: URL, options: GetOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const trusted = options.trusted?.includes(url.host) === true;
  if (!trusted) refuseUnsafe(url);
  return new Promise((resolve, reject) => {
    let incoming: IncomingMessage | undefined;
    const get = url.protocol === 'https:' ? https.get : http.get;
    const outgoing = get(
      url,
      {
        headers: { 'user-agent': 'zell', 'accept-encoding': 'identity', ...options.headers },
        signal,
        ...(trusted ? {} : { lookup: publicLookup }),
      },
      (response) => {
        incoming = response;
        resolve(response);
      },
    );
    outgoing.setTimeout(options.idleMs ?? 30_000, () => {
      // Once there is an answer, its reader is the one to be told.
      (incoming ?? outgoing).destroy(
        new ZellError('timeout', `${url.host} sent nothing for a while. Try again; the download resumes.`),
      );
    });
    outgoing.on('error', (error) => reject(asNetworkError(error, url, signal)));
  });
}

function refuseUnsafe(url: URL): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol !== 'https:')
    throw new ZellError('forbidden', `A download may come over https only, not from ${url.protocol}//${url.host}.`);
  if (net.isIP(host) !== 0 && !isPublicAddress(host)) throw privateAddress(url.host);
}

/** A resolver that gives no address of this machine or of a private network. */
const publicLookup: net.LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, '', 0);
      return;
    }
    const first = addresses[0];
    if (first === undefined || addresses.some((a) => !isPublicAddress(a.address))) {
      callback(privateAddress(hostname), '', 0);
      return;
    }
    if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

const NOT_PUBLIC = new net.BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  NOT_PUBLIC.addSubnet(address, bits, 'ipv4');
for (const [address, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  NOT_PUBLIC.addSubnet(address, bits, 'ipv6');

/** False for loopback, private, link-local, shared, multicast and reserved addresses, IPv4 inside IPv6 included. */
export function isPublicAddress(address: string): boolean {
  const family = net.isIP(address);
  if (family === 0) return false;
  return !NOT_PUBLIC.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

function privateAddress(host: string): ZellError {
  return new ZellError(
    'forbidden',
    `The download leads to ${host}, an address of this machine or its own network; refused.`,
  );
}

function asNetworkError(error: Error & { code?: string }, url: URL, signal: AbortSignal): Error {
  if (ZellError.is(error)) return error;
  if (signal.aborted) return new ZellError('cancelled', 'The download was cancelled; it resumes the next time.');
  return new ZellError(
    'io',
    `${url.host} cannot be reached (${error.code ?? error.message}). Check the network and try again.`,
  );
}
