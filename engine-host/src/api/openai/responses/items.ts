/** The items of one streamed response as events: one open at a time, each opened, filled and closed before the next. */
import type { IdentifiedEvent } from '../../dialogue.ts';
import type { Written } from '../../responseStream.ts';
import type { Logprobs } from '../wire.ts';
import * as wire from './wire.ts';

type Send = (type: string, rest: object) => Written;

/** What is open: its place, what it holds so far, and how it ends. */
interface Open {
  readonly kind: 'message' | 'reasoning' | 'call';
  readonly at: { readonly item_id: string; readonly output_index: number };
  content: string;
  readonly callId: string;
  readonly name: string;
}

export class StreamedItems {
  readonly #send: Send;
  readonly #custom: ReadonlySet<string>;
  readonly #done: wire.OutputItem[] = [];
  #open: Open | undefined;

  /** `custom`: tools whose input is a text. */
  constructor(send: Send, custom: ReadonlySet<string>) {
    this.#send = send;
    this.#custom = custom;
  }

  /** Items that are complete. */
  get output(): readonly wire.OutputItem[] {
    return this.#done;
  }

  add(events: readonly IdentifiedEvent[], logprobs: Logprobs = []): Written {
    let written: Written;
    let probable = logprobs;
    for (const event of events) {
      written = this.#one(event, probable) ?? written;
      if (event.type === 'text') probable = [];
    }
    return written;
  }

  /** Opens the message that the answer begins with for sure. */
  begin(): Written {
    return this.#start('message', 'msg');
  }

  text(delta: string, logprobs: Logprobs = []): Written {
    if (this.#open?.kind !== 'message') void this.begin();
    return this.#piece('response.output_text.delta', delta, {
      content_index: 0,
      logprobs: wire.partLogprobs(logprobs),
    });
  }

  /** Closes what is open; an answer without any item has an empty message. `logprobs`: of a message that is the whole answer. */
  close(cut: boolean, logprobs: Logprobs = []): Written {
    if (this.#open === undefined && this.#done.length === 0) void this.begin();
    return this.#stop(cut, logprobs);
  }

  #one(event: IdentifiedEvent, logprobs: Logprobs): Written {
    switch (event.type) {
      case 'text':
        return this.text(event.text, logprobs);
      case 'thinking':
        if (this.#open?.kind !== 'reasoning') void this.#start('reasoning', 'rs');
        return this.#piece('response.reasoning_text.delta', event.text, { content_index: 0 });
      case 'call':
        return this.#start('call', 'fc', event.id, event.name);
      case 'arguments':
        // The input of a custom tool is a text within these arguments: it comes as a whole.
        if (this.#isCustom) {
          if (this.#open !== undefined) this.#open.content += event.json;
          return undefined;
        }
        return this.#piece('response.function_call_arguments.delta', event.json, {});
      case 'called':
        return this.#stop(false);
      case 'broken':
        return this.#stop(true);
    }
  }

  get #isCustom(): boolean {
    return this.#open?.kind === 'call' && this.#custom.has(this.#open.name);
  }

  #start(kind: Open['kind'], prefix: 'msg' | 'rs' | 'fc', callId = '', name = ''): Written {
    void this.#stop(false);
    const at = { item_id: wire.newId(prefix), output_index: this.#done.length };
    this.#open = { kind, at, content: '', callId, name };
    const item = this.#item(this.#open, 'in_progress', []);
    const written = this.#send('response.output_item.added', { output_index: at.output_index, item });
    if (kind === 'call') return written;
    const part = kind === 'message' ? wire.textPart('') : wire.reasoningPart('');
    return this.#send('response.content_part.added', { ...at, content_index: 0, part });
  }

  #piece(type: string, delta: string, rest: object): Written {
    if (this.#open === undefined) return undefined;
    this.#open.content += delta;
    return this.#send(type, { ...this.#open.at, ...rest, delta });
  }

  #stop(cut: boolean, logprobs: Logprobs = []): Written {
    const open = this.#open;
    if (open === undefined) return undefined;
    const { at, content } = open;
    const item = this.#item(open, cut ? 'incomplete' : 'completed', logprobs);
    if (open.kind === 'message') {
      const part = wire.textPart(content, logprobs);
      void this.#send('response.output_text.done', {
        ...at,
        content_index: 0,
        text: content,
        logprobs: part['logprobs'],
      });
      void this.#send('response.content_part.done', { ...at, content_index: 0, part });
    } else if (open.kind === 'reasoning') {
      void this.#send('response.reasoning_text.done', { ...at, content_index: 0, text: content });
      void this.#send('response.content_part.done', { ...at, content_index: 0, part: wire.reasoningPart(content) });
    } else if (this.#isCustom) {
      const input = item['input'];
      void this.#send('response.custom_tool_call_input.delta', { ...at, delta: input });
      void this.#send('response.custom_tool_call_input.done', { ...at, input });
    } else void this.#send('response.function_call_arguments.done', { ...at, name: open.name, arguments: content });
    this.#open = undefined;
    this.#done.push(item);
    return this.#send('response.output_item.done', { output_index: at.output_index, item });
  }

  #item(open: Open, status: wire.ItemStatus, logprobs: Logprobs): wire.OutputItem {
    const { item_id: id } = open.at;
    const begun = status === 'in_progress';
    if (open.kind === 'message')
      return wire.messageItem(id, status, begun ? [] : [wire.textPart(open.content, logprobs)]);
    if (open.kind === 'reasoning') return wire.reasoningItem(id, status, open.content);
    return wire.callItem(id, status, open.callId, open.name, open.content, this.#custom.has(open.name));
  }
}
