/** Calls that are JSON objects: `{"name": …, "arguments": {…}}` under the names that models give these fields. */
import { space, type Input, type Step } from './input.ts';
import { text, value } from './json.ts';
import type { Reply } from './reply.ts';

const NAME_KEYS = ['name', 'tool_name', 'function', 'function_name'];
const ARGUMENT_KEYS = ['arguments', 'parameters', 'args', 'input'];
const MAX_NAME = 256;
/** Arguments that stand before the name have to wait for it. */
const MAX_WAITING = 1_048_576;

interface CallRules {
  /** Only a known tool's name makes it a call: for formats without a mark that says so. */
  readonly knownOnly?: boolean;
}

interface Draft {
  name?: string;
  /** Arguments that came before the name. */
  waiting?: string;
  begun: boolean;
}

/**
 * Takes one object that is a call. False: it is none, or broke off; the reply may have begun a call then. Every field that can be
 * neither name nor arguments is read and dropped.
 */
function* callObject(input: Input, reply: Reply, rules: CallRules = {}): Step<boolean> {
  const draft: Draft = { begun: false };
  if (!(yield* fields(input, reply, rules, draft, 0))) return false;
  if (draft.begun) {
    reply.finish();
    return true;
  }
  if (draft.name === undefined || !start(reply, draft, rules)) return false;
  reply.arguments(draft.waiting ?? '{}');
  reply.finish();
  return true;
}

function* fields(input: Input, reply: Reply, rules: CallRules, draft: Draft, depth: number): Step<boolean> {
  if ((yield* space(input)) !== '{') return false;
  input.take(1);
  for (let first = true; ; first = false) {
    let next = yield* space(input);
    if (next === '}') {
      input.take(1);
      return true;
    }
    if (!first) {
      if (next !== ',') return false;
      input.take(1);
      next = yield* space(input);
      if (next === '}') continue;
    }
    const key = next === '"' ? yield* shortText(input) : undefined;
    if (key === undefined || (yield* space(input)) !== ':') return false;
    input.take(1);
    const kind = yield* space(input);
    if (NAME_KEYS.includes(key) && kind === '"') {
      const name = yield* shortText(input);
      if (name === undefined || (rules.knownOnly === true && !reply.knows(name))) return false;
      draft.name = name;
    } else if (key === 'function' && kind === '{' && depth === 0) {
      if (!(yield* fields(input, reply, rules, draft, 1))) return false;
    } else if (ARGUMENT_KEYS.includes(key) && !draft.begun) {
      if (!(yield* argumentsOf(input, reply, rules, draft, kind))) return false;
      // Where nothing marks a call, one begins with its name.
    } else if (
      (rules.knownOnly === true && draft.name === undefined && !SMALL_KEYS.includes(key)) ||
      !(yield* skip(input))
    )
      return false;
  }
}

/** Fields that may stand before the name of an unmarked call. */
const SMALL_KEYS = ['type', 'id', 'tool_call_id'];

function* argumentsOf(
  input: Input,
  reply: Reply,
  rules: CallRules,
  draft: Draft,
  kind: string | undefined,
): Step<boolean> {
  if (kind === '{' && draft.name !== undefined) {
    if (!start(reply, draft, rules)) return false;
    return yield* value(input, (json) => reply.arguments(json));
  }
  if (rules.knownOnly === true && draft.name === undefined) return false;
  const all = yield* whole(input);
  const object = all === undefined ? undefined : asObject(all);
  if (object === undefined) return false;
  if (draft.name === undefined) draft.waiting = object;
  else if (start(reply, draft, rules)) reply.arguments(object);
  else return false;
  return true;
}

function start(reply: Reply, draft: Draft, rules: CallRules): boolean {
  const { name } = draft;
  if (name === undefined || (rules.knownOnly === true && !reply.knows(name))) return false;
  draft.begun = reply.begin(name);
  return draft.begun;
}

/** An object, also one that was written as a text, or none. */
function asObject(json: string): string | undefined {
  if (json === 'null' || json === '""') return '{}';
  if (json.startsWith('{')) return json;
  try {
    const inner: unknown = JSON.parse(json);
    const parsed: unknown = typeof inner === 'string' ? JSON.parse(inner) : undefined;
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? JSON.stringify(parsed) : undefined;
  } catch {
    return undefined;
  }
}

function* whole(input: Input): Step<string | undefined> {
  let all = '';
  const done = yield* value(input, (json) => (all += all.length > MAX_WAITING ? '' : json));
  return done && all.length <= MAX_WAITING ? all : undefined;
}

function* skip(input: Input): Step<boolean> {
  return yield* value(input, () => undefined);
}

function* shortText(input: Input): Step<string | undefined> {
  let json = '';
  const done = yield* text(input, (piece) => (json += json.length > MAX_NAME ? '' : piece));
  return done && json.length <= MAX_NAME ? (JSON.parse(json) as string) : undefined;
}

/** Calls one behind the other, or as a list. Ends before what is no call; true when all that there was were calls. */
export function* callObjects(input: Input, reply: Reply, rules: CallRules = {}): Step<boolean> {
  const list = (yield* space(input)) === '[';
  if (list) input.take(1);
  for (let n = 0; ; n++) {
    const next = yield* space(input);
    if (next === '{') {
      if (!(yield* callObject(input, reply, rules))) return false;
      // What follows is a call of its own when it breaks off.
      input.remember();
    } else if (list && next === ']') {
      input.take(1);
      return n > 0;
    } else if (n > 0 && (next === ',' || next === ';')) input.take(1);
    else return n > 0 && !list;
  }
}
