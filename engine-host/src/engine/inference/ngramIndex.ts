/** Where the end of a growing list of tokens stood before: hashed n-grams of two orders, the longest like end wins. */

/** Tokens that a like end has at least; looked for only where no longer one is found. */
const SHORT_ORDER = 2;
const LONG_ORDER = 5;
/** Longer likeness says no more. */
export const LONGEST_MATCH = 32;
/** Places of one n-gram that are compared, from the newest on. */
const MOST_CANDIDATES = 32;
/** Places that are remembered: older ones are overwritten. Bounds the memory of one index to 1.5 MiB. */
export const WINDOW = 2 ** 17;
const LEAST_CAPACITY = 2 ** 10;
const MOST_HEADS = 2 ** 16;

export interface Match {
  /** Index of the token that came after the earlier place. */
  readonly next: number;
  /** Tokens before it that are like those at the end, at most `LONGEST_MATCH`. */
  readonly length: number;
}

/** For one list, which only grows. */
export class NgramIndex {
  readonly #short = new Chains(SHORT_ORDER);
  readonly #long = new Chains(LONG_ORDER);
  #indexed = 0;

  /** The earlier place with the longest like end, of equal ones the newest; undefined when no two last tokens stood together before. */
  find(tokens: readonly number[]): Match | undefined {
    // The end itself is added with the next call: it must not find itself.
    for (let end = this.#indexed + 1; end < tokens.length; end++) {
      this.#short.add(tokens, end);
      this.#long.add(tokens, end);
    }
    this.#indexed = Math.max(this.#indexed, tokens.length - 1);
    return longest(tokens, this.#long) ?? longest(tokens, this.#short);
  }
}

function longest(tokens: readonly number[], chains: Chains): Match | undefined {
  let best: Match | undefined;
  for (let at = chains.newest(tokens), tried = 0; at > 0 && tried < MOST_CANDIDATES; at = chains.before(at), tried++) {
    const length = likeness(tokens, at);
    // Fewer: another n-gram with the same hash.
    if (length >= chains.order && length > (best?.length ?? 0)) best = { next: at, length };
    if (length === LONGEST_MATCH) break;
  }
  return best;
}

/** How many tokens before `at` are like those at the end. */
function likeness(tokens: readonly number[], at: number): number {
  const most = Math.min(at, LONGEST_MATCH);
  let length = 0;
  while (length < most && tokens[at - 1 - length] === tokens[tokens.length - 1 - length]) length++;
  return length;
}

/** Places behind n-grams of one order, those with the same hash linked from the newest to the oldest. */
class Chains {
  readonly order: number;
  /** [hash] → the newest place; 0: none. */
  #heads = new Int32Array(0);
  /** [place modulo capacity] → the place before with the same hash. */
  #links = new Int32Array(0);
  #last = 0;

  constructor(order: number) {
    this.order = order;
  }

  /** The n-gram that ends before `at`; places come in rising order. */
  add(tokens: readonly number[], at: number): void {
    if (at < this.order) return;
    if (at >= this.#links.length && this.#links.length < WINDOW) this.#grow(tokens);
    const slot = this.#slot(tokens, at);
    this.#links[at % this.#links.length] = this.#heads[slot] ?? 0;
    this.#heads[slot] = at;
    this.#last = at;
  }

  /** The newest place like the end of `tokens`; 0: none. */
  newest(tokens: readonly number[]): number {
    if (this.#heads.length === 0 || tokens.length < this.order) return 0;
    return this.#valid(this.#heads[this.#slot(tokens, tokens.length)] ?? 0);
  }

  /** The next older place; 0: none. */
  before(at: number): number {
    const older = this.#valid(this.#links[at % this.#links.length] ?? 0);
    return older < at ? older : 0;
  }

  /** Overwritten places end a chain. */
  #valid(at: number): number {
    return at > this.#last - this.#links.length ? at : 0;
  }

  #slot(tokens: readonly number[], at: number): number {
    let hash = 0;
    for (let i = at - this.order; i < at; i++) hash = Math.imul(hash ^ (tokens[i] ?? 0), 0x9e3779b1) ^ (hash >>> 15);
    return (hash ^ (hash >>> 16)) & (this.#heads.length - 1);
  }

  /** Everything again in larger tables: the first time, and when the list has doubled. */
  #grow(tokens: readonly number[]): void {
    let capacity = LEAST_CAPACITY;
    while (capacity <= tokens.length && capacity < WINDOW) capacity *= 2;
    const known = this.#last;
    this.#links = new Int32Array(capacity);
    this.#heads = new Int32Array(Math.min(capacity, MOST_HEADS));
    for (let at = Math.max(this.order, known - capacity + 1); at <= known; at++) this.add(tokens, at);
  }
}
