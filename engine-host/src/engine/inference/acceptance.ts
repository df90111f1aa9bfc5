/** How often drafted tokens of one kind turned out right, in one answer. */

/** What an observation leaves of the earlier ones' weight. */
const KEPT = 0.9;
/** Observations that the assumption at the beginning counts for. */
const PRIOR_WEIGHT = 2;

class Share {
  #right: number;
  #all: number;

  constructor(prior: number) {
    this.#right = prior * PRIOR_WEIGHT;
    this.#all = PRIOR_WEIGHT;
  }

  get value(): number {
    return this.#right / this.#all;
  }

  add(right: number, all: number): void {
    this.#right = KEPT * this.#right + right;
    this.#all = KEPT * this.#all + all;
  }
}

/** The first token of a draft and the later ones apart: whoever copies, copies on. */
export class Acceptance {
  readonly #first: Share;
  readonly #later: Share;

  /** Shares to begin with. */
  constructor(first: number, later: number) {
    this.#first = new Share(first);
    this.#later = new Share(later);
  }

  /** Of a draft so many tokens were right, and then, unless it was over, one was wrong. */
  observed(right: number, over: boolean): void {
    this.#first.add(right > 0 ? 1 : 0, 1);
    if (right > (over ? 1 : 0)) this.#later.add(right - 1, right - (over ? 1 : 0));
  }

  /** How many tokens of a draft of `count` will probably be right: 0 to `count`. */
  expected(count: number): number {
    const later = this.#later.value;
    const tokens = later > 0.9999 ? count : (1 - later ** count) / (1 - later);
    return this.#first.value * tokens;
  }
}
