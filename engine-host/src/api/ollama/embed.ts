/** `POST /api/embed` and the older `POST /api/embeddings`. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Call, type ApiContext } from '../call.ts';
import { embed, inputsOf } from '../embedding.ts';
import { anything, flag, integer, optional, text } from '../schemas.ts';
import { keepAliveSeconds, Options } from './wire.ts';

const Common = { model: text(), options: optional(Options), keep_alive: anything() };
const EmbedBody = Type.Object({
  ...Common,
  input: optional(Type.Union([Type.String(), Type.Array(Type.String())])),
  truncate: flag(),
  dimensions: integer(1),
});
const OldBody = Type.Object({ ...Common, prompt: text() });

export function ollamaEmbedRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Body: Static<typeof EmbedBody> }>(
    '/api/embed',
    { schema: { body: EmbedBody } },
    async (request, reply) => {
      const { body } = request;
      const keep = keepAliveSeconds(body.keep_alive);
      const startedAt = performance.now();
      const call = await Call.open(context, request, reply, body.model);
      call.keepModel(keep);
      const loadedAt = performance.now();
      // An empty input only loads the model.
      const empty = body.input === undefined || body.input === null || body.input.length === 0;
      const options = { normalize: true, truncate: body.truncate !== false, dimensions: body.dimensions };
      const { vectors, tokens } = empty
        ? { vectors: [], tokens: 0 }
        : await embed(context, call, inputsOf(body.input, 'input'), options);
      return {
        model: body.model ?? call.model.name,
        embeddings: vectors.map((vector) => [...vector]),
        total_duration: Math.round((performance.now() - startedAt) * 1e6),
        load_duration: Math.round((loadedAt - startedAt) * 1e6),
        prompt_eval_count: tokens,
      };
    },
  );
  app.post<{ Body: Static<typeof OldBody> }>(
    '/api/embeddings',
    { schema: { body: OldBody } },
    async (request, reply) => {
      const { body } = request;
      const keep = keepAliveSeconds(body.keep_alive);
      const call = await Call.open(context, request, reply, body.model);
      call.keepModel(keep);
      if (body.prompt === undefined || body.prompt === null || body.prompt === '') return { embedding: [] };
      const options = { normalize: false, truncate: true };
      const { vectors } = await embed(context, call, inputsOf(body.prompt, 'prompt'), options);
      return { embedding: [...(vectors[0] ?? [])] };
    },
  );
}
