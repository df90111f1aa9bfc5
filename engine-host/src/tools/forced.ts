/** Calls that must be, or must be right: the form that an answer has to keep to. */
import type { Constraint, Form } from '#protocol/constraint.ts';
import type { CallFrame } from './format.ts';
import { harmonyFrame } from './formats/harmony.ts';
import { hermes } from './formats/json.ts';
import type { ReplyForm } from './replyParser.ts';
import type { ToolDefinition } from './types.ts';

/** Of an answer with several calls. */
const MOST_CALLS = 16;

/**
 * For an answer that must call. The form in which it is to be read goes with it: a model whose own format is not JSON writes Hermes' then.
 * `promptEnd`: a thought that began in it is finished first.
 */
export function forcedCalls(
  form: ReplyForm,
  tools: readonly ToolDefinition[],
  parallel: boolean,
  promptEnd: string,
): { readonly form: ReplyForm; readonly constraint: Constraint } {
  const { thinking } = form;
  const one = anyCall(tools, form.harmony ? harmonyFrame : (form.calls.write ?? hermes.write));
  // gpt-oss ends a turn with its call.
  const most = parallel && !form.harmony ? MOST_CALLS : 1;
  const all: Form = { kind: 'list', form: one, least: 1, most, separator: '\n' };
  const inThought =
    thinking !== undefined && promptEnd.lastIndexOf(thinking.open) > promptEnd.lastIndexOf(thinking.close);
  return {
    form: form.calls.write === undefined && !form.harmony ? { calls: hermes, thinking, harmony: false } : form,
    constraint: inThought ? { ...all, lazy: [thinking.close] } : all,
  };
}

/**
 * For an answer that may call: once the model wrote the mark of a call, the rest of it is a right one. Undefined for formats that
 * have no such mark, or whose arguments are not JSON.
 */
export function correctCalls(
  form: ReplyForm,
  tools: readonly ToolDefinition[],
  parallel: boolean,
): Constraint | undefined {
  const { write, marks } = form.calls;
  const [mark] = marks;
  if (form.harmony || write === undefined || mark === undefined || tools.length === 0) return undefined;
  if (!write('').before.startsWith(mark)) return undefined;
  const behindMark = (name: string): CallFrame => {
    const { before, after } = write(name);
    return { before: before.slice(mark.length), after };
  };
  return { ...anyCall(tools, behindMark), lazy: [mark], ...(parallel ? { repeat: true } : {}) };
}

function anyCall(tools: readonly ToolDefinition[], write: (name: string) => CallFrame): Form {
  const forms = tools.map((tool): Form => {
    const { before, after } = write(tool.name);
    return { kind: 'json_schema', schema: tool.parameters, prefix: before, suffix: after };
  });
  return forms.length === 1 && forms[0] !== undefined ? forms[0] : { kind: 'any_of', forms };
}
