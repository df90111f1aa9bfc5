/** From the parts of a prompt to the tokens that the model sees. */
import type { GenerateRequest, PromptPart } from '#protocol/generation.ts';
import { ZellError } from '#protocol/errors.ts';
import type { NativeModel } from '../native/binding.ts';

/** What tokenizing needs of a model. */
export type PromptModel = Pick<NativeModel, 'info' | 'tokenize'>;

/** Most of the context that a truncated prompt leaves free for the answer: one part in this many. */
const TRUNCATE_RESERVE = 4;

export interface PreparedPrompt {
  readonly tokens: number[];
  /** Dropped from the head, BOS not counted. */
  readonly truncatedTokens: number;
}

/**
 * Tokens of a prompt. Adjacent texts of the same kind are joined first, because a token may span their border.
 * BOS goes in front when asked for, if the model wants one and the prompt does not begin with it.
 */
export function promptTokens(model: PromptModel, parts: readonly PromptPart[], addBos: boolean): number[] {
  const { special, addBos: modelWantsBos, vocabularySize } = model.info;
  const tokens: number[] = [];
  let text = '';
  let kind = false;
  const endText = (): void => {
    if (text !== '') for (const token of model.tokenize(text, kind)) tokens.push(token);
    text = '';
  };
  for (const part of parts) {
    if ('tokens' in part) {
      endText();
      for (const token of part.tokens) {
        if (!Number.isInteger(token) || token < 0 || token >= vocabularySize)
          throw new ZellError('invalid_request', `Token ${token} is outside the vocabulary of ${vocabularySize}.`);
        tokens.push(token);
      }
    } else {
      if (part.special !== kind) endText();
      kind = part.special;
      text += part.text;
    }
  }
  endText();
  if (addBos && modelWantsBos && special.bos !== undefined && tokens[0] !== special.bos) tokens.unshift(special.bos);
  return tokens;
}

/**
 * The tokens to evaluate for a request. An empty prompt becomes BOS alone.
 * @throws {ZellError} context_overflow with {promptTokens, contextLength}; invalid_request for nothing to evaluate.
 */
export function preparePrompt(
  model: PromptModel,
  request: Pick<GenerateRequest, 'prompt' | 'addBos' | 'maxTokens' | 'truncate'>,
): PreparedPrompt {
  const tokens = promptTokens(model, request.prompt, request.addBos);
  const { contextLength, special } = model.info;
  if (tokens.length === 0) {
    if (special.bos === undefined) throw new ZellError('invalid_request', 'The prompt is empty.');
    tokens.push(special.bos);
  }
  if (tokens.length <= contextLength) return { tokens, truncatedTokens: 0 };
  if (request.truncate !== true)
    throw new ZellError(
      'context_overflow',
      `The prompt has ${tokens.length} tokens; the context holds ${contextLength}. Shorten it or load the model with a longer context.`,
      { details: { promptTokens: tokens.length, contextLength } },
    );
  const most = Math.floor(contextLength / TRUNCATE_RESERVE);
  const room = contextLength - Math.min(request.maxTokens ?? most, most);
  const head = tokens[0] === special.bos ? tokens.slice(0, 1) : [];
  const kept = head.concat(tokens.slice(tokens.length - (room - head.length)));
  return { tokens: kept, truncatedTokens: tokens.length - kept.length };
}
