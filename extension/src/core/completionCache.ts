/** Remembers suggestions, so that typing what one says, going back and coming again cost no engine time. */

interface Entry {
  readonly document: string;
  /** End of the text before the cursor when it was asked. */
  readonly before: string;
  /** Start of the text behind the cursor. */
  readonly after: string;
  readonly text: string;
}

export interface CacheKey {
  /** Identity of the document, e.g. its URI. */
  readonly document: string;
  readonly prefix: string;
  readonly suffix: string;
}

/** Enough context on both sides that two places of one document are not mistaken for each other. */
const BEFORE_CHARS = 1024;
const AFTER_CHARS = 256;

/**
 * Least-recently-used suggestions of a window. A hit may lie some characters further than the entry: then those
 * characters are the start of its text and the rest is returned.
 */
export class CompletionCache {
  #entries: Entry[] = [];
  readonly #limit: number;

  constructor(limit = 100) {
    this.#limit = limit;
  }

  /** The newest suggestion that is still true here, or undefined. Never an empty text. */
  find(key: CacheKey): string | undefined {
    const after = key.suffix.slice(0, AFTER_CHARS);
    for (let at = this.#entries.length - 1; at >= 0; at--) {
      const entry = this.#entries[at];
      if (entry?.document !== key.document || entry.after !== after) continue;
      const rest = restOf(entry, key.prefix);
      if (rest === undefined) continue;
      this.#entries.splice(at, 1);
      this.#entries.push(entry);
      return rest;
    }
    return undefined;
  }

  add(key: CacheKey, text: string): void {
    const before = key.prefix.slice(-BEFORE_CHARS);
    const after = key.suffix.slice(0, AFTER_CHARS);
    this.#entries = this.#entries.filter(
      (entry) => entry.document !== key.document || entry.before !== before || entry.after !== after,
    );
    this.#entries.push({ document: key.document, before, after, text });
    if (this.#entries.length > this.#limit) this.#entries.shift();
  }

  /** Forgets everything: another model answers differently. */
  clear(): void {
    this.#entries = [];
  }
}

/** What of the entry's text still lies ahead at the end of `prefix`. */
function restOf(entry: Entry, prefix: string): string | undefined {
  for (let typed = 0; typed < entry.text.length; typed++) {
    const start = prefix.length - typed;
    if (start < 0) return undefined;
    if (prefix.endsWith(entry.text.slice(0, typed)) && endsAt(prefix, start, entry.before))
      return entry.text.slice(typed);
  }
  return undefined;
}

/** True when `text[0, end)` ends with `tail`. A window that slid so far that it no longer holds `tail` is a miss. */
function endsAt(text: string, end: number, tail: string): boolean {
  return end >= tail.length && text.startsWith(tail, end - tail.length);
}
