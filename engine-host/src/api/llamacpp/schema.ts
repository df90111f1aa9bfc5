/** Request fields that llama.cpp's own routes share. */
import { Type, type Static } from 'typebox';
import type { GenerationInput } from '../call.ts';
import { constraintOfLlama } from '../constraint.ts';
import { LLAMACPP_DEFAULTS, logitBias, sampling, stopTexts, tokenLimit } from '../sampling.ts';
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
  n_probs: integer(0, 20),
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
  model: { readonly contextLength: number; readonly vocabularySize: number },
): Omit<GenerationInput, 'prompt'> {
  const deadline = body.t_max_predict_ms;
  return {
    ...tokenLimit(body.n_predict ?? body.max_tokens, model.contextLength),
    stop: stopTexts(body.stop),
    ...adaptersOf(body.lora),
    ...draftLimit(body['speculative.n_max']),
    ...constraintOfLlama(body),
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
      logitBias: logitBias(body.logit_bias, model.vocabularySize),
    }),
    ...(body.n_probs !== undefined && body.n_probs !== null && body.n_probs > 0 ? { logprobs: body.n_probs } : {}),
    ...(body.ignore_eos === true ? { ignoreEos: true } : {}),
    ...(deadline !== undefined && deadline !== null && deadline > 0
      ? { maxPredictMs: Math.min(deadline, 3_600_000) }
      : {}),
  };
}
