/** Reads calls that look like code: Python's (LFM2) and Gemma's. The whole text of a call is there. Nothing is run. */
import { MAX_DEPTH } from '../json.ts';
import type { JsonObject } from '../types.ts';

export interface CodeCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

/** Reads characters of a whole text. Every method throws `Unreadable` where the text is not what it looks for. */
class Reader {
  readonly #text: string;
  readonly #quotes: readonly string[];
  #at = 0;

  /** `quotes`: what texts stand between; of Python's own ones backslashes escape. */
  constructor(text: string, quotes: readonly string[]) {
    this.#text = text;
    this.#quotes = quotes;
  }

  get ended(): boolean {
    this.space();
    return this.#at >= this.#text.length;
  }

  space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  accepts(literal: string): boolean {
    this.space();
    if (!this.#text.startsWith(literal, this.#at)) return false;
    this.#at += literal.length;
    return true;
  }

  expect(literal: string): void {
    if (!this.accepts(literal)) throw new Unreadable();
  }

  word(pattern: RegExp): string {
    this.space();
    const found = pattern.exec(this.#text.slice(this.#at, this.#at + 512))?.[0];
    if (found === undefined || found === '') throw new Unreadable();
    this.#at += found.length;
    return found;
  }

  /** `key=value` or `key: value`, separated by commas, up to `close`. */
  pairs(equals: string, close: string, depth: number): JsonObject {
    const out: [string, unknown][] = [];
    while (!this.accepts(close)) {
      if (out.length > 0) this.expect(',');
      if (out.length > 0 && this.accepts(close)) break;
      const key = this.#quoted() ?? this.word(/^[^\s=:,(){}[\]]+/);
      this.expect(equals);
      out.push([key, this.value(depth + 1)]);
    }
    return Object.fromEntries(out);
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new Unreadable();
    this.space();
    const text = this.#quoted();
    if (text !== undefined) return text;
    if (this.accepts('{')) return this.pairs(':', '}', depth);
    if (this.accepts('[')) return this.#list(']', depth);
    if (this.accepts('(')) return this.#list(')', depth);
    const word = this.word(/^[-+.\w]+/);
    if (/^(?:true|True)$/.test(word)) return true;
    if (/^(?:false|False)$/.test(word)) return false;
    if (/^(?:null|None)$/.test(word)) return null;
    if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(word)) throw new Unreadable();
    return Number(word);
  }

  #list(close: string, depth: number): unknown[] {
    const out: unknown[] = [];
    while (!this.accepts(close)) {
      if (out.length > 0) this.expect(',');
      if (out.length > 0 && this.accepts(close)) break;
      out.push(this.value(depth + 1));
    }
    return out;
  }

  #quoted(): string | undefined {
    this.space();
    const quote = this.#quotes.find((q) => this.#text.startsWith(q, this.#at));
    if (quote === undefined) return undefined;
    this.#at += quote.length;
    const escapes = quote === '"' || quote === "'";
    for (let out = ''; ;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new Unreadable();
      if (this.#text.startsWith(quote, this.#at)) {
        this.#at += quote.length;
        return out;
      }
      this.#at++;
      out += escapes && char === '\\' ? this.#escape() : char;
    }
  }

  #escape(): string {
    const char = this.#text[this.#at++];
    if (char === undefined) throw new Unreadable();
    const digits = { x: 2, u: 4, U: 8 }[char];
    if (digits === undefined)
      return { n: '\n', t: '\t', r: '\r', '0': '\0', '\n': '' }[char] ?? (/["'\\]/.test(char) ? char : `\\${char}`);
    const hex = this.#text.slice(this.#at, this.#at + digits);
    const code = /^[0-9a-f]+$/i.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : Infinity;
    if (code > 0x10ffff) throw new Unreadable();
    this.#at += digits;
    return String.fromCodePoint(code);
  }
}

class Unreadable extends Error {}

/** `[f(a='x', b=2), g()]`, or one call without the brackets. Undefined: it is something else. */
export function pythonCalls(text: string): CodeCall[] | undefined {
  return read(text, ["'''", '"""', "'", '"'], (reader) => {
    const list = reader.accepts('[');
    const calls: CodeCall[] = [];
    do {
      if (list && reader.accepts(']')) return calls;
      const name = reader.word(/^[A-Za-z_][\w.:/-]*/);
      reader.expect('(');
      calls.push({ name, arguments: reader.pairs('=', ')', 0) });
    } while (reader.accepts(','));
    if (list) reader.expect(']');
    return calls;
  });
}

/** `call:name{key:value, …}`, with texts between `quote`s. Undefined: it is something else. */
export function gemmaCall(text: string, quote: string): CodeCall | undefined {
  return read(text, [quote, '"'], (reader) => {
    reader.expect('call:');
    const name = reader.word(/^[^\s{}]+/);
    reader.expect('{');
    return { name, arguments: reader.pairs(':', '}', 0) };
  });
}

function read<T>(text: string, quotes: readonly string[], parse: (reader: Reader) => T): T | undefined {
  try {
    const reader = new Reader(text, quotes);
    const result = parse(reader);
    return reader.ended ? result : undefined;
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}
