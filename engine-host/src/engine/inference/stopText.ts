/** Finds stop texts in a text that arrives in pieces, and never lets a part of one through. */

export interface StopMatch {
  /** Text that is certainly not part of a stop text. */
  readonly text: string;
  /** The stop text that ended it; nothing comes after. */
  readonly stop?: string;
}

/**
 * The stop text that is complete first wins; of several that end at the same place, the longest.
 * The result does not depend on how the text was cut into pieces.
 */
export class StopTextMatcher {
  readonly #stops: readonly string[];
  readonly #longest: number;
  #held = '';

  /** Empty stop texts are ignored. */
  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((s) => s !== '');
    this.#longest = Math.max(0, ...this.#stops.map((s) => s.length));
  }

  push(piece: string): StopMatch {
    if (this.#longest === 0) return { text: piece };
    const text = this.#held + piece;
    const match = this.#earliest(text);
    if (match !== undefined) {
      this.#held = '';
      return { text: text.slice(0, match.at), stop: match.stop };
    }
    const keep = this.#possibleStart(text);
    this.#held = text.slice(text.length - keep);
    return { text: text.slice(0, text.length - keep) };
  }

  /** What was held back, at the end of the text. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  #earliest(text: string): { readonly at: number; readonly stop: string } | undefined {
    let best: { readonly at: number; readonly stop: string } | undefined;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at === -1) continue;
      const end = at + stop.length;
      const bestEnd = best === undefined ? Infinity : best.at + best.stop.length;
      if (end < bestEnd || (end === bestEnd && stop.length > (best?.stop.length ?? 0))) best = { at, stop };
    }
    return best;
  }

  /** Length of the longest end of `text` that begins a stop text. */
  #possibleStart(text: string): number {
    for (let length = Math.min(text.length, this.#longest - 1); length > 0; length--) {
      const end = text.slice(text.length - length);
      if (this.#stops.some((s) => s.length > length && s.startsWith(end))) return length;
    }
    return 0;
  }
}
