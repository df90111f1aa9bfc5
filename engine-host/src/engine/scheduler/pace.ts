/** How many prefill tokens a step may carry, learnt from how long steps take. */

/** A running answer waits this long for its next token at most, or two of its plain decode steps where those are slower. */
export const MOST_GAP_MS = 50;
/** A step without running answers while several share the engine: somebody who comes now waits for half of it on average. */
export const MOST_SHARED_MS = 80;
/** The same while nobody else came for a while: large slices read the weights less often, up to twice as fast. */
export const MOST_ALONE_MS = 300;
/** Prefill tokens of a step before anything was measured. */
export const FIRST_SLICE = 64;
/** Fewer would cost a whole reading of the weights for next to nothing. */
export const LEAST_SLICE = 8;
/** The same without running answers, whom a longer step would hold up. */
const LEAST_ALONE = 32;
/** More brings nothing: tiles are full. */
export const MOST_SLICE = 512;

/** Steps are planned to take this part of what is allowed: times scatter, and the 95th percentile must keep the limit. */
const AIM = 0.75;
/** Beside running answers at least so many milliseconds stay free: tokens scatter on their way to the reader, too, by no more in slow steps. */
const WAY_MS = 17;
/** A prefill token that cost more than thought counts at once, one that cost less counts slowly. */
const RISE = 0.5;
const FALL = 0.1;
/** Beside running answers a slice changes by these factors at most, for each step. */
const SHRINK = 0.5;
const GROW = 1.1;
/** How much the newest plain step says. */
const NEWEST = 0.2;
/** One stall of the machine is no new pace: no measurement counts for more than this many times what was thought. */
const MOST_JUMP = 3;
/** Of so many steps beside running answers one goes without prompts: what a plain step takes changes with the machine's load. */
const PLAIN_EVERY = 16;
/** Slices are multiples of this, where they are larger: rows of a tile. */
const TILE_ROWS = 16;

/** Not for one step: it holds what the model has shown since it was loaded. Times in milliseconds. */
export class Pace {
  /** [sequences that decode] → a step of only those. */
  readonly #decodeMs: (number | undefined)[] = [];
  /**
   * Tokens of a slice beside running answers. Found by trying: a few columns more are nearly free where the weights' way from
   * memory counts, and dear where another kernel begins.
   */
  #beside = FIRST_SLICE;
  /** A prefill token more, without running answers. */
  #aloneMs: number | undefined;
  #sincePlain = 0;
  readonly #streamed: boolean;

  /** `streamed`: weights come from the disk, which costs a step the same whatever it evaluates; then prompts go in as few as they can. */
  constructor(streamed = false) {
    this.#streamed = streamed;
  }

  /** A step of `decode` sequences' next tokens and `prefill` tokens of prompts took `ms`. */
  measured(decode: number, prefill: number, ms: number): void {
    if (prefill === 0) {
      const before = this.#decodeMs[decode] ?? ms;
      if (decode > 0) this.#decodeMs[decode] = before + NEWEST * (Math.min(ms, MOST_JUMP * before) - before);
      this.#sincePlain = 0;
      return;
    }
    if (decode > 0) {
      this.#sincePlain++;
      const ratio = this.#aimMs(decode) / Math.max(ms, 1e-3);
      if (ratio < 1) this.#beside = Math.max(LEAST_SLICE, Math.min(this.#beside, prefill) * Math.max(SHRINK, ratio));
      // A short rest of a prompt says little about a full slice.
      else if (prefill >= wholeTiles(this.#beside))
        this.#beside = Math.min(MOST_SLICE, this.#beside * Math.min(GROW, ratio));
    } else if (prefill >= FIRST_SLICE || this.#aloneMs === undefined)
      this.#aloneMs = towards(this.#aloneMs, ms / prefill);
  }

  /** A step in which only `sequences` decode, from the nearest number that was measured; 0 while none was. */
  decodeMs(sequences: number): number {
    let nearest: number | undefined;
    this.#decodeMs.forEach((_, count) => {
      if (nearest === undefined || Math.abs(count - sequences) < Math.abs(nearest - sequences)) nearest = count;
    });
    return sequences === 0 || nearest === undefined ? 0 : (this.#decodeMs[nearest] ?? 0);
  }

  /** Prefill tokens of the next step beside `decode` running answers; now and then none. `shared`: somebody may come soon. */
  slice(decode: number, shared = true): number {
    if (decode > 0 && this.#sincePlain >= PLAIN_EVERY) return 0;
    if (decode > 0) return wholeTiles(this.#beside);
    if (this.#streamed) return MOST_SLICE;
    if (this.#aloneMs === undefined) return FIRST_SLICE;
    const room = AIM * (shared ? MOST_SHARED_MS : MOST_ALONE_MS);
    const fitting = wholeTiles(room / Math.max(this.#aloneMs, 1e-6));
    return Math.min(MOST_SLICE, Math.max(LEAST_ALONE, fitting));
  }

  /** What a step beside `decode` running answers is planned to take. */
  #aimMs(decode: number): number {
    const most = Math.max(MOST_GAP_MS, 2 * this.decodeMs(decode));
    return Math.min(AIM * most, most - WAY_MS);
  }
}

function wholeTiles(tokens: number): number {
  const whole = Math.floor(tokens);
  return whole > TILE_ROWS ? whole - (whole % TILE_ROWS) : whole;
}

function towards(before: number | undefined, now: number): number {
  if (before === undefined || before === 0) return now;
  return before + (now > before ? RISE : FALL) * (Math.min(now, MOST_JUMP * before) - before);
}
