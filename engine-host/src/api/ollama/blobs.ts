/** `HEAD` and `POST /api/blobs/:digest`: files that clients upload before they create a model of them. */
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from '../call.ts';
import { HttpError } from '../errors.ts';
import { digestOf } from './digest.ts';

type Params = { readonly digest: string };

export function ollamaBlobRoutes(app: FastifyInstance, { library }: ApiContext): void {
  app.head<{ Params: Params }>('/api/blobs/:digest', async (request, reply) => {
    const found = await library.blobs.find(digestOf(request.params.digest));
    return reply.code(found === undefined ? 404 : 200).send();
  });
  // In a context of its own: this body is the file itself, of any size.
  void app.register((own, _options, done) => {
    own.removeAllContentTypeParsers();
    own.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload));
    own.post<{ Params: Params; Body: AsyncIterable<Uint8Array> | undefined }>(
      '/api/blobs/:digest',
      { bodyLimit: Number.MAX_SAFE_INTEGER },
      async (request, reply) => {
        const sha256 = digestOf(request.params.digest);
        const encoding = request.headers['content-encoding'];
        if (encoding !== undefined && encoding !== 'identity')
          throw new HttpError(415, 'unsupported', 'A file must come as it is, without Content-Encoding.');
        if ((await library.blobs.find(sha256)) !== undefined) return reply.code(200).send();
        const length = Number(request.headers['content-length']);
        const bytes = request.body ?? nothing();
        await library.blobs.put(sha256, bytes, Number.isSafeInteger(length) ? length : undefined);
        return reply.code(201).send();
      },
    );
    done();
  });
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // An empty file.
}
