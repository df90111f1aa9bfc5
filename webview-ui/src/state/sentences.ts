/** Cuts streaming text into whole sentences, so that a screen reader is not told half words. */

/** A sentence ends at its mark followed by white space, or at a line break. */
const END = /[.!?…:;]["')\]]*\s|\n/g;

export class SentenceBuffer {
  #rest = '';

  /** The sentences that this text finished, joined; empty while none is. */
  push(text: string): string {
    this.#rest += text;
    let end = 0;
    for (const match of this.#rest.matchAll(END)) end = match.index + match[0].length;
    const whole = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    return spoken(whole);
  }

  /** What is left at the end of the stream. */
  flush(): string {
    const rest = this.#rest;
    this.#rest = '';
    return spoken(rest);
  }
}

/** Without the marks of markdown. */
function spoken(text: string): string {
  return text
    .replace(/[*_`#>|~]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
