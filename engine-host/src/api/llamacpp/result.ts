/** The answer object of `/completion` and `/infill`. */
import type { GenerateDelta, GenerateResult, TokenLogprob } from '#protocol/generation.ts';

export function timings(r: GenerateResult): Record<string, number> {
  const { promptMs, decodeMs } = r.timings;
  const fresh = r.promptTokens - r.cachedTokens;
  const rate = (tokens: number, ms: number): number => (ms > 0 ? (tokens * 1000) / ms : 0);
  const each = (tokens: number, ms: number): number => (tokens > 0 ? ms / tokens : 0);
  return {
    cache_n: r.cachedTokens,
    prompt_n: fresh,
    prompt_ms: promptMs,
    prompt_per_token_ms: each(fresh, promptMs),
    prompt_per_second: rate(fresh, promptMs),
    predicted_n: r.completionTokens,
    predicted_ms: decodeMs,
    predicted_per_token_ms: each(r.completionTokens, decodeMs),
    predicted_per_second: rate(r.completionTokens, decodeMs),
    ...(r.draftTokens === undefined ? {} : { draft_n: r.draftTokens, draft_n_accepted: r.draftAccepted ?? 0 }),
  };
}

export function finalFields(r: GenerateResult, text: string): Record<string, unknown> {
  const type = { eos: 'eos', stop: 'word', length: 'limit', deadline: 'limit', cancelled: 'none' } as const;
  return {
    stop: true,
    stop_type: type[r.finish],
    stopping_word: r.stopText ?? '',
    tokens_predicted: r.completionTokens,
    tokens_evaluated: r.promptTokens,
    tokens_cached: r.promptTokens + r.completionTokens,
    has_new_line: text.includes('\n'),
    truncated: r.truncatedTokens > 0,
    timings: timings(r),
  };
}

/** `post`: over what the samplers left, as probabilities; else over the model's own distribution, as their logarithms. */
export function probabilities(list: GenerateDelta['logprobs'], post: boolean): Record<string, unknown> {
  if (list === undefined || list.length === 0) return {};
  const token = (t: TokenLogprob) => ({
    id: t.token,
    token: t.text,
    bytes: [...Buffer.from(t.text, 'utf8')],
    ...(post ? { prob: Math.exp(t.logprob) } : { logprob: Number.isFinite(t.logprob) ? t.logprob : -9999 }),
  });
  const top = post ? 'top_probs' : 'top_logprobs';
  return { completion_probabilities: list.map((l) => ({ ...token(l.chosen), [top]: l.top.map(token) })) };
}

/** Only the asked fields; `a/b` picks `b` within `a` and keeps that very name. Names that do not exist are left out. */
export function pickFields(
  body: Record<string, unknown>,
  fields: readonly string[] | null | undefined,
): Record<string, unknown> {
  if (fields === undefined || fields === null || fields.length === 0) return body;
  const out: [string, unknown][] = [];
  for (const field of fields) {
    let value: unknown = body;
    for (const key of field.split('/')) {
      const holder: unknown = value;
      value =
        typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key)
          ? Reflect.get(holder, key)
          : undefined;
    }
    if (value !== undefined) out.push([field, value]);
  }
  return Object.fromEntries(out);
}
