/** Pieces that Ollama's routes share: options, durations, endings, refusals. */
import type { FastifyReply } from 'fastify';
import { Type, type Static } from 'typebox';
import type { GenerateDelta, GenerateResult, PromptPart } from '#protocol/generation.ts';
import type { Recipe } from '../../models/recipe.ts';
import type { Call, GenerationInput } from '../call.ts';
import { canThink } from '../../tools/replyParser.ts';
import { constraintOfOllama } from '../constraint.ts';
import type { ThinkWish } from '../dialogue.ts';
import { invalid } from '../errors.ts';
import { OLLAMA_DEFAULTS, sampling, stopTexts, tokenLimit } from '../sampling.ts';
import { anything, draftLimit, flag, integer, number, optional, stop, text } from '../schemas.ts';

/** Options that we do not know, and those that only matter when a model is loaded, pass and do nothing. */
export const Options = Type.Object({
  num_ctx: number(),
  num_predict: number(),
  draft_num_predict: number(),
  seed: number(),
  temperature: number(),
  top_k: number(),
  top_p: number(),
  min_p: number(),
  typical_p: number(),
  mirostat: integer(),
  mirostat_tau: number(),
  mirostat_eta: number(),
  repeat_last_n: number(),
  repeat_penalty: number(),
  presence_penalty: number(),
  frequency_penalty: number(),
  stop: stop(),
});

export const OllamaCommon = {
  model: text(),
  stream: flag(),
  format: anything(),
  options: optional(Options),
  keep_alive: anything(),
  think: anything(),
  truncate: flag(),
  logprobs: flag(),
  top_logprobs: integer(0, 20),
};
export type CommonBody = Static<ReturnType<typeof Type.Object<typeof OllamaCommon>>>;

/** @throws {ZellError} for what cannot be honoured and must not be ignored */
export function checkCommon(body: CommonBody): void {
  keepAliveSeconds(body.keep_alive);
}

/** `think`: a switch or how much. @throws {ZellError} where the model cannot think, as Ollama does */
export function thinkOf(body: CommonBody, model: { readonly chatTemplate?: string }): ThinkWish {
  const { think } = body;
  if (think === undefined || think === null || think === '') return undefined;
  if (think === false || think === 'none') return false;
  const wish = think === 'max' ? 'high' : think;
  if (wish !== true && wish !== 'low' && wish !== 'medium' && wish !== 'high')
    throw invalid('think must be true, false, "low", "medium", "high" or "max".', 'think');
  if (!canThink(model.chatTemplate))
    throw invalid(`"${(body.model ?? 'this model').slice(0, 100)}" does not support thinking`, 'think');
  return wish;
}

export function thinkingField(thinking: string | undefined): { thinking?: string } {
  return thinking === undefined || thinking === '' ? {} : { thinking };
}

const UNITS: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** Seconds, or a Go duration ("1h30m"); negative is forever. @throws {ZellError} */
export function keepAliveSeconds(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'number') return value;
  if (typeof value === 'string') {
    if (/^[+-]?0$/.test(value)) return 0;
    const match = /^([+-]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h)){1,8})$/.exec(value);
    if (match?.[2] !== undefined) {
      const total = [...match[2].matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)].reduce(
        (sum, part) => sum + Number(part[1]) * (UNITS[part[2] ?? ''] ?? 0),
        0,
      );
      return match[1] === '-' ? -total : total;
    }
  }
  throw invalid('keep_alive must be a number of seconds or a duration such as "5m".', 'keep_alive');
}

/** The sampling part of a generation, with Ollama's defaults. `num_predict` ≤ 0 means no limit. @throws {ZellError} */
export function generationInput(body: CommonBody, call: Call, prompt: readonly PromptPart[]): GenerationInput {
  const o = optionsOf(body.options, call.model.recipe);
  const limit = o.num_predict !== undefined && o.num_predict !== null && o.num_predict <= 0 ? null : o.num_predict;
  return {
    prompt,
    ...tokenLimit(limit, call.model.contextLength),
    stop: stopTexts(o.stop),
    sampling: sampling(OLLAMA_DEFAULTS, {
      temperature: o.temperature,
      topK: o.top_k,
      topP: o.top_p,
      minP: o.min_p,
      repeatPenalty: o.repeat_penalty,
      repeatLastN: o.repeat_last_n,
      presencePenalty: o.presence_penalty,
      frequencyPenalty: o.frequency_penalty,
      seed: o.seed,
      samplers: o,
    }),
    ...draftLimit(o.draft_num_predict),
    ...constraintOfOllama(body.format),
    ...(body.logprobs === true ? { logprobs: body.top_logprobs ?? 0 } : {}),
    truncate: body.truncate !== false,
  };
}

/** The request's options, and those of the model's name where it has none. */
function optionsOf(options: CommonBody['options'], recipe: Recipe | undefined): Static<typeof Options> {
  const asked = Object.entries(options ?? {}).filter(
    ([, value]: [string, unknown]) => value !== undefined && value !== null,
  );
  return { ...recipe?.parameters, ...Object.fromEntries(asked) };
}

/** Truncation is what Ollama's clients expect; we say so in a header before the answer begins. */
export async function announceTruncation(call: Call, input: GenerationInput, reply: FastifyReply): Promise<void> {
  if (input.truncate !== true) return;
  // A token has a byte at least: most prompts need no counting.
  const bytes = input.prompt.reduce((sum, p) => sum + ('text' in p ? Buffer.byteLength(p.text) : p.tokens.length), 1);
  if (bytes < call.model.contextLength) return;
  const tokens = await call.count(input.prompt);
  if (tokens > call.model.contextLength)
    reply.header('x-zell-truncated', `prompt of ${tokens} tokens; the context holds ${call.model.contextLength}`);
}

const NS = 1e6;

/** The fields of a final object; durations in nanoseconds. */
export function ending(result: GenerateResult, startedAt: number): Record<string, unknown> {
  const { queuedMs, promptMs, decodeMs } = result.timings;
  return {
    done: true,
    done_reason: result.finish === 'length' || result.finish === 'deadline' ? 'length' : 'stop',
    total_duration: Math.round((performance.now() - startedAt) * NS),
    load_duration: Math.round(queuedMs * NS),
    prompt_eval_count: result.promptTokens,
    prompt_eval_duration: Math.round(promptMs * NS),
    eval_count: result.completionTokens,
    eval_duration: Math.round(decodeMs * NS),
  };
}

export function logprobs(list: GenerateDelta['logprobs']): Record<string, unknown> {
  if (list === undefined || list.length === 0) return {};
  const token = (t: { text: string; logprob: number }) => ({
    token: t.text,
    logprob: Number.isFinite(t.logprob) ? t.logprob : -9999,
    bytes: [...Buffer.from(t.text, 'utf8')],
  });
  return { logprobs: list.map((l) => ({ ...token(l.chosen), top_logprobs: l.top.map(token) })) };
}
