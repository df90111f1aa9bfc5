/** Request fields that llama.cpp's own routes share. */
import { Type, type Static } from 'typebox';
import type { ModelInfo } from '#protocol/model.ts';
import type { GenerationInput } from '../call.ts';
import { constraintOfLlama } from '../constraint.ts';
import { SamplerFields } from '../samplers.ts';
import { LLAMACPP_DEFAULTS, sampling, stopTexts, tokenLimit } from '../sampling.ts';
import {
  adaptersOf,
  anything,
  DraftLimit,
  draftLimit,
  flag,
  integer,
  lora,
  number,
  optional,
  stop,
  text,
} from '../schemas.ts';

export const LlamaCommon = {
  model: text(),
  n_predict: number(),
  max_tokens: number(),
  temperature: number(),
  top_k: number(),
  top_p: number(),
  min_p: number(),
  repeat_penalty: number(),
  repeat_last_n: number(),
  presence_penalty: number(),
  frequency_penalty: number(),
  seed: number(),
  stop: stop(),
  logit_bias: anything(),
  n_probs: integer(0, 100),
  n: integer(1, 16),
  n_cmpl: integer(1, 16),
  ...SamplerFields,
  ignore_eos: flag(),
  stream: flag(),
  t_max_predict_ms: number(),
  response_fields: optional(Type.Array(Type.String(), { maxItems: 256 })),
  return_tokens: flag(),
  lora: lora(),
  ...DraftLimit,
  grammar: anything(),
  json_schema: anything(),
};
export type LlamaBody = Static<ReturnType<typeof Type.Object<typeof LlamaCommon>>>;

/** @throws {ZellError} */
export function llamaInput(
  body: LlamaBody,
  model: Pick<ModelInfo, 'contextLength' | 'special'>,
  logitBias: readonly (readonly [number, number | null])[],
): Omit<GenerationInput, 'prompt'> {
  const deadline = body.t_max_predict_ms;
  const form = constraintOfLlama(body);
  // Here what is ignored does not come at all; but an answer that has a form ends where that is complete.
  const endless = body.ignore_eos === true && form.constraint === undefined;
  const ends = endless ? model.special.endOfGeneration.map((token) => [token, null] as const) : [];
  return {
    ...tokenLimit(body.n_predict ?? body.max_tokens, model.contextLength),
    stop: stopTexts(body.stop),
    ...adaptersOf(body.lora),
    ...draftLimit(body['speculative.n_max']),
    ...form,
    sampling: sampling(LLAMACPP_DEFAULTS, {
      temperature: body.temperature,
      topK: body.top_k,
      topP: body.top_p,
      minP: body.min_p,
      repeatPenalty: body.repeat_penalty,
      repeatLastN: body.repeat_last_n,
      presencePenalty: body.presence_penalty,
      frequencyPenalty: body.frequency_penalty,
      seed: body.seed,
      logitBias: [...logitBias, ...ends],
      samplers: body,
    }),
    ...(body.n_probs !== undefined && body.n_probs !== null && body.n_probs > 0 ? { logprobs: body.n_probs } : {}),
    ...(body.post_sampling_probs === true ? { postSampling: true } : {}),
    ...(body.ignore_eos === true ? { ignoreEos: true } : {}),
    ...(deadline !== undefined && deadline !== null && deadline > 0
      ? { maxPredictMs: Math.min(deadline, 3_600_000) }
      : {}),
  };
}
