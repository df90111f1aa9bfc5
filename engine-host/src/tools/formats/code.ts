/** Formats whose calls look like code: they are read when they are complete. */
import { callObjects } from '../calls.ts';
import type { CallFormat, Reading } from '../format.ts';
import { collect, space, type Step } from '../input.ts';
import { gemmaCall, pythonCalls, type CodeCall } from './literals.ts';

const MAX_CALL = 1_048_576;

/** The text up to `close`; that may be missing at the very end, where it ended the generation. */
function* body({ input }: Reading, close: string): Step<string | undefined> {
  const closed = yield* collect(input, [close], MAX_CALL);
  if (closed !== undefined) return closed.text;
  const { rest } = input;
  if (!input.ended || rest.length > MAX_CALL) return undefined;
  input.take(rest.length);
  return rest;
}

function give({ reply }: Reading, call: CodeCall): boolean {
  if (!reply.begin(call.name)) return false;
  reply.arguments(JSON.stringify(call.arguments));
  reply.finish();
  return true;
}

/** `<|tool_call_start|>[name(key='value'), …]<|tool_call_end|>`; some write JSON there. */
export const lfm2: CallFormat = {
  name: 'lfm2',
  marks: ['<|tool_call_start|>'],
  inner: ['<|tool_call_end|>'],
  strays: ['<|tool_call_end|>'],
  *call(reading): Step<boolean> {
    const { input, reply } = reading;
    yield* space(input);
    while (!input.ended && input.rest.length < 2) yield;
    if (/^(?:\{|\[\s*\{)/.test(input.rest)) return yield* callObjects(input, reply);
    const text = yield* body(reading, '<|tool_call_end|>');
    const calls = text === undefined ? undefined : pythonCalls(text);
    if (calls === undefined || calls.length === 0) return false;
    for (const call of calls) if (!give(reading, call)) break;
    return true;
  },
};

function gemma(name: string, open: string, close: string, quote: string): CallFormat {
  return {
    name,
    marks: [open],
    inner: [close, quote],
    *call(reading): Step<boolean> {
      const text = yield* body(reading, close);
      const call = text === undefined ? undefined : gemmaCall(text, quote);
      return call !== undefined && give(reading, call);
    },
  };
}

/** `<|tool_call>call:name{key:<|"|>text<|"|>,other:2}<tool_call|>`. */
export const gemma4 = gemma('gemma-4', '<|tool_call>', '<tool_call|>', '<|"|>');
export const functionGemma = gemma('function-gemma', '<start_function_call>', '<end_function_call>', '<escape>');
