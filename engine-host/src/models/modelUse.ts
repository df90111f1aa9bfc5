/** Who uses the loaded model, and when it may go: a while after its last use, if its users say so. One timer at most. */
import { ZellError } from '#protocol/errors.ts';

/** A timer takes no longer times. */
const MOST_MS = 2 ** 31 - 1;

export class ModelUse {
  readonly #onExpired: () => void;
  #users = 0;
  /** Seconds that the model stays after its last use; negative: for ever. */
  #keepSeconds = -1;
  #timer: NodeJS.Timeout | undefined;
  #expiresAt: number | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(onExpired: () => void) {
    this.#onExpired = onExpired;
  }

  /** When it may go; undefined while it is used or stays for ever. */
  get expiresAt(): Date | undefined {
    return this.#expiresAt === undefined ? undefined : new Date(this.#expiresAt);
  }

  /** Nobody uses it, and its time is over. */
  get expired(): boolean {
    return this.#users === 0 && this.#expiresAt !== undefined && this.#expiresAt <= Date.now();
  }

  /** @returns the end of the use; `keepSeconds` counts from then on */
  begin(): (keepSeconds?: number) => void {
    this.#users++;
    this.#stop();
    let ended = false;
    return (keepSeconds) => {
      if (ended) return;
      ended = true;
      if (keepSeconds !== undefined) this.#keepSeconds = keepSeconds;
      if (--this.#users > 0) return;
      for (const tell of [...this.#waiting]) tell();
      if (this.#users === 0 && this.#keepSeconds >= 0) this.#start();
    };
  }

  /** Another model: what was said of the former one no longer counts. */
  reset(): void {
    this.#keepSeconds = -1;
    this.#stop();
  }

  /** Resolves when nobody uses the model. @throws {ZellError} cancelled */
  async idle(signal: AbortSignal): Promise<void> {
    while (this.#users > 0) {
      if (signal.aborted) throw new ZellError('cancelled', 'The request was cancelled before its model was loaded.');
      await new Promise<void>((resolve) => {
        const tell = (): void => {
          this.#waiting.delete(tell);
          signal.removeEventListener('abort', tell);
          resolve();
        };
        this.#waiting.add(tell);
        signal.addEventListener('abort', tell, { once: true });
      });
    }
  }

  #start(): void {
    const ms = this.#keepSeconds * 1000;
    this.#expiresAt = Date.now() + ms;
    // Longer than a timer can wait is as good as for ever.
    if (ms > MOST_MS) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A timer may fire a little early.
      this.#expiresAt = Math.min(this.#expiresAt ?? 0, Date.now());
      this.#onExpired();
    }, ms);
    this.#timer.unref();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#expiresAt = undefined;
  }
}
