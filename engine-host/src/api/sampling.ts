/** Sampling parameters: each family's defaults, and everything brought into the engine's ranges. */
import { randomInt } from 'node:crypto';
import type { SamplingParams } from '#protocol/sampling.ts';
import { invalid } from './errors.ts';
import { wantedSamplers, type SamplerBody } from './samplers.ts';

/** Those of a chain's parameters that every family has. */
type UsualParams = Pick<
  SamplingParams,
  | 'temperature'
  | 'topK'
  | 'topP'
  | 'minP'
  | 'repeatPenalty'
  | 'repeatLastN'
  | 'frequencyPenalty'
  | 'presencePenalty'
  | 'seed'
  | 'logitBias'
>;
export type SamplingInput = { readonly [K in keyof UsualParams]?: UsualParams[K] | null | undefined } & {
  /** See `wantedSamplers`. */
  readonly samplers?: SamplerBody;
};

const NEUTRAL: SamplingParams = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repeatPenalty: 1,
  repeatLastN: 64,
  frequencyPenalty: 0,
  presencePenalty: 0,
  seed: 0,
};
/** OpenAI and Anthropic routes. */
export const V1_DEFAULTS = NEUTRAL;
export const OLLAMA_DEFAULTS: SamplingParams = { ...NEUTRAL, temperature: 0.8, topP: 0.9, topK: 40 };
export const LLAMACPP_DEFAULTS: SamplingParams = { ...NEUTRAL, temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05 };

/** Numbers out of range are clamped here; families that refuse them do so in their schemas. A missing or negative seed is a new one. */
export function sampling(defaults: SamplingParams, input: SamplingInput): SamplingParams {
  const pick = (key: Exclude<keyof UsualParams, 'logitBias'>, low: number, high: number): number =>
    Math.min(high, Math.max(low, input[key] ?? defaults[key]));
  const bias = input.logitBias;
  return {
    temperature: pick('temperature', 0, 100),
    topK: Math.trunc(pick('topK', 0, 1_000_000)),
    topP: pick('topP', 1e-6, 1),
    minP: pick('minP', 0, 1),
    repeatPenalty: pick('repeatPenalty', 0.01, 100),
    repeatLastN: Math.trunc(pick('repeatLastN', -1, 1_000_000)),
    frequencyPenalty: pick('frequencyPenalty', -100, 100),
    presencePenalty: pick('presencePenalty', -100, 100),
    seed: seed(input.seed),
    ...(bias === undefined || bias === null || bias.length === 0 ? {} : { logitBias: bias }),
    ...(input.samplers === undefined ? {} : wantedSamplers(input.samplers)),
  };
}

function seed(value: number | null | undefined): number {
  if (value === undefined || value === null || value === -1) return randomInt(2 ** 32);
  return ((Math.trunc(value) % 2 ** 32) + 2 ** 32) % 2 ** 32;
}

const MAX_STOPS = 64;
const MAX_STOP_CHARS = 1024;

/** A text or a list of texts; empty ones mean nothing. @throws {ZellError} invalid_request */
export function stopTexts(value: string | readonly string[] | null | undefined): string[] {
  const list = value === undefined || value === null ? [] : typeof value === 'string' ? [value] : value;
  if (list.length > MAX_STOPS || list.some((s) => s.length > MAX_STOP_CHARS))
    throw invalid(`At most ${MAX_STOPS} stop texts of ${MAX_STOP_CHARS} characters are allowed.`, 'stop');
  return list.filter((s) => s !== '');
}

/** Undefined when there is no limit (absent, or a negative number where the family means "no limit" by it). */
export function tokenLimit(value: number | null | undefined, contextLength: number): { maxTokens?: number } {
  if (value === undefined || value === null || value < 0) return {};
  return { maxTokens: Math.min(Math.trunc(value), contextLength) };
}
