/** Formats that are JSON objects, alone, one behind the other or in a list, behind a mark. */
import { callObjects } from '../calls.ts';
import type { CallFormat, CallFrame } from '../format.ts';
import { accept, space, type Step } from '../input.ts';

/** Its arguments are JSON. */
export type JsonFormat = CallFormat & { readonly write: (name: string) => CallFrame };

interface Wrapped {
  readonly name: string;
  readonly open: string;
  readonly close?: string;
  readonly bare?: boolean;
  readonly strays?: readonly string[];
  readonly write: (name: string) => CallFrame;
}

function wrapped({ name, open, close, ...more }: Wrapped): JsonFormat {
  return {
    name,
    marks: [open],
    ...(close === undefined ? {} : { inner: [close] }),
    ...more,
    *call({ input, reply }): Step<boolean> {
      if (!(yield* callObjects(input, reply))) return false;
      yield* space(input);
      // Models leave the closing mark out at times, most of all at the end.
      if (close !== undefined && !(yield* accept(input, close)) && input.ended && close.startsWith(input.rest))
        input.take(input.rest.length);
      return true;
    },
  };
}

/** `{"name": …, "arguments": …}` between two texts. */
function object(before: string, after: string, key = 'arguments'): JsonFormat['write'] {
  return (name) => ({ before: `${before}{"name": ${JSON.stringify(name)}, "${key}": `, after: `}${after}` });
}

/** Hermes, Qwen 2.5 and 3, and what we ask of models whose templates know no tools. */
export const hermes = wrapped({
  name: 'hermes',
  open: '<tool_call>',
  close: '</tool_call>',
  bare: true,
  write: object('<tool_call>\n', '\n</tool_call>'),
});
/** Llama 3: a bare object, or one behind `<|python_tag|>`. */
export const llama = wrapped({
  name: 'llama',
  open: '<|python_tag|>',
  bare: true,
  write: object('', '', 'parameters'),
});
export const granite = wrapped({ name: 'granite', open: '<|tool_call|>', write: object('<|tool_call|>[', ']') });
export const nemotron = wrapped({
  name: 'nemotron',
  open: '<TOOLCALL>',
  close: '</TOOLCALL>',
  write: object('<TOOLCALL>[', ']</TOOLCALL>'),
});
export const minimax1 = wrapped({
  name: 'minimax-m1',
  open: '<tool_calls>',
  close: '</tool_calls>',
  write: object('<tool_calls>\n', '\n</tool_calls>'),
});
export const gigachat = wrapped({
  name: 'gigachat',
  open: '<|function_call|>',
  write: object('<|function_call|>', ''),
});
export const cohere = wrapped({
  name: 'cohere',
  open: '<|START_ACTION|>',
  close: '<|END_ACTION|>',
  strays: ['<|START_RESPONSE|>', '<|END_RESPONSE|>', '<|START_TEXT|>', '<|END_TEXT|>'],
  write: (name) => ({
    before: `<|START_ACTION|>[{"tool_call_id": "0", "tool_name": ${JSON.stringify(name)}, "parameters": `,
    after: '}]<|END_ACTION|>',
  }),
});
