/** Formats in which a name stands before the JSON object of its arguments. */
import { callObjects } from '../calls.ts';
import type { CallFormat, Reading } from '../format.ts';
import { accept, acceptOne, collect, space, type Step } from '../input.ts';
import { value } from '../json.ts';

const MAX_NAME = 256;

/** The arguments of a call and what closes it. No arguments at all are an empty object. */
export function* objectFor(name: string, { input, reply }: Reading, closes: readonly string[]): Step<boolean> {
  if (!/^\S+$/.test(name) || !reply.begin(name)) return false;
  if ((yield* space(input)) === '{') {
    if (!(yield* value(input, (json) => reply.arguments(json)))) return false;
  } else if ((yield* acceptOne(input, ['null', ...closes])) !== undefined) reply.arguments('{}');
  else return false;
  reply.finish();
  yield* space(input);
  for (const close of closes) {
    if (yield* accept(input, close)) yield* space(input);
  }
  return true;
}

/** `[TOOL_CALLS][{…}, …]`, and `[TOOL_CALLS]name[ARGS]{…}` with or without `[CALL_ID]id` between. */
export const mistral: CallFormat = {
  name: 'mistral',
  marks: ['[TOOL_CALLS]'],
  inner: ['[ARGS]', '[CALL_ID]'],
  write: (name) => ({ before: `[TOOL_CALLS][{"name": ${JSON.stringify(name)}, "arguments": `, after: '}]' }),
  *call(reading): Step<boolean> {
    const { input, reply } = reading;
    const first = yield* space(input);
    if (first === '[' || first === '{') return yield* callObjects(input, reply);
    const head = yield* collect(input, ['[ARGS]', '[CALL_ID]', '{'], MAX_NAME);
    if (head === undefined) return false;
    if (head.mark === '[CALL_ID]' && (yield* collect(input, ['[ARGS]'], MAX_NAME)) === undefined) return false;
    if (head.mark === '{') input.untake(1);
    return yield* objectFor(head.text.trim(), reading, []);
  },
};

/** The newer of the two. */
export const mistralNamed: CallFormat = {
  ...mistral,
  write: (name) => ({ before: `[TOOL_CALLS]${name}[ARGS]`, after: '' }),
};

/** `…begin｜>name<｜tool▁sep｜>{…}` (V3.1), `…begin｜>function<｜tool▁sep｜>name`, a code fence and JSON (R1, V3). */
export const deepseek: CallFormat = {
  name: 'deepseek',
  marks: ['<｜tool▁call▁begin｜>'],
  strays: ['<｜tool▁calls▁begin｜>', '<｜tool▁calls▁end｜>'],
  inner: ['<｜tool▁sep｜>', '<｜tool▁call▁end｜>'],
  write: (name) => ({
    before: `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>${name}<｜tool▁sep｜>`,
    after: '<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
  }),
  *call(reading): Step<boolean> {
    const { input } = reading;
    const head = yield* collect(input, ['<｜tool▁sep｜>'], MAX_NAME);
    if (head === undefined) return false;
    if (head.text.trim() !== 'function') return yield* objectFor(head.text.trim(), reading, ['<｜tool▁call▁end｜>']);
    const name = yield* collect(input, ['\n', '{'], MAX_NAME);
    if (name === undefined) return false;
    if (name.mark === '{') input.untake(1);
    if (yield* accept(input, '```')) yield* accept(input, 'json');
    return yield* objectFor(name.text.trim(), reading, ['```', '<｜tool▁call▁end｜>']);
  },
};

/** `<|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>{…}<|tool_call_end|>`. */
export const kimi: CallFormat = {
  name: 'kimi-k2',
  marks: ['<|tool_call_begin|>'],
  strays: ['<|tool_calls_section_begin|>', '<|tool_calls_section_end|>'],
  inner: ['<|tool_call_argument_begin|>', '<|tool_call_end|>'],
  write: (name) => ({
    before: `<|tool_calls_section_begin|><|tool_call_begin|>functions.${name}:0<|tool_call_argument_begin|>`,
    after: '<|tool_call_end|><|tool_calls_section_end|>',
  }),
  *call(reading): Step<boolean> {
    const head = yield* collect(reading.input, ['<|tool_call_argument_begin|>'], MAX_NAME);
    const name = /^\s*(?:functions\.)?(.+?)(?::\d+)?\s*$/s.exec(head?.text ?? '')?.[1];
    return name !== undefined && (yield* objectFor(name, reading, ['<|tool_call_end|>']));
  },
};

/** `<function=name>{…}</function>`. */
export const functionary: CallFormat = {
  name: 'functionary',
  marks: ['<function='],
  write: (name) => ({ before: `<function=${name}>`, after: '</function>' }),
  *call(reading): Step<boolean> {
    const head = yield* collect(reading.input, ['>'], MAX_NAME);
    return head !== undefined && (yield* objectFor(head.text.trim(), reading, ['</function>']));
  },
};
