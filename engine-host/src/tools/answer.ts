/** An answer put together from what a parser found, in the order in which it was said. */
import type { JsonObject, ReplyEvent, ToolCall } from './types.ts';

export type AnswerBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly text: string }
  | { readonly type: 'call'; readonly call: ToolCall };

/** Collects events. A call that broke off is the text that it was. */
export class Answer {
  readonly #newId: () => string;
  readonly #blocks: AnswerBlock[] = [];
  #open: { readonly id: string; readonly name: string; json: string } | undefined;

  /** `newId`: of each call. */
  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** The id of the call that `event` begins. */
  add(event: ReplyEvent): string | undefined {
    switch (event.type) {
      case 'text':
      case 'thinking':
        this.#say(event.type, event.text);
        return undefined;
      case 'call':
        this.#open = { id: this.#newId(), name: event.name, json: '' };
        return this.#open.id;
      case 'arguments':
        if (this.#open !== undefined) this.#open.json += event.json;
        return undefined;
      case 'called': {
        if (this.#open === undefined) return undefined;
        const { id, name, json } = this.#open;
        this.#blocks.push({ type: 'call', call: { id, name, arguments: JSON.parse(json) as JsonObject } });
        this.#open = undefined;
        return undefined;
      }
      case 'broken':
        this.#open = undefined;
        this.#say('text', event.source);
        return undefined;
    }
  }

  get blocks(): readonly AnswerBlock[] {
    return this.#blocks;
  }

  get text(): string {
    return this.#blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
  }

  get thinking(): string {
    return this.#blocks.flatMap((block) => (block.type === 'thinking' ? [block.text] : [])).join('\n\n');
  }

  get calls(): readonly ToolCall[] {
    return this.#blocks.flatMap((block) => (block.type === 'call' ? [block.call] : []));
  }

  #say(type: 'text' | 'thinking', text: string): void {
    const last = this.#blocks.at(-1);
    if (last?.type === type) this.#blocks[this.#blocks.length - 1] = { type, text: last.text + text };
    else if (text !== '') this.#blocks.push({ type, text });
  }
}
