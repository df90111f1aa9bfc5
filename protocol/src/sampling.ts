/** How tokens are chosen. */

/** Steps of a sampler chain, by llama.cpp's names. */
export const SAMPLERS = [
  'penalties',
  'dry',
  'top_n_sigma',
  'top_k',
  'typ_p',
  'top_p',
  'min_p',
  'xtc',
  'temperature',
  'infill',
  'adaptive_p',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** llama.cpp's order. */
export const USUAL_SAMPLERS: readonly SamplerName[] = SAMPLERS.slice(0, 9);

/** Sampler chain of one sequence: logit bias, then `samplers` in their order. What is absent is off. */
export interface SamplingParams {
  /** What is not in it does not happen, whatever its numbers say. Absent: `USUAL_SAMPLERS`. */
  readonly samplers?: readonly SamplerName[];
  /** 0 is greedy. Range 0–100. */
  readonly temperature: number;
  /** Keep the k most likely tokens; 0 keeps all. */
  readonly topK: number;
  /** Nucleus mass in (0, 1]; 1 keeps all. */
  readonly topP: number;
  /** Drop tokens below minP × the best probability, in [0, 1]; 0 keeps all. */
  readonly minP: number;
  /** 1 is none; > 1 makes recent tokens less likely. */
  readonly repeatPenalty: number;
  /** How many recent tokens the penalties look at; 0 none, -1 the whole context. */
  readonly repeatLastN: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** Unsigned 32-bit; the same seed and request give the same text whatever runs beside it. */
  readonly seed: number;
  /** Added to the logit of a token; `null` forbids it. */
  readonly logitBias?: readonly (readonly [token: number, bias: number | null])[];
  /** Temperature ± `range`, by the entropy of the candidates to the power of `exponent`. */
  readonly dynamicTemperature?: { readonly range: number; readonly exponent: number };
  /** Mass of those that are kept, in order of how near their surprise is to the expected one; in (0, 1). */
  readonly typicalP?: number;
  /** Keep what is at most so many standard deviations of the logits below the best; > 0. */
  readonly topNSigma?: number;
  /** With this probability, drop all but the least likely of the tokens of at least `threshold` (≤ 0.5). */
  readonly xtc?: { readonly probability: number; readonly threshold: number };
  /**
   * "Don't repeat yourself": a token that would go on with a repetition of `n` ≥ `allowedLength` tokens loses multiplier · base^(n -
   * allowedLength). `lastN`: tokens that are looked at, -1 all. No repetition reaches across one of the texts of `breakers`.
   */
  readonly dry?: {
    readonly multiplier: number;
    readonly base: number;
    readonly allowedLength: number;
    readonly lastN: number;
    readonly breakers: readonly string[];
  };
  /** Instead of all samplers but temperature: holds the surprise of the text near `tau` bits, learning with `eta`. */
  readonly mirostat?: { readonly version: 1 | 2; readonly tau: number; readonly eta: number };
  /** Where `adaptive_p` is among the samplers: prefers tokens of about this probability, by a moving average with `decay`. */
  readonly adaptive?: { readonly target: number; readonly decay: number };
  /** `top_p`, `min_p`, `typ_p` and `xtc` leave at least so many tokens. */
  readonly minKeep?: number;
}

/** The most likely token each time, with no penalty. */
export const GREEDY: SamplingParams = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repeatPenalty: 1,
  repeatLastN: 0,
  frequencyPenalty: 0,
  presencePenalty: 0,
  seed: 0,
};
