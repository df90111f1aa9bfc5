/** Collects what a format finds in a text: words, thoughts and calls, in order. */
import type { Input } from './input.ts';
import type { ReplyEvent } from './types.ts';

/** More calls than these in one answer are a model that repeats itself; the rest stays text. */
const MAX_CALLS = 128;

interface ReplyOptions {
  /** Names that may be called; undefined: no call is expected, and what looks like one stays text. */
  readonly tools: ReadonlySet<string> | undefined;
  /** Most calls; what follows the last of them is dropped. */
  readonly maxCalls?: number;
}

export class Reply {
  readonly #options: ReplyOptions;
  #events: ReplyEvent[] = [];
  #calls = 0;
  #open = false;
  /** White space that is dropped when a call follows: it belongs to the call's form. */
  #held = '';
  /** White space at the end of the thought so far; undefined before its first word. */
  #thought: string | undefined;
  /** Leading white space of the next words is the form's, too. */
  #trim = false;

  constructor(options: ReplyOptions) {
    this.#options = options;
  }

  /** What was found since the last time. */
  take(): ReplyEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  get mayCall(): boolean {
    return this.#options.tools !== undefined && this.#calls < MAX_CALLS;
  }

  /** The calls that were asked for are there. */
  get full(): boolean {
    return this.#calls >= (this.#options.maxCalls ?? Infinity);
  }

  knows(name: string): boolean {
    return this.#options.tools?.has(name) === true;
  }

  text(text: string): void {
    if (this.full) return;
    const all = this.#held + (this.#trim && this.#held === '' ? text.trimStart() : text);
    if (all === '') return;
    this.#trim = false;
    // White space alone could be the form's; where no call is expected it goes out with the rest.
    const shown = this.#options.tools === undefined ? all : all.trimEnd();
    this.#held = all.slice(shown.length);
    if (shown !== '') this.#add({ type: 'text', text: shown });
  }

  /** White space around a thought is the form's. */
  beginThinking(): void {
    this.#held = '';
    this.#thought = undefined;
  }

  thinking(text: string): void {
    const all = this.#thought === undefined ? text.trimStart() : this.#thought + text;
    if (all === '' || this.full) return;
    const shown = all.trimEnd();
    this.#thought = all.slice(shown.length);
    if (shown !== '') this.#add({ type: 'thinking', text: shown });
  }

  endThinking(): void {
    this.#trim = true;
  }

  /** False where no call may come: then its text is the caller's to give out. */
  begin(name: string): boolean {
    if (!this.mayCall || this.full) return false;
    this.#held = '';
    this.#trim = true;
    this.#open = true;
    this.#add({ type: 'call', index: this.#calls, name });
    return true;
  }

  arguments(json: string): void {
    if (json !== '') this.#add({ type: 'arguments', index: this.#calls, json });
  }

  /** The open call is complete. */
  finish(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#add({ type: 'called', index: this.#calls++ });
  }

  /** The call that the input remembers ended in the middle, or is none: what was not given out as a call is text. */
  giveUp(input: Input): void {
    const { source } = input;
    input.forget();
    if (!this.#open) {
      this.text(source);
      return;
    }
    this.#open = false;
    this.#add({ type: 'broken', index: this.#calls++, source });
    this.#trim = false;
  }

  /** The text is over: what was held back belongs to it after all. */
  end(): void {
    if (this.#held !== '') this.#add({ type: 'text', text: this.#held });
    this.#held = '';
  }

  #add(event: ReplyEvent): void {
    const last = this.#events.at(-1);
    if (event.type === 'text' && last?.type === 'text')
      this.#events[this.#events.length - 1] = { ...event, text: last.text + event.text };
    else if (event.type === 'thinking' && last?.type === 'thinking')
      this.#events[this.#events.length - 1] = { ...event, text: last.text + event.text };
    else if (event.type === 'arguments' && last?.type === 'arguments')
      this.#events[this.#events.length - 1] = { ...event, json: last.json + event.json };
    else this.#events.push(event);
  }
}
