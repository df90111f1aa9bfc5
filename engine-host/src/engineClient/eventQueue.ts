/** Events for one reader who may be slower than the writer: kept in order until they are read. */
import type { GenerateEvent } from '#protocol/generation.ts';

/** Ends after `done` or `failed`. One reader. */
export class EventQueue implements AsyncIterableIterator<GenerateEvent> {
  readonly #onAbandoned: () => void;
  #events: GenerateEvent[] = [];
  #reader: ((result: IteratorResult<GenerateEvent>) => void) | undefined;
  #ended = false;
  #abandoned = false;

  /** `onAbandoned`: the reader left before the end. */
  constructor(onAbandoned: () => void) {
    this.#onAbandoned = onAbandoned;
  }

  /** True once `done` or `failed` was pushed; what comes later is dropped. */
  get ended(): boolean {
    return this.#ended;
  }

  push(event: GenerateEvent): void {
    if (this.#ended) return;
    this.#ended = event.type === 'done' || event.type === 'failed';
    if (this.#abandoned) return;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) this.#events.push(event);
    else reader({ done: false, value: event });
  }

  next(): Promise<IteratorResult<GenerateEvent>> {
    const value = this.#events.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended || this.#abandoned) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  return(): Promise<IteratorResult<GenerateEvent>> {
    if (!this.#abandoned) {
      this.#abandoned = true;
      this.#events = [];
      if (!this.#ended) this.#onAbandoned();
    }
    this.#reader?.({ done: true, value: undefined });
    this.#reader = undefined;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
