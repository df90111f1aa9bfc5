/** Drafts how a text goes on: as it went on where its end stood before, in the prompt, the conversation or the answer itself. */
import { Acceptance } from './acceptance.ts';
import { NgramIndex, type Match } from './ngramIndex.ts';

/** Longest draft; with the token before it a step of 32 columns. */
export const MOST_DRAFTED = 31;
/** Of a draft so many tokens are compared with what came. */
const JUDGED = 16;
/** From so many like tokens on the text is taken for a copy, which may go on behind a changed token. */
const COPY = 8;
/** Drafts by the length of their match, each from this many tokens on, with what share of first and later tokens is expected at first. */
const KINDS = [
  { from: 16, first: 0.9, later: 0.95 },
  { from: COPY, first: 0.8, later: 0.9 },
  { from: 4, first: 0.65, later: 0.85 },
  { from: 3, first: 0.5, later: 0.8 },
  { from: 0, first: 0.35, later: 0.7 },
] as const;
const RESUMED = { first: 0.35, later: 0.8 } as const;

export interface Draft {
  /** At least one. */
  readonly tokens: readonly number[];
  /** How many of its first `count` tokens will probably be right. */
  expected(count: number): number;
}

/** For one answer. A draft never changes what is answered: each of its tokens is checked, and only a right one is kept. */
export class Drafter {
  readonly #index = new NgramIndex();
  readonly #kinds = KINDS.map(({ from, first, later }) => ({ from, acceptance: new Acceptance(first, later) }));
  readonly #resumed = new Acceptance(RESUMED.first, RESUMED.later);
  /** Where the copied text goes on, while the answer copies. */
  #source: number | undefined;
  /** Where it would go on if the last token took the place of one. */
  #resume: number | undefined;
  #seen = 0;
  /** The last draft that is not judged yet, whether it was checked or not: what came tells. */
  #open: { readonly at: number; readonly tokens: readonly number[]; readonly acceptance: Acceptance } | undefined;

  /** `tokens`: the same list each time, longer than before. @returns at most `most` tokens; undefined when the end is new */
  next(tokens: readonly number[], most: number): Draft | undefined {
    this.#judge(tokens);
    this.#follow(tokens);
    const match = this.#index.find(tokens);
    if (match !== undefined && match.length >= COPY) this.#source = match.next;
    const chosen = this.#choose(match);
    if (chosen === undefined || most < 1) return undefined;
    const { next, acceptance } = chosen;
    const drafted = tokens.slice(next, next + Math.min(most, MOST_DRAFTED));
    if (drafted.length === 0) return undefined;
    this.#open ??= { at: tokens.length, tokens: drafted.slice(0, JUDGED), acceptance };
    return { tokens: drafted, expected: (count) => acceptance.expected(Math.min(count, drafted.length)) };
  }

  #choose(match: Match | undefined): { readonly next: number; readonly acceptance: Acceptance } | undefined {
    const kind = match && this.#kinds.find(({ from }) => match.length >= from);
    const found = match && kind && { next: match.next, acceptance: kind.acceptance };
    if (this.#resume === undefined) return found;
    const resumed = { next: this.#resume, acceptance: this.#resumed };
    return found === undefined || resumed.acceptance.expected(COPY) > found.acceptance.expected(COPY) ? resumed : found;
  }

  /** Compares the open draft with what came instead. */
  #judge(tokens: readonly number[]): void {
    if (this.#open === undefined) return;
    const { at, tokens: drafted, acceptance } = this.#open;
    let right = 0;
    while (right < drafted.length && at + right < tokens.length && drafted[right] === tokens[at + right]) right++;
    const over = right === drafted.length;
    if (!over && at + right === tokens.length) return;
    acceptance.observed(right, over);
    this.#open = undefined;
  }

  /** Goes along the copied text with what came. */
  #follow(tokens: readonly number[]): void {
    for (; this.#seen < tokens.length; this.#seen++) {
      const token = tokens[this.#seen];
      const before: number | undefined = this.#source ?? this.#resume;
      const right = before !== undefined && tokens[before] === token;
      this.#resume = this.#source !== undefined && !right ? this.#source + 1 : undefined;
      this.#source = right ? before + 1 : undefined;
    }
  }
}
