/** `POST /v1/embeddings`, and llama.cpp's `/embedding` and `/embeddings`. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Call, type ApiContext } from '../call.ts';
import { embed, EmbeddingInput, inputsOf, toBase64 } from '../embedding.ts';
import { flag, integer, optional, text } from '../schemas.ts';

const EmbeddingsBody = Type.Object({
  model: text(),
  input: optional(EmbeddingInput),
  encoding_format: optional(Type.Union([Type.Literal('float'), Type.Literal('base64')])),
  dimensions: integer(1),
});
type EmbeddingsBody = Static<typeof EmbeddingsBody>;

const PlainBody = Type.Object({
  ...EmbeddingsBody.properties,
  content: optional(EmbeddingInput),
  truncate: flag(),
  /** llama.cpp: 2 is length 1 (its default), negative leaves the vector as it is. */
  embd_normalize: integer(),
});

export function embeddingRoutes(app: FastifyInstance, context: ApiContext): void {
  const openai = async (call: Call, body: EmbeddingsBody): Promise<Record<string, unknown>> => {
    const options = { normalize: true, truncate: false, dimensions: body.dimensions };
    const { vectors, tokens } = await embed(context, call, inputsOf(body.input, 'input'), options);
    return {
      object: 'list',
      data: vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: body.encoding_format === 'base64' ? toBase64(vector) : [...vector],
      })),
      model: call.model.name,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    };
  };
  app.post<{ Body: EmbeddingsBody }>('/v1/embeddings', { schema: { body: EmbeddingsBody } }, async (request, reply) =>
    openai(await Call.open(context, request, reply, request.body.model), request.body),
  );
  for (const path of ['/embedding', '/embeddings'])
    app.post<{ Body: Static<typeof PlainBody> }>(path, { schema: { body: PlainBody } }, async (request, reply) => {
      const { body } = request;
      const call = await Call.open(context, request, reply, body.model);
      // The same path serves both families; OpenAI's clients send `input`.
      if (path === '/embeddings' && (body.content === undefined || body.content === null)) return openai(call, body);
      const normalize = (body.embd_normalize ?? 2) >= 0;
      const options = { normalize, truncate: body.truncate === true, dimensions: body.dimensions };
      const { vectors } = await embed(context, call, inputsOf(body.content ?? body.input, 'content'), options);
      return vectors.map((vector, index) => ({ index, embedding: [[...vector]] }));
    });
}
