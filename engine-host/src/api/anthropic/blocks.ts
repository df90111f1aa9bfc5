/** Content blocks of an answer: one open at a time, each closed before the next. */
import type { AnswerBlock } from '../../tools/answer.ts';
import type { IdentifiedEvent } from '../dialogue.ts';
import type { ResponseStream, Written } from '../responseStream.ts';
import { textSlot } from '../textSlot.ts';

/** Nobody signs thoughts here, but clients keep only those that have a signature. */
const SIGNATURE = 'zell';
const DELTA = 'content_block_delta';

/** A block of an answer that is complete. */
export function contentBlock(block: AnswerBlock): Record<string, unknown> {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text };
    case 'thinking':
      return { type: 'thinking', thinking: block.text, signature: SIGNATURE };
    case 'call':
      return { type: 'tool_use', id: block.call.id, name: block.call.name, input: block.call.arguments };
  }
}

type Kind = 'text' | 'thinking' | 'tool_use';

/** Writes blocks as their content comes. */
export class ContentBlocks {
  readonly #stream: ResponseStream;
  #open: { readonly kind: Kind; readonly delta: (content: string) => string } | undefined;
  /** Blocks so far. */
  #count = 0;

  constructor(stream: ResponseStream) {
    this.#stream = stream;
  }

  add(events: readonly IdentifiedEvent[]): Written {
    let written: Written;
    for (const event of events) written = this.#one(event) ?? written;
    return written;
  }

  text(text: string): Written {
    return this.#content('text', text);
  }

  /** An empty piece of content: the only sign of life that clients count. */
  idle(): Written {
    return this.#open === undefined ? this.text('') : this.#piece('');
  }

  /** The end: an answer without any content has an empty text. */
  close(): Written {
    if (this.#count === 0) void this.#start('text', { type: 'text', text: '' });
    return this.#stop();
  }

  #one(event: IdentifiedEvent): Written {
    switch (event.type) {
      case 'text':
      case 'thinking':
        return this.#content(event.type, event.text);
      case 'call':
        return this.#start('tool_use', { type: 'tool_use', id: event.id, name: event.name, input: {} });
      case 'arguments':
        return this.#piece(event.json);
      case 'called':
      case 'broken':
        return this.#stop();
    }
  }

  #content(kind: 'text' | 'thinking', text: string): Written {
    if (this.#open?.kind !== kind) {
      const block = kind === 'text' ? { type: kind, text: '' } : { type: kind, thinking: '', signature: '' };
      const written = this.#start(kind, block);
      if (text === '') return written;
    }
    return this.#piece(text);
  }

  #piece(content: string): Written {
    return this.#open === undefined ? undefined : this.#stream.eventJson(DELTA, this.#open.delta(content));
  }

  #start(kind: Kind, content_block: object): Written {
    void this.#stop();
    const index = this.#count++;
    const delta = textSlot((content) => ({ type: DELTA, index, delta: deltaOf(kind, content) }));
    this.#open = { kind, delta };
    return this.#event('content_block_start', { index, content_block });
  }

  #stop(): Written {
    if (this.#open === undefined) return undefined;
    const index = this.#count - 1;
    if (this.#open.kind === 'thinking')
      void this.#event(DELTA, { index, delta: { type: 'signature_delta', signature: SIGNATURE } });
    this.#open = undefined;
    return this.#event('content_block_stop', { index });
  }

  #event(type: string, rest: object): Written {
    return this.#stream.event(type, { type, ...rest });
  }
}

function deltaOf(kind: Kind, content: string): object {
  switch (kind) {
    case 'text':
      return { type: 'text_delta', text: content };
    case 'thinking':
      return { type: 'thinking_delta', thinking: content };
    case 'tool_use':
      return { type: 'input_json_delta', partial_json: content };
  }
}
