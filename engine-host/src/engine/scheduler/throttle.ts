/** Keeps steps apart while the machine is too hot or saves energy. Costs nothing while it does not: no timer, no wait. */
import type { EngineLimits } from '#protocol/engine.ts';
import { PRIORITIES } from '#protocol/generation.ts';

/** Whoever comes meanwhile must not wait longer than that. */
const MOST_REST_MS = 5000;
/** The first class that waits while memory is short. */
const FIRST_PATIENT = PRIORITIES.indexOf('batch');

export class Throttle {
  #duty = 1;
  #memoryShort = false;
  #lastMs = 0;
  #wake: (() => void) | undefined;

  /** Takes part at once, also in the middle of a rest. */
  set({ duty, memoryShort }: EngineLimits): void {
    this.#duty = Math.min(1, Math.max(0, duty));
    this.#memoryShort = memoryShort;
    this.#wake?.();
  }

  /** No step may begin. */
  get paused(): boolean {
    return this.#duty === 0;
  }

  /** Whether nobody of this class (its place in `PRIORITIES`) is begun. */
  holds(rank: number): boolean {
    return this.#memoryShort && rank >= FIRST_PATIENT;
  }

  /** A step took so long. */
  worked(ms: number): void {
    this.#lastMs = ms;
  }

  /** What has to pass before the next step; undefined: nothing. */
  rest(): Promise<void> | undefined {
    const ms = this.#lastMs;
    this.#lastMs = 0;
    if (this.#duty === 1 || this.#duty === 0 || ms === 0) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.min(MOST_REST_MS, ms * (1 / this.#duty - 1)));
      this.#wake = done;
    });
  }
}
