/** How long to wait before the engine is started again, and when to give up. */

const DELAYS_MS = [100, 500, 2000, 5000, 15_000];
/** A life this long after being ready forgets earlier crashes. */
export const STABLE_MS = 60_000;
/** Crashes in a row on the way to being ready after which nobody tries again by itself. */
export const MOST_FAILED_STARTS = 3;

export class Backoff {
  #crashes = 0;
  #failedStarts = 0;
  #readyAt: number | undefined;

  /** The engine is usable, the wanted model loaded. */
  ready(now: number): void {
    this.#readyAt = now;
    this.#failedStarts = 0;
  }

  /** A model is being loaded: a crash from now on was on the way to being ready. */
  loading(now: number): void {
    this.#settle(now);
    this.#readyAt = undefined;
  }

  /** Milliseconds to wait before the next start; undefined: give up. */
  crashed(now: number): number | undefined {
    if (this.#readyAt === undefined) this.#failedStarts++;
    this.#settle(now);
    this.#readyAt = undefined;
    if (this.#failedStarts >= MOST_FAILED_STARTS) return undefined;
    return DELAYS_MS[Math.min(this.#crashes++, DELAYS_MS.length - 1)];
  }

  #settle(now: number): void {
    if (this.#readyAt !== undefined && now - this.#readyAt >= STABLE_MS) this.#crashes = 0;
  }

  /** Somebody asked for a new try. */
  reset(): void {
    this.#crashes = 0;
    this.#failedStarts = 0;
    this.#readyAt = undefined;
  }
}
