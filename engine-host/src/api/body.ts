/** Request bodies: JSON whatever the content type says (curl -d sends a form's), plain, with limits on size and depth. */
import type { FastifyInstance } from 'fastify';
import { HttpError, invalid } from './errors.ts';

export const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 128;

export function acceptAnyJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', (request, _reply, done) => {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      // A small compressed body can be a large one inside.
      done(new HttpError(415, 'unsupported', 'Compressed request bodies are not accepted.'));
      return;
    }
    request.headers['content-type'] = 'application/json';
    done();
  });
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    try {
      done(null, parseJson(body));
    } catch (error) {
      done(error as Error);
    }
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
