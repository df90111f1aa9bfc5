/** How long to wait after a keystroke before the engine is asked: short for a slow typist, longer while keys fly. */

const SHORTEST_MS = 75;
const LONGEST_MS = 300;
/** Pauses longer than this are thinking, not typing. */
const PAUSE_MS = 1000;
const KEPT = 8;

/** After these the user expects a suggestion at once. */
const TRIGGERS = new Set(['.', '(', '[', '{', ':', '=', ' ', '\n', '\t']);

/** Learns the delay from keystrokes and from how long answers take. Times are milliseconds of one monotonic clock. */
export class TypingRhythm {
  #lastKey: number | undefined;
  #intervals: number[] = [];
  #latency = 0;

  key(now: number): void {
    if (this.#lastKey !== undefined) {
      const interval = now - this.#lastKey;
      if (interval > 0 && interval < PAUSE_MS) this.#intervals = [...this.#intervals, interval].slice(-KEPT);
    }
    this.#lastKey = now;
  }

  /** An answer came after this time; slow engines are asked less often. */
  answered(latencyMs: number): void {
    this.#latency = this.#latency === 0 ? latencyMs : this.#latency * 0.7 + latencyMs * 0.3;
  }

  /**
   * Milliseconds to wait, 75–300. Waiting 1.5 intervals means: ask when the next key is late. An engine that needs longer
   * than half a second adds up to the maximum, as most of its answers would be thrown away.
   */
  delay(lastTyped: string): number {
    const sorted = this.#intervals.toSorted((a, b) => a - b);
    const typical = sorted[Math.floor(sorted.length / 2)] ?? 100;
    const rhythm = typical * (TRIGGERS.has(lastTyped) ? 0.75 : 1.5);
    const burden = Math.max(0, this.#latency - 500) / 4;
    return Math.round(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, rhythm + burden)));
  }
}
