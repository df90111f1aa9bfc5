/** llama.cpp's fields for samplers beyond the usual ones, which its own and OpenAI's routes take. */
import { Type, type Static } from 'typebox';
import { SAMPLERS, type SamplerName, type SamplingParams } from '#protocol/sampling.ts';
import { invalid } from './errors.ts';
import { flag, integer, number, optional } from './schemas.ts';

export const SamplerFields = {
  samplers: optional(Type.Union([Type.String({ maxLength: 64 }), Type.Array(Type.String(), { maxItems: 64 })])),
  dynatemp_range: number(),
  dynatemp_exponent: number(),
  typical_p: number(),
  top_n_sigma: number(),
  xtc_probability: number(),
  xtc_threshold: number(),
  dry_multiplier: number(),
  dry_base: number(),
  dry_allowed_length: integer(0),
  dry_penalty_last_n: integer(-1),
  dry_sequence_breakers: optional(Type.Array(Type.String({ maxLength: 1024 }), { maxItems: 64 })),
  mirostat: integer(),
  mirostat_tau: number(),
  mirostat_eta: number(),
  adaptive_target: number(),
  adaptive_decay: number(0, 0.99),
  min_keep: integer(0),
  post_sampling_probs: flag(),
};
export type SamplerBody = Static<ReturnType<typeof Type.Object<typeof SamplerFields>>>;

/** llama.cpp's defaults; with them none of these samplers does anything. */
export const SAMPLER_DEFAULTS = {
  dynatemp_range: 0,
  dynatemp_exponent: 1,
  typical_p: 1,
  top_n_sigma: -1,
  xtc_probability: 0,
  xtc_threshold: 0.1,
  dry_multiplier: 0,
  dry_base: 1.75,
  dry_allowed_length: 2,
  dry_penalty_last_n: 64,
  dry_sequence_breakers: ['\n', ':', '"', '*'],
  mirostat: 0,
  mirostat_tau: 5,
  mirostat_eta: 0.1,
  adaptive_target: -1,
  adaptive_decay: 0.9,
  min_keep: 0,
} as const;

type Wanted = Pick<
  SamplingParams,
  'samplers' | 'dynamicTemperature' | 'typicalP' | 'topNSigma' | 'xtc' | 'dry' | 'mirostat' | 'adaptive' | 'minKeep'
>;

const MAX_COUNT = 1_000_000;

/** Numbers out of range are clamped, as llama.cpp does; what is off is left out. @throws {ZellError} invalid_request */
export function wantedSamplers(body: SamplerBody): Wanted {
  const pick = (key: Exclude<keyof typeof SAMPLER_DEFAULTS, 'dry_sequence_breakers'>, low: number, high: number) =>
    Math.min(high, Math.max(low, body[key] ?? SAMPLER_DEFAULTS[key]));
  const range = pick('dynatemp_range', 0, 100);
  const typicalP = pick('typical_p', 0, 1);
  const topNSigma = pick('top_n_sigma', -1, 1e6);
  const probability = pick('xtc_probability', 0, 1);
  const threshold = pick('xtc_threshold', 0, 1);
  const multiplier = pick('dry_multiplier', -1000, 1000);
  const base = pick('dry_base', -1000, 1000);
  const version = pick('mirostat', 0, 2);
  const target = pick('adaptive_target', -1, 1);
  const minKeep = pick('min_keep', 0, MAX_COUNT);
  const breakers = body.dry_sequence_breakers ?? SAMPLER_DEFAULTS.dry_sequence_breakers;
  if (breakers.length === 0) throw invalid('dry_sequence_breakers must not be empty.', 'dry_sequence_breakers');
  return {
    ...(body.samplers === undefined || body.samplers === null ? {} : { samplers: samplerNames(body.samplers) }),
    ...(range > 0 ? { dynamicTemperature: { range, exponent: pick('dynatemp_exponent', 1e-3, 1000) } } : {}),
    ...(typicalP < 1 ? { typicalP } : {}),
    ...(topNSigma > 0 ? { topNSigma } : {}),
    ...(probability > 0 && threshold <= 0.5 ? { xtc: { probability, threshold } } : {}),
    ...(multiplier === 0
      ? {}
      : {
          dry: {
            multiplier,
            base: base < 1 ? SAMPLER_DEFAULTS.dry_base : base,
            allowedLength: pick('dry_allowed_length', 0, MAX_COUNT),
            lastN: pick('dry_penalty_last_n', -1, MAX_COUNT),
            breakers,
          },
        }),
    ...(version === 1 || version === 2
      ? { mirostat: { version, tau: pick('mirostat_tau', 0, 1000), eta: pick('mirostat_eta', 0, 1000) } }
      : {}),
    ...(target >= 0 ? { adaptive: { target, decay: pick('adaptive_decay', 0, 0.99) } } : {}),
    ...(minKeep > 1 ? { minKeep } : {}),
  };
}

const LETTERS: Readonly<Record<string, SamplerName>> = {
  e: 'penalties',
  d: 'dry',
  s: 'top_n_sigma',
  k: 'top_k',
  y: 'typ_p',
  p: 'top_p',
  m: 'min_p',
  x: 'xtc',
  t: 'temperature',
  i: 'infill',
  a: 'adaptive_p',
};

const ALIASES: Readonly<Record<string, SamplerName>> = {
  nucleus: 'top_p',
  temp: 'temperature',
  typ: 'typ_p',
  typicalp: 'typ_p',
};

/** A list of names, written as one likes (`top_k`, `top-k`, `topk`), or a text of letters. What is not known is left out. */
export function samplerNames(value: string | readonly string[]): SamplerName[] {
  const names =
    typeof value === 'string'
      ? Array.from(value, (letter) => LETTERS[letter])
      : value.map((name) => {
          const plain = name.toLowerCase().replaceAll(/[-_]/g, '');
          return SAMPLERS.find((known) => known.replaceAll('_', '') === plain) ?? ALIASES[plain];
        });
  return names.filter((name) => name !== undefined);
}
