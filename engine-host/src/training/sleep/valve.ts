/** What lets a night's work run, stand still, or run a part of the time. One for each piece of work. */
import { setTimeout as sleep } from 'node:timers/promises';

export class Valve {
  #held = false;
  #duty = 1;
  readonly #listeners = new Set<(held: boolean) => void>();

  get held(): boolean {
    return this.#held;
  }

  /** Share of the time that may be worked, 0–1. */
  get duty(): number {
    return this.#duty;
  }

  set(held: boolean, duty: number): void {
    this.#duty = duty;
    if (held === this.#held) return;
    this.#held = held;
    for (const listener of [...this.#listeners]) listener(held);
  }

  /** Called at once, before `set` returns. @returns the end of it */
  onChange(listener: (held: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Between two pieces of work, the last of which took `workedMs`: rests as the duty wants it, then waits while held.
   * @throws what `signal` was aborted with
   */
  async pass(workedMs: number, signal: AbortSignal): Promise<void> {
    const duty = Math.max(0.05, this.#duty);
    if (duty < 1 && workedMs > 0) await sleep(workedMs * (1 / duty - 1), undefined, { signal });
    signal.throwIfAborted();
    if (!this.#held) return;
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        end();
        reject(signal.reason as Error);
      };
      const end = this.onChange((held) => {
        if (held) return;
        end();
        signal.removeEventListener('abort', abort);
        resolve();
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}
