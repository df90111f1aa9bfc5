/**
 * A text that comes in pieces, and the steps with which formats read it. Steps are generators that `yield` when they need more text; so a
 * format reads as if the whole text were there, and where it is split makes no difference.
 */

/** Yields to wait for more text; never after the end. */
export type Step<T> = Generator<undefined, T, undefined>;

export class Input {
  #buffer = '';
  #at = 0;
  #mark = Infinity;
  #before = '';
  #ended = false;

  add(text: string): void {
    const keep = Math.min(this.#at, this.#mark);
    this.#buffer = this.#buffer.slice(keep) + text;
    this.#at -= keep;
    this.#mark -= keep;
  }

  end(): void {
    this.#ended = true;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What has come and was not taken. */
  get rest(): string {
    return this.#buffer.slice(this.#at);
  }

  /** The next character; undefined when none has come. */
  get next(): string | undefined {
    return this.#buffer[this.#at];
  }

  take(characters: number): void {
    this.#at += characters;
  }

  /** Gives back what was taken last. */
  untake(characters: number): void {
    this.#at -= characters;
  }

  /** From here on `source` remembers what is taken. `just`: what was taken last belongs to it. */
  remember(just = ''): void {
    this.#mark = this.#at;
    this.#before = just;
  }

  get source(): string {
    return this.#before + this.#buffer.slice(this.#mark, this.#at);
  }

  /** `source` is not needed any more. */
  forget(): void {
    this.#mark = Infinity;
  }
}

/** Gives the text up to the first of `marks` to `emit` as soon as it cannot be part of a mark, and takes the mark. Undefined: the text ended. */
export function* until(input: Input, marks: readonly string[], emit: (text: string) => void): Step<string | undefined> {
  for (;;) {
    const rest = input.rest;
    let at = Infinity;
    let found: string | undefined;
    for (const mark of marks) {
      const i = rest.indexOf(mark);
      if (i >= 0 && i < at) [at, found] = [i, mark];
    }
    if (found !== undefined) {
      if (at > 0) emit(rest.slice(0, at));
      input.take(at + found.length);
      return found;
    }
    const sure = input.ended ? rest.length : rest.length - heldBack(rest, marks);
    if (sure > 0) emit(rest.slice(0, sure));
    input.take(sure);
    if (input.ended) return undefined;
    yield;
  }
}

/** Length of the longest end of `text` with which a mark may begin. */
function heldBack(text: string, marks: readonly string[]): number {
  let most = 0;
  for (const mark of marks)
    for (let n = Math.min(mark.length - 1, text.length); n > most; n--)
      if (mark.startsWith(text.slice(text.length - n))) {
        most = n;
        break;
      }
  return most;
}

/** Takes `literal` if it comes next. */
export function* accept(input: Input, literal: string): Step<boolean> {
  for (;;) {
    const rest = input.rest;
    if (rest.startsWith(literal)) {
      input.take(literal.length);
      return true;
    }
    if (input.ended || !literal.startsWith(rest)) return false;
    yield;
  }
}

/** Takes the first of `literals` that comes next; undefined when none does. */
export function* acceptOne(input: Input, literals: readonly string[]): Step<string | undefined> {
  for (const literal of literals) if (yield* accept(input, literal)) return literal;
  return undefined;
}

/** Takes white space. @returns the next character, not taken; undefined at the end */
export function* space(input: Input): Step<string | undefined> {
  for (;;) {
    const rest = input.rest;
    const left = rest.trimStart();
    input.take(rest.length - left.length);
    if (left !== '') return left[0];
    if (input.ended) return undefined;
    yield;
  }
}

/** The next character, not taken; undefined at the end. */
export function* peek(input: Input): Step<string | undefined> {
  while (input.next === undefined && !input.ended) yield;
  return input.next;
}

/** The text up to the first of `marks`, which is taken as well; undefined when none comes within `most` characters. */
export function* collect(
  input: Input,
  marks: readonly string[],
  most: number,
): Step<{ readonly text: string; readonly mark: string } | undefined> {
  const longest = Math.max(...marks.map((mark) => mark.length));
  for (let from = 0; ;) {
    const { rest } = input;
    let at = Infinity;
    let mark: string | undefined;
    for (const m of marks) {
      const i = rest.indexOf(m, from);
      if (i >= 0 && i < at) [at, mark] = [i, m];
    }
    if (mark !== undefined && at <= most) {
      input.take(at + mark.length);
      return { text: rest.slice(0, at), mark };
    }
    if (input.ended || rest.length - heldBack(rest, marks) > most) return undefined;
    from = Math.max(0, rest.length - longest + 1);
    yield;
  }
}
