/** The host's one status: put together from its parts, pushed when one of them changed, at most ten times a second. */
import type { HostStatus } from '#protocol/editor.ts';

const PUSH_MS = 100;

export class StatusBoard {
  readonly #compose: () => HostStatus;
  readonly #listeners = new Set<(status: HostStatus) => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastText = '';

  /** `compose` must be cheap: it is asked at every push. */
  constructor(compose: () => HostStatus) {
    this.#compose = compose;
  }

  get(): HostStatus {
    return this.#compose();
  }

  /** Something may have changed. The timer runs only after this call, never on its own. */
  touch(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#push();
    }, PUSH_MS);
  }

  /** @returns the end of the subscription */
  subscribe(listener: (status: HostStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #push(): void {
    if (this.#listeners.size === 0) return;
    const status = this.#compose();
    const text = JSON.stringify(status);
    if (text === this.#lastText) return;
    this.#lastText = text;
    for (const listener of this.#listeners) listener(status);
  }
}
