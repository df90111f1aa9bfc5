/** Pieces of OpenAI's answers that chat and completions share. */
import type { Answer } from '../../tools/answer.ts';
import type { FinishReason, GenerateDelta, GenerateResult, TokenLogprob } from '#protocol/generation.ts';

export type Logprobs = NonNullable<GenerateDelta['logprobs']>;

export function finishReason(finish: FinishReason): 'stop' | 'length' {
  return finish === 'length' || finish === 'deadline' ? 'length' : 'stop';
}

/** Complete calls are what the client goes on with, whatever came after them. */
export function chatFinish(finish: FinishReason, called: boolean): 'stop' | 'length' | 'tool_calls' {
  return called ? 'tool_calls' : finishReason(finish);
}

/** The message of an answer that is complete. */
export function answerMessage({ text, thinking, calls }: Answer): Record<string, unknown> {
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    refusal: null,
    ...(thinking === '' ? {} : { reasoning_content: thinking, reasoning: thinking }),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(({ id, name, arguments: input }) => ({
            id,
            type: 'function',
            function: { name, arguments: JSON.stringify(input) },
          })),
        }),
  };
}

/** Usage of all choices of one request; they share the prompt. */
export function usage(results: readonly GenerateResult[], prompts = 1): Record<string, unknown> {
  const per = Math.max(1, results.length / prompts);
  const prompt = results.filter((_, i) => i % per === 0).reduce((sum, r) => sum + r.promptTokens, 0);
  const completion = results.reduce((sum, r) => sum + r.completionTokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: results.filter((_, i) => i % per === 0).reduce((sum, r) => sum + r.cachedTokens, 0),
    },
  };
}

/** JSON has no infinity; this is what "impossible" looks like elsewhere, too. */
function finite(logprob: number): number {
  return Number.isFinite(logprob) ? logprob : -9999;
}

function token(t: TokenLogprob): Record<string, unknown> {
  return { token: t.text, logprob: finite(t.logprob), bytes: [...Buffer.from(t.text, 'utf8')] };
}

export function chatLogprobs(logprobs: Logprobs): Record<string, unknown> {
  return { content: logprobs.map((l) => ({ ...token(l.chosen), top_logprobs: l.top.map(token) })), refusal: null };
}

/** @param offset characters before the first of these tokens */
export function completionLogprobs(logprobs: Logprobs, offset: number): Record<string, unknown> {
  let at = offset;
  return {
    tokens: logprobs.map((l) => l.chosen.text),
    token_logprobs: logprobs.map((l) => finite(l.chosen.logprob)),
    top_logprobs: logprobs.map((l) => Object.fromEntries(l.top.map((t) => [t.text, finite(t.logprob)]))),
    text_offset: logprobs.map((l) => {
      const here = at;
      at += l.chosen.text.length;
      return here;
    }),
  };
}
