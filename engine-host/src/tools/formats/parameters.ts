/** Values that stand as plain text between marks, as JSON by the tool's schema. */
import { until, type Input, type Step } from '../input.ts';
import type { Reply } from '../reply.ts';

/** What is not a text is read as a whole. */
const MAX_VALUE = 1_048_576;

export interface ValueRules {
  /** Whether it is a text whatever it looks like; undefined: the schema says so. */
  readonly isText?: boolean | undefined;
  /** A line break after the opening and before the closing mark belongs to the form. */
  readonly ownLines: boolean;
}

/** Takes a value and the mark that closes it, and gives it to the reply as JSON: texts as they come. False: the mark never came. */
export function* parameterValue(
  input: Input,
  reply: Reply,
  schema: unknown,
  close: string,
  rules: ValueRules,
): Step<boolean> {
  const kinds = typesOf(schema);
  const isText = rules.isText ?? (kinds !== undefined && kinds.every((k) => k === 'string'));
  const lines = rules.ownLines ? new OwnLines() : undefined;
  if (isText) {
    const emit = (text: string): void => reply.arguments(JSON.stringify(text).slice(1, -1));
    emit('');
    reply.arguments('"');
    const mark = yield* until(input, [close], (text) => emit(lines?.push(text) ?? text));
    if (mark !== undefined) reply.arguments('"');
    return mark !== undefined;
  }
  let all = '';
  const mark = yield* until(input, [close], (text) => {
    if (all.length <= MAX_VALUE) all += text;
  });
  if (mark === undefined || all.length > MAX_VALUE) return false;
  reply.arguments(asJson(lines?.push(all) ?? all, kinds));
  return true;
}

/** Leaves out one line break at either end. */
class OwnLines {
  #first = true;
  #held = '';

  push(text: string): string {
    let all = this.#held + text;
    if (this.#first) {
      if (all.startsWith('\r\n')) all = all.slice(2);
      else if (all.startsWith('\n')) all = all.slice(1);
      this.#first = false;
    }
    this.#held = all.endsWith('\n') ? '\n' : '';
    return this.#held === '' ? all : all.slice(0, -1);
  }
}

function typesOf(schema: unknown): readonly string[] | undefined {
  const type = typeof schema === 'object' && schema !== null ? (schema as { type?: unknown }).type : undefined;
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((t): t is string => typeof t === 'string') : undefined;
}

/** The text as JSON of one of `kinds`; as a text when it is none. Without a schema it is what it looks like. */
function asJson(text: string, kinds: readonly string[] | undefined): string {
  const trimmed = text.trim();
  const word = { True: 'true', False: 'false', None: 'null' }[trimmed] ?? trimmed;
  try {
    const value: unknown = JSON.parse(word);
    const known = kinds === undefined ? typeof value !== 'string' : !kinds.includes('string') || fits(value, kinds);
    return known ? JSON.stringify(value) : JSON.stringify(text);
  } catch {
    return JSON.stringify(text);
  }
}

function fits(value: unknown, kinds: readonly string[]): boolean {
  if (value === null) return kinds.includes('null');
  if (Array.isArray(value)) return kinds.includes('array');
  if (typeof value === 'number')
    return kinds.includes('number') || (kinds.includes('integer') && Number.isInteger(value));
  return kinds.includes(typeof value);
}
