/**
 * gpt-oss: an answer is messages with a header each. `<|channel|>analysis<|message|>…<|end|>` is a thought, `commentary` and `final` are words, what
 * goes `to=functions.name` is a call. Marks that end the generation are not seen, so the end of the text ends a message, too.
 */
import type { CallFrame, Reading } from '../format.ts';
import { accept, acceptOne, collect, space, until, type Step } from '../input.ts';
import { objectFor } from './named.ts';

const ENDS = ['<|end|>', '<|call|>', '<|return|>', '<|start|>'];
const MAX_HEADER = 512;

/** Control tokens of the format. */
export const HARMONY_MARKS = [...ENDS, '<|channel|>', '<|message|>', '<|constrain|>'];

/** How a call is written. */
export function harmonyFrame(name: string): CallFrame {
  return { before: `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>`, after: '' };
}

export function* harmony(reading: Reading): Step<void> {
  const { input, reply } = reading;
  // A model that does not keep to the form, or goes on from given words, has no header here.
  let lead = yield* acceptOne(input, ['<|channel|>', ' to=', '<|start|>', '<|message|>']);
  for (;;) {
    const end = lead === undefined ? yield* words(reading) : yield* message(reading, lead);
    if (end === undefined) {
      reply.end();
      return;
    }
    if (end !== '<|start|>') {
      yield* space(input);
      yield* accept(input, '<|start|>');
    }
    lead = '';
  }
}

/** @returns the mark that ended it; undefined: the text ended */
function* message(reading: Reading, lead: string): Step<string | undefined> {
  const { input, reply } = reading;
  input.remember(lead);
  const head = lead === '<|message|>' ? { text: '' } : yield* collect(input, ['<|message|>'], MAX_HEADER);
  if (head === undefined) {
    reply.giveUp(input);
    return yield* words(reading);
  }
  const header = lead + head.text;
  const to = /to=(?:functions\.)?([^\s<]+)/.exec(header)?.[1];
  if (to !== undefined && to !== 'self' && reply.mayCall) {
    if (yield* objectFor(to, reading, [])) input.forget();
    else reply.giveUp(input);
    return yield* words(reading);
  }
  input.forget();
  if (/<\|channel\|>\s*analysis/.test(header)) {
    reply.beginThinking();
    const end = yield* until(input, ENDS, (text) => reply.thinking(text));
    reply.endThinking();
    return end;
  }
  return yield* words(reading);
}

function* words({ input, reply }: Reading): Step<string | undefined> {
  return yield* until(input, ENDS, (text) => reply.text(text));
}
