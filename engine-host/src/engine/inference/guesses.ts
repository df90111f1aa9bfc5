/** Guesses how a text goes on: as it went on the last time that its end stood in it. Code repeats itself. */

/** Tokens of the end that are looked for; the longest that is found counts. */
const LONGEST_END = 3;
/** One step takes a token and so many guesses; a fourth column more would be the first of another tile. */
export const MOST_GUESSES = 3;
/** Tokens that are looked through, from the end on: a fraction of a step's time. */
const LOOK_BACK = 8192;
/** Right guesses of one attempt that make up for what it costs. */
const LEAST_RIGHT = 0.4;
/** How much the newest attempt says. */
const NEWEST = 0.25;
/** While guessing does not pay, every so many tokens it is tried again. */
const RETRY = 6;

/** For one answer. Right or wrong guesses never change what is answered, only how many steps it takes. */
export class Guesses {
  #right = 2 * LEAST_RIGHT;
  #passed = 0;

  /** At most `most` tokens; none when the end is new, or guesses were wrong too often. */
  next(tokens: readonly number[], most: number): number[] {
    const count = Math.min(most, MOST_GUESSES);
    if (count <= 0) return [];
    if (this.#right < LEAST_RIGHT && ++this.#passed < RETRY) return [];
    const after = lastLike(tokens);
    return after === undefined ? [] : tokens.slice(after, after + count);
  }

  /** So many of an attempt's guesses were right. */
  judged(right: number): void {
    this.#passed = 0;
    this.#right += NEWEST * (right - this.#right);
  }
}

/** Where the text went on after the newest place that ends like it, by as many tokens as possible. */
function lastLike(tokens: readonly number[]): number | undefined {
  const end = tokens.length;
  const last = tokens[end - 1];
  let best: number | undefined;
  let longest = 0;
  for (let at = end - 2; at >= Math.max(0, end - LOOK_BACK); at--) {
    if (tokens[at] !== last) continue;
    let length = 1;
    while (length < LONGEST_END && length <= at && tokens[at - length] === tokens[end - 1 - length]) length++;
    if (length > longest) [best, longest] = [at + 1, length];
    if (longest === LONGEST_END) break;
  }
  return best;
}
