/** An item as tokens of one model: its own chat template, the loss on the assistant's answer and its end of turn alone. */
import type { PromptPart } from '#protocol/generation.ts';
import { ZellError } from '#protocol/errors.ts';
import type { TrainerItem } from '#protocol/trainer.ts';
import type { AnchorText } from '../memory/dreaming/anchors.ts';
import type { TrainingItem, TrainingMessage } from '../memory/dreaming/trainingItem.ts';

/** A model's template and tokenizer. */
export interface ItemRenderer {
  /** The prompt up to where the assistant's answer begins. */
  render(messages: readonly TrainingMessage[], signal: AbortSignal): Promise<readonly PromptPart[]>;
  /** Tokens of parts in a row; `addBos`: behind the start token, when the model wants one. */
  tokenize(parts: readonly PromptPart[], addBos: boolean, signal: AbortSignal): Promise<readonly number[]>;
  /** The token that ends a text of this model. */
  readonly eosToken: number;
  /** Fill-in-the-middle tokens; absent: the model has none. */
  readonly fim?: { readonly prefix: number; readonly suffix: number; readonly middle: number };
}

/** Most characters of context around a completion; more teaches no more. */
const CONTEXT_CHARS = 1500;

export class ItemTokens {
  readonly #model: ItemRenderer;
  #endOfTurn: Promise<number> | undefined;

  constructor(model: ItemRenderer) {
    this.#model = model;
  }

  /** @throws {ZellError} template_failed, invalid_request for a conversation that does not end with the assistant */
  async item(item: TrainingItem, signal: AbortSignal): Promise<TrainerItem> {
    return item.type === 'chat'
      ? { ...(await this.#chat(item.messages, signal)), weight: item.weight }
      : { ...(await this.#completion(item, signal)), weight: item.weight };
  }

  /** An anchor without its teacher, which the trainer computes; undefined for a text that is too short to foretell anything of it. */
  async anchor(anchor: AnchorText, signal: AbortSignal): Promise<TrainerItem | undefined> {
    if (anchor.type === 'chat') {
      const messages: TrainingMessage[] = [
        { role: 'user', content: anchor.prompt },
        { role: 'assistant', content: anchor.text },
      ];
      return { ...(await this.#chat(messages, signal)), anchor: true };
    }
    const start = await this.#model.tokenize([], true, signal);
    const text = await this.#model.tokenize([plain(anchor.text)], false, signal);
    // Without a start token the first token of the text is what the rest follows from.
    const given = start.length > 0 ? start : text.slice(0, 1);
    if (text.length < 2 && start.length === 0) return undefined;
    return { ...masked(given, start.length > 0 ? text : text.slice(1)), anchor: true };
  }

  async #chat(messages: readonly TrainingMessage[], signal: AbortSignal): Promise<TrainerItem> {
    const answer = messages.at(-1);
    if (answer?.role !== 'assistant' || answer.content === '')
      throw new ZellError('invalid_request', 'A training conversation ends with an answer.');
    const parts = await this.#model.render(messages.slice(0, -1), signal);
    const prompt = await this.#model.tokenize(parts, true, signal);
    // Apart from the prompt, as inference feeds it: the model writes its answer behind the prompt's tokens.
    const said = await this.#model.tokenize([plain(answer.content)], false, signal);
    this.#endOfTurn ??= this.#findEndOfTurn(signal);
    return masked(prompt, [...said, await this.#endOfTurn]);
  }

  async #completion(item: Extract<TrainingItem, { type: 'completion' }>, signal: AbortSignal): Promise<TrainerItem> {
    const { fim, eosToken } = this.#model;
    const before = await this.#model.tokenize([plain(item.prefix.slice(-CONTEXT_CHARS))], fim === undefined, signal);
    const written = await this.#model.tokenize([plain(item.completion)], false, signal);
    if (fim === undefined) {
      // The text goes on behind it: no end is taught.
      const given = before.length > 0 ? before : written.slice(0, 1);
      return masked(given, before.length > 0 ? written : written.slice(1));
    }
    const after = await this.#model.tokenize([plain(item.suffix.slice(0, CONTEXT_CHARS))], false, signal);
    const bos = await this.#model.tokenize([], true, signal);
    return masked([...bos, fim.prefix, ...before, fim.suffix, ...after, fim.middle], [...written, eosToken]);
  }

  /** What the template puts behind an answer when the talk goes on; the model's end token when it puts nothing there. */
  async #findEndOfTurn(signal: AbortSignal): Promise<number> {
    const probe = 'Quartz';
    const parts = await this.#model.render(
      [
        { role: 'user', content: 'Basalt' },
        { role: 'assistant', content: probe },
        { role: 'user', content: 'Granite' },
      ],
      signal,
    );
    const at = parts.findIndex((part) => 'text' in part && part.text.includes(probe));
    const part = parts[at];
    if (part === undefined || !('text' in part)) return this.#model.eosToken;
    const rest = part.text.slice(part.text.indexOf(probe) + probe.length);
    const behind = [...(rest === '' ? [] : [{ ...part, text: rest }]), ...parts.slice(at + 1, at + 2)];
    const [first] = await this.#model.tokenize(behind, false, signal);
    const [asText] = await this.#model.tokenize(
      behind.map((p) => ('text' in p ? plain(p.text) : p)),
      false,
      signal,
    );
    // A control token is one that the same characters, as plain text, do not give.
    return first !== undefined && first !== asText ? first : this.#model.eosToken;
  }
}

function plain(text: string): PromptPart {
  return { text, special: false };
}

function masked(given: readonly number[], learnt: readonly number[]): TrainerItem {
  const tokens = Int32Array.from([...given, ...learnt]);
  const loss = new Uint8Array(tokens.length).fill(1, given.length);
  return { tokens, loss };
}
