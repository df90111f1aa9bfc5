/** `POST /infill`: completion around a cursor. Never recorded. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Call, type ApiContext } from '../call.ts';
import { readLogitBias } from '../logitBias.ts';
import { optional, text } from '../schemas.ts';
import { fimPrompt } from './fim.ts';
import { respondCompletion } from './respond.ts';
import { LlamaCommon, llamaInput } from './schema.ts';

const InfillBody = Type.Object({
  ...LlamaCommon,
  input_prefix: text(),
  input_suffix: text(),
  input_extra: optional(Type.Array(Type.Object({ filename: text(), text: Type.String() }), { maxItems: 1024 })),
  prompt: text(),
});
type InfillBody = Static<typeof InfillBody>;

const DEFAULT_TOKENS = 128;

export function infillRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Body: InfillBody }>('/infill', { schema: { body: InfillBody } }, async (request, reply) => {
    const { body } = request;
    const call = await Call.open(context, request, reply, body.model);
    const limit = body.n_predict ?? body.max_tokens ?? DEFAULT_TOKENS;
    const prompt = await fimPrompt(context, call, {
      prefix: body.input_prefix ?? '',
      suffix: body.input_suffix ?? '',
      middle: body.prompt ?? '',
      files: (body.input_extra ?? []).map((f) => ({ filename: f.filename ?? 'tmp', text: f.text })),
      room: limit,
    });
    const bias = await readLogitBias(context, call, body.logit_bias);
    const given = llamaInput({ ...body, n_predict: limit }, call.model, bias);
    const input = { ...given, prompt, priority: 'completion' as const };
    return respondCompletion(context, request, call, [{ input, recorded: [] }], body);
  });
}
