/** How a family of models writes calls and thoughts. */
import { callObjects } from './calls.ts';
import { accept, acceptOne, space, until, type Input, type Step } from './input.ts';
import type { Reply } from './reply.ts';
import type { JsonObject } from './types.ts';

export interface Thinking {
  readonly open: string;
  readonly close: string;
}

/** What a format may look up while it reads. */
export interface Reading {
  readonly input: Input;
  readonly reply: Reply;
  /** The parameters' schema of a tool; undefined for a name that was not offered. */
  readonly schemaOf: (name: string) => JsonObject | undefined;
}

/** The texts around the JSON object of a call's arguments. */
export interface CallFrame {
  readonly before: string;
  readonly after: string;
}

export interface CallFormat {
  readonly name: string;
  /** Texts that begin a call. */
  readonly marks: readonly string[];
  /** Texts of the form that mean nothing by themselves. */
  readonly strays?: readonly string[];
  /** Other texts that must be seen if the vocabulary has them as control tokens. */
  readonly inner?: readonly string[];
  /** An answer may be a call without any mark: a JSON object with a tool's name. */
  readonly bare?: boolean;
  /** A mark within a thought begins a call all the same. */
  readonly endsThinking?: boolean;
  /** Takes what follows the mark, which was taken. False: it is no call, or broke off. */
  readonly call: (reading: Reading, mark: string) => Step<boolean>;
  /** How a call is written, where its arguments are JSON. Absent: they are not; a forced call is written in Hermes' format then. */
  readonly write?: (name: string) => CallFrame;
}

/** Takes a whole answer: words, thoughts and calls in any order. */
export function* answer(
  reading: Reading,
  format: CallFormat,
  thinking: Thinking | undefined,
  begin: 'text' | 'thinking',
): Step<void> {
  const { input, reply } = reading;
  const marks = [
    ...(reply.mayCall ? [...format.marks, ...(format.strays ?? [])] : []),
    ...(thinking === undefined ? [] : [thinking.open]),
  ];
  if (begin === 'thinking' && thinking !== undefined) yield* thought(reading, format, thinking);
  for (let first = true; ;) {
    if (first && format.bare === true && reply.mayCall) yield* bareCalls(reading);
    const mark = yield* until(input, marks, (text) => reply.text(text));
    if (mark === undefined) {
      reply.end();
      return;
    }
    first = mark === thinking?.open;
    if (mark === thinking?.open) yield* thought(reading, format, thinking);
    else if (format.marks.includes(mark)) yield* called(reading, format, mark);
  }
}

/** Calls at the beginning that nothing marks, perhaps in a code fence: objects with the name of a tool. */
function* bareCalls({ input, reply }: Reading): Step<void> {
  input.remember();
  const first = yield* space(input);
  if (first !== undefined && '{[`'.includes(first)) {
    const fence = yield* acceptOne(input, ['```json', '```']);
    if (yield* callObjects(input, reply, { knownOnly: true })) {
      if (fence !== undefined) {
        yield* space(input);
        yield* accept(input, '```');
      }
      input.forget();
      return;
    }
  }
  reply.giveUp(input);
}

function* thought({ input, reply, schemaOf }: Reading, format: CallFormat, thinking: Thinking): Step<void> {
  const ends = [thinking.close, ...(format.endsThinking === true ? format.marks : [])];
  reply.beginThinking();
  const mark = yield* until(input, ends, (text) => reply.thinking(text));
  reply.endThinking();
  if (mark !== undefined && mark !== thinking.close) yield* called({ input, reply, schemaOf }, format, mark);
}

function* called(reading: Reading, format: CallFormat, mark: string): Step<void> {
  const { input, reply } = reading;
  if (!reply.mayCall) {
    reply.text(mark);
    return;
  }
  input.remember(mark);
  if (yield* format.call(reading, mark)) input.forget();
  else reply.giveUp(input);
}
