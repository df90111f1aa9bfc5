/** Brings a conversation into a shape that a template accepts, without losing a word of it. */
import { describeTools } from '../tools/genericTools.ts';
import type { ToolDefinition } from '../tools/types.ts';
import { join } from './join.ts';
import { fitCalls } from './normaliseCalls.ts';
import type { TemplateCapabilities, TemplateMessage } from './types.ts';

/**
 * - system messages of a template without that role go in front of the next user message,
 * - system messages within the conversation go to the adjacent user turn as a reminder,
 * - tools of a template that shows none are described in the system message,
 * - calls and tool results take the shape that the template knows, or become text,
 * - messages of one role in a row become one,
 * - an assistant's first message gets an empty user turn before it.
 */
export function normalise(
  messages: readonly TemplateMessage[],
  tools: readonly ToolDefinition[],
  can: TemplateCapabilities,
  template: string,
): { readonly messages: TemplateMessage[]; readonly tools: readonly ToolDefinition[] } {
  let list = messages.filter((m) => m.role !== 'assistant' || m.content !== '' || m.toolCalls !== undefined);
  const described = tools.length > 0 && !can.tools;
  list = mergeLeadingSystem(list, described ? describeTools(tools) : '');
  if (!can.midSystem) list = foldLaterSystem(list);
  if (!can.system) list = foldFirstSystem(list);
  list = fitCalls(list, can, described, template);
  if (!can.consecutive) list = mergeRuns(list);
  const first = list.findIndex((m) => m.role !== 'system');
  if (first < 0) list.push({ role: 'user', content: '' });
  else if (list[first]?.role === 'assistant' && !can.assistantFirst)
    list.splice(first, 0, { role: 'user', content: '' });
  return { messages: list, tools: described ? [] : tools };
}

export function reminder(text: string): string {
  return `<system-reminder>\n${text}\n</system-reminder>`;
}

/** Several system messages at the start are one: most templates look at `messages[0]` only. */
function mergeLeadingSystem(list: readonly TemplateMessage[], more: string): TemplateMessage[] {
  const end = list.findIndex((m) => m.role !== 'system');
  const leading = end < 0 ? list : list.slice(0, end);
  const rest = end < 0 ? [] : list.slice(end);
  const text = join(
    leading.reduce((all, m) => join(all, m.content), ''),
    more,
  );
  return text === '' ? [...rest] : [{ role: 'system', content: text }, ...rest];
}

function foldLaterSystem(list: readonly TemplateMessage[]): TemplateMessage[] {
  const out: TemplateMessage[] = [];
  let pending = '';
  for (const [i, m] of list.entries()) {
    if (m.role === 'system' && i > 0) {
      const last = out.at(-1);
      if (last?.role === 'user')
        out[out.length - 1] = { role: 'user', content: join(last.content, reminder(m.content)) };
      else pending = join(pending, reminder(m.content));
    } else if (m.role === 'user' && pending !== '') {
      out.push({ role: 'user', content: join(pending, m.content) });
      pending = '';
    } else out.push(m);
  }
  if (pending !== '') out.push({ role: 'user', content: pending });
  return out;
}

function foldFirstSystem(list: readonly TemplateMessage[]): TemplateMessage[] {
  const [first, second, ...rest] = list;
  if (first?.role !== 'system') return [...list];
  if (second?.role === 'user') return [{ role: 'user', content: join(first.content, second.content) }, ...rest];
  return [{ role: 'user', content: first.content }, ...list.slice(1)];
}

function mergeRuns(list: readonly TemplateMessage[]): TemplateMessage[] {
  const out: TemplateMessage[] = [];
  for (const m of list) {
    const last = out.at(-1);
    if (last?.role === m.role && m.role !== 'tool' && m.toolCalls === undefined && last.toolCalls === undefined)
      out[out.length - 1] = { role: m.role, content: join(last.content, m.content) };
    else out.push(m);
  }
  return out;
}
