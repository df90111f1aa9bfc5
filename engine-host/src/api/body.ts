/** Request bodies: JSON whatever the content type says (curl -d sends a form's), plain or compressed, with limits on size and depth. */
import zlib from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ZellError } from '#protocol/errors.ts';
import { HttpError, invalid } from './errors.ts';

export const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Of a body that came compressed: a small one can be huge inside. */
export const MAX_INFLATED_BYTES = 20 * 1024 * 1024;
const MAX_DEPTH = 128;

type Inflate = (body: Buffer, options: zlib.ZlibOptions, done: (error: Error | null, result: Buffer) => void) => void;

/** Newer versions of Node alone have zstd. */
const zstd = (zlib as { readonly zstdDecompress?: Inflate }).zstdDecompress;
const INFLATE: ReadonlyMap<string, Inflate> = new Map([
  ['gzip', zlib.gunzip],
  ['x-gzip', zlib.gunzip],
  ...(zstd === undefined ? [] : [['zstd', zstd] as const]),
]);

export function acceptAnyJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', (request, _reply, done) => {
    const encoding = encodingOf(request.headers);
    if (encoding !== undefined && !INFLATE.has(encoding)) {
      const known = zstd === undefined ? 'gzip' : 'gzip and zstd';
      const message = `Bodies with this Content-Encoding cannot be read here; ${known} and none can.`;
      done(new HttpError(415, 'unsupported', message));
      return;
    }
    request.headers['content-type'] = 'application/json';
    done();
  });
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    const method = INFLATE.get(encodingOf(request.headers) ?? '');
    return parseJson(method === undefined ? body : await inflate(body, method));
  });
}

function encodingOf(headers: Readonly<Record<string, unknown>>): string | undefined {
  const encoding = headers['content-encoding'];
  return typeof encoding !== 'string' || encoding === 'identity' ? undefined : encoding.trim().toLowerCase();
}

/** @throws {ZellError} too_large, invalid_request */
function inflate(body: Buffer, method: Inflate): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    method(body, { maxOutputLength: MAX_INFLATED_BYTES }, (error, result) => {
      if (error === null) resolve(result);
      else if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE')
        reject(
          new ZellError('too_large', `The body is larger than ${MAX_INFLATED_BYTES / 1024 / 1024} MiB when unpacked.`),
        );
      else reject(invalid('The body is not compressed as its Content-Encoding says.'));
    });
  });
}

/** @throws {ZellError} invalid_request */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw invalid('missing request body');
  if (depth(body) > MAX_DEPTH) throw invalid(`The JSON body is nested more than ${MAX_DEPTH} levels deep.`);
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    // The parser's own message quotes the body.
    throw invalid('The body is not valid JSON.');
  }
}

/** Deepest nesting of lists and objects; texts are skipped. */
function depth(body: Buffer): number {
  let deepest = 0;
  let now = 0;
  let inText = false;
  for (let i = 0; i < body.length; i++) {
    const c = body[i];
    if (inText) {
      if (c === 0x5c) i++;
      else if (c === 0x22) inText = false;
    } else if (c === 0x22) inText = true;
    else if (c === 0x5b || c === 0x7b) deepest = Math.max(deepest, ++now);
    else if (c === 0x5d || c === 0x7d) now--;
  }
  return deepest;
}
