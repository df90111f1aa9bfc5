/**
 * JSON that a model writes, read as it comes. Small slips that leave no doubt are put right: line breaks and unknown escapes within
 * texts, Python's words for true, false and null. Nesting and literals are bounded.
 */
import { peek, space, type Input, type Step } from './input.ts';

export const MAX_DEPTH = 64;
const MAX_LITERAL = 64;
const CONTROL: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' };
const PYTHON: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' };

/** Takes one value and gives it to `emit` as correct JSON, piece by piece. False: it breaks off or is none; what was right was given. */
export function* value(input: Input, emit: (json: string) => void, depth = 0): Step<boolean> {
  const first = yield* space(input);
  if (first === undefined || depth > MAX_DEPTH) return false;
  if (first === '"') return yield* text(input, emit);
  if (first === '{' || first === '[') return yield* container(input, emit, depth, first);
  return yield* literal(input, emit);
}

function* container(input: Input, emit: (json: string) => void, depth: number, open: '{' | '['): Step<boolean> {
  const close = open === '{' ? '}' : ']';
  input.take(1);
  emit(open);
  for (let first = true; ; first = false) {
    let next = yield* space(input);
    if (next === close) break;
    if (!first) {
      if (next !== ',') return false;
      input.take(1);
      next = yield* space(input);
      // A comma behind the last one.
      if (next === close) break;
      emit(', ');
    }
    if (open === '{') {
      if (next !== '"' || !(yield* text(input, emit))) return false;
      if ((yield* space(input)) !== ':') return false;
      input.take(1);
      emit(': ');
    }
    if (!(yield* value(input, emit, depth + 1))) return false;
  }
  input.take(1);
  emit(close);
  return true;
}

/** A text with its quotes, which comes next. */
export function* text(input: Input, emit: (json: string) => void): Step<boolean> {
  input.take(1);
  emit('"');
  for (;;) {
    const char = yield* peek(input);
    if (char === undefined) return false;
    const rest = input.rest;
    const plain = /^[^"\\\u0000-\u001f]+/.exec(rest)?.[0];
    if (plain !== undefined) {
      emit(plain);
      input.take(plain.length);
    } else if (char === '"') {
      input.take(1);
      emit('"');
      return true;
    } else if (char === '\\') {
      if (!(yield* escape(input, emit))) return false;
    } else {
      input.take(1);
      emit(CONTROL[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
    }
  }
}

function* escape(input: Input, emit: (json: string) => void): Step<boolean> {
  while (input.rest.length < 2 && !input.ended) yield;
  const char = input.rest[1];
  if (char === undefined) return false;
  if (char === 'u') {
    while (input.rest.length < 6 && !input.ended) yield;
    const whole = input.rest.slice(0, 6);
    if (/^\\u[0-9a-f]{4}$/i.test(whole)) {
      input.take(6);
      emit(whole);
      return true;
    }
    if (whole.length < 6) return false;
  }
  input.take(2);
  if ('"\\/bfnrt'.includes(char)) emit(`\\${char}`);
  else if (char === "'") emit("'");
  // A single backslash, as in `\d`, or before a line break.
  else emit(`\\\\${CONTROL[char] ?? JSON.stringify(char).slice(1, -1)}`);
  return true;
}

function* literal(input: Input, emit: (json: string) => void): Step<boolean> {
  for (;;) {
    const rest = input.rest;
    const word = /^[-+.\w]*/.exec(rest)?.[0] ?? '';
    if (word.length > MAX_LITERAL) return false;
    if (word.length === rest.length && !input.ended) {
      yield;
      continue;
    }
    const json = PYTHON[word] ?? word;
    if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)$/.test(json)) return false;
    input.take(word.length);
    emit(json);
    return true;
  }
}
