/** Request bodies: JSON whatever the content type says (curl -d sends a form's), plain or compressed, with limits on size and shape. */
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ZellError } from '#protocol/errors.ts';
import { BodyRoom } from './bodyRoom.ts';
import { HttpError, invalid } from './errors.ts';

export const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Of a body that came compressed: a small one can be huge inside. */
export const MAX_INFLATED_BYTES = 20 * 1024 * 1024;
const BODY_MS = 300_000;
const MAX_DEPTH = 128;
/** Lists, objects, and what is in them: a prompt as token ids is far below, and 64 MiB of `{}` would be gigabytes. */
export const MAX_VALUES = 1_000_000;
/** Of memory, about, for a value of the smallest kind. */
const VALUE_BYTES = 64;

type Inflate = (body: Buffer, options: zlib.ZlibOptions, done: (error: Error | null, result: Buffer) => void) => void;

/** Newer versions of Node alone have zstd. */
const zstd = (zlib as { readonly zstdDecompress?: Inflate }).zstdDecompress;
const INFLATE: ReadonlyMap<string, Inflate> = new Map([
  ['gzip', zlib.gunzip],
  ['x-gzip', zlib.gunzip],
  ...(zstd === undefined ? [] : [['zstd', zstd] as const]),
]);

/** @param bodyMs how long a client may take to send its body */
export function acceptAnyJson(app: FastifyInstance, bodyMs = BODY_MS): void {
  const room = new BodyRoom();
  const responses = new WeakMap<FastifyRequest, ServerResponse>();
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', (request, reply, done) => {
    responses.set(request, reply.raw);
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
  app.addContentTypeParser('application/json', async (request: FastifyRequest, stream: Readable) => {
    const response = responses.get(request);
    const take = (bytes: number): void => {
      if (response !== undefined) room.take(response, bytes);
    };
    const body = await collect(stream, Number(request.headers['content-length'] ?? 0), bodyMs, take);
    const method = INFLATE.get(encodingOf(request.headers) ?? '');
    return parseJson(method === undefined ? body : await inflate(body, method), take);
  });
}

/** Reads to the end, or not further than a limit. @throws {ZellError} too_large, timeout; what `take` throws */
function collect(stream: Readable, declared: number, ms: number, take: (bytes: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const slow = setTimeout(() => stop(new HttpError(408, 'timeout', 'The body did not come in time.')), ms);
    const stop = (error: Error): void => {
      clearTimeout(slow);
      stream.off('data', data).off('end', end).pause();
      reject(error);
    };
    const data = (chunk: Buffer): void => {
      bytes += chunk.length;
      try {
        if (bytes > MAX_BODY_BYTES) throw tooLarge();
        take(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        stop(error as Error);
      }
    };
    const end = (): void => {
      clearTimeout(slow);
      resolve(Buffer.concat(chunks, bytes));
    };
    stream.once('error', stop);
    // A client that leaves in the middle of its body gets no answer.
    stream.once('close', () => stop(new ZellError('cancelled', 'The client went away.')));
    if (declared > MAX_BODY_BYTES) stop(tooLarge());
    else stream.on('data', data).once('end', end);
  });
}

function tooLarge(): ZellError {
  return new ZellError('too_large', `The body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB.`);
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

/** `take` hears what the values will need besides the body itself. @throws {ZellError} invalid_request; what `take` throws */
export function parseJson(body: Buffer, take: (bytes: number) => void = () => undefined): unknown {
  if (body.length === 0) throw invalid('missing request body');
  const { depth, values } = shapeOf(body);
  if (depth > MAX_DEPTH) throw invalid(`The JSON body is nested more than ${MAX_DEPTH} levels deep.`);
  if (values > MAX_VALUES) throw invalid(`The JSON body holds more than ${MAX_VALUES} values.`);
  take(values * VALUE_BYTES);
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    // The parser's own message quotes the body.
    throw invalid('The body is not valid JSON.');
  }
}

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Deepest nesting of lists and objects, and about how many values there are; texts are skipped. */
function shapeOf(body: Buffer): { readonly depth: number; readonly values: number } {
  let depth = 0;
  let values = 1;
  let now = 0;
  for (let i = 0; i < body.length; i++) {
    const c = body[i];
    if (c === QUOTE) i = endOfText(body, i + 1);
    else if (c === COMMA || c === COLON) values++;
    else if (c === OPEN_LIST || c === OPEN_OBJECT) {
      values++;
      depth = Math.max(depth, ++now);
    } else if (c === CLOSE_LIST || c === CLOSE_OBJECT) now--;
  }
  return { depth, values };
}

/** Place of the quote that ends a text; a text may be megabytes long, so its bytes are not looked at one by one. */
function endOfText(body: Buffer, start: number): number {
  for (let from = start; ;) {
    const quote = body.indexOf(QUOTE, from);
    if (quote < 0) return body.length;
    let backslashes = 0;
    while (body[quote - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote;
    from = quote + 1;
  }
}
