/** `generation_settings`: what a request's samplers and limits are, in llama.cpp's words. */
import type { ModelInfo } from '#protocol/model.ts';
import { USUAL_SAMPLERS, type SamplingParams } from '#protocol/sampling.ts';
import type { GenerationInput } from '../call.ts';
import { SAMPLER_DEFAULTS } from '../samplers.ts';

type Asked = Partial<Omit<GenerationInput, 'sampling'>> & { readonly stream?: boolean };

export function settings(
  model: Pick<ModelInfo, 'name' | 'contextLength'>,
  s: SamplingParams,
  input: Asked = {},
): Record<string, unknown> {
  const limit = input.maxTokens ?? -1;
  return {
    n_ctx: model.contextLength,
    n_predict: limit,
    max_tokens: limit,
    model: model.name,
    seed: s.seed,
    temperature: s.temperature,
    top_k: s.topK,
    top_p: s.topP,
    min_p: s.minP,
    repeat_penalty: s.repeatPenalty,
    repeat_last_n: s.repeatLastN,
    presence_penalty: s.presencePenalty,
    frequency_penalty: s.frequencyPenalty,
    ...SAMPLER_DEFAULTS,
    ...present({
      dynatemp_range: s.dynamicTemperature?.range,
      dynatemp_exponent: s.dynamicTemperature?.exponent,
      typical_p: s.typicalP,
      top_n_sigma: s.topNSigma,
      xtc_probability: s.xtc?.probability,
      xtc_threshold: s.xtc?.threshold,
      dry_multiplier: s.dry?.multiplier,
      dry_base: s.dry?.base,
      dry_allowed_length: s.dry?.allowedLength,
      dry_penalty_last_n: s.dry?.lastN,
      dry_sequence_breakers: s.dry?.breakers,
      mirostat: s.mirostat?.version,
      mirostat_tau: s.mirostat?.tau,
      mirostat_eta: s.mirostat?.eta,
      adaptive_target: s.adaptive?.target,
      adaptive_decay: s.adaptive?.decay,
      min_keep: s.minKeep,
    }),
    samplers: s.samplers ?? USUAL_SAMPLERS,
    logit_bias: (s.logitBias ?? []).map(([token, bias]) => ({ token, bias })),
    n_probs: input.logprobs ?? 0,
    post_sampling_probs: input.postSampling ?? false,
    ignore_eos: input.ignoreEos ?? false,
    stop: input.stop ?? [],
    stream: input.stream ?? false,
    grammar: input.constraint?.kind === 'gbnf' ? input.constraint.grammar : '',
    lora: input.adapters ?? [],
  };
}

function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
