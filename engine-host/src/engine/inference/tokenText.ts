/** A token with its text and log-probability, as the wire reports it. */
import type { TokenLogprob } from '#protocol/generation.ts';
import type { NativeModel, StepOutput } from '../native/binding.ts';

const decoder = new TextDecoder();

/** `text` shows a token that is no whole character with U+FFFD; control tokens show their name. */
export function tokenLogprob(model: Pick<NativeModel, 'piece'>, token: number, logprob: number): TokenLogprob {
  return { token, text: decoder.decode(model.piece(token, true)), logprob };
}

export function topLogprobs(model: Pick<NativeModel, 'piece'>, top: StepOutput['top']): TokenLogprob[] {
  if (top === undefined) return [];
  return Array.from(top.tokens, (token, i) => tokenLogprob(model, token, top.logprobs[i] ?? -Infinity));
}
