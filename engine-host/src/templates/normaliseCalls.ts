/** Calls and their results in the shape that a template knows. */
import { callFormatOf } from '../tools/detect.ts';
import { hermes, type JsonFormat } from '../tools/formats/json.ts';
import { resultText } from '../tools/genericTools.ts';
import { join } from './join.ts';
import type { TemplateCapabilities, TemplateMessage } from './types.ts';

/**
 * - results stand behind their calls, in the order of the calls,
 * - calls of a template that shows none become text of the assistant, results without a role user text,
 * - several calls become a message each where one message may hold one call only,
 * - ids get the length that the template asks for,
 * - user text behind a result becomes part of it where no user may speak there.
 */
export function fitCalls(
  messages: readonly TemplateMessage[],
  can: TemplateCapabilities,
  described: boolean,
  template: string,
): TemplateMessage[] {
  let list = sortResults(messages);
  if (described || !can.toolCalls) {
    // A template that shows tools but no calls means its own form; where tools were described, ours was.
    const write = (can.tools && !described ? callFormatOf(template).write : undefined) ?? hermes.write;
    return list.map((m) => spoken(m, can.tool && !described, write));
  }
  if (!can.tool) list = orphansAsText(list);
  if (!can.parallelCalls) list = splitCalls(list);
  if (!can.userAfterTool) list = joinUserToTool(list);
  if (!can.thinkingWithCalls) list = list.map(withoutThinkingBesideText);
  return can.shortIds ? shortenIds(list) : list;
}

/** Results in a row, in the order of the calls before them. */
function sortResults(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const out: TemplateMessage[] = [];
  let order: readonly string[] = [];
  let from = 0;
  const place = (m: TemplateMessage): number => {
    const at = order.indexOf(m.toolCallId ?? '');
    return at < 0 ? order.length : at;
  };
  for (const m of messages) {
    if (m.role !== 'tool') {
      order = m.toolCalls?.map((call) => call.id) ?? [];
      out.push(m);
      from = out.length;
      continue;
    }
    let at = out.length;
    while (at > from && place(out[at - 1] ?? m) > place(m)) at--;
    out.splice(at, 0, m);
  }
  return out;
}

function spoken(m: TemplateMessage, keepTool: boolean, write: JsonFormat['write']): TemplateMessage {
  if (m.role === 'tool') {
    const { content } = m;
    return keepTool ? { role: 'tool', content } : { role: 'user', content: resultText(content) };
  }
  const { toolCalls, ...rest } = m;
  if (toolCalls === undefined) return m;
  const calls = toolCalls
    .map((call) => {
      const { before, after } = write(call.name);
      return before + JSON.stringify(call.arguments) + after;
    })
    .join('\n');
  return { ...rest, content: rest.content === '' ? calls : `${rest.content}\n${calls}` };
}

/** Results of calls that are not in the conversation. */
function orphansAsText(list: readonly TemplateMessage[]): TemplateMessage[] {
  let open = false;
  return list.map((m) => {
    if (m.role !== 'tool') open = m.toolCalls !== undefined;
    return m.role === 'tool' && !open ? { role: 'user', content: resultText(m.content) } : m;
  });
}

/** A message for each call, with its results behind it. */
function splitCalls(list: readonly TemplateMessage[]): TemplateMessage[] {
  const out: TemplateMessage[] = [];
  for (let i = 0; i < list.length; i++) {
    const m = list[i];
    if (m === undefined) break;
    const calls = m.toolCalls ?? [];
    if (calls.length < 2) {
      out.push(m);
      continue;
    }
    const results: TemplateMessage[] = [];
    for (let next = list[i + 1]; next?.role === 'tool'; next = list[i + 1]) {
      results.push(next);
      i++;
    }
    for (const [n, call] of calls.entries()) {
      out.push(n === 0 ? { ...m, toolCalls: [call] } : { role: 'assistant', content: '', toolCalls: [call] });
      out.push(...results.filter((r) => r.toolCallId === call.id));
    }
    out.push(...results.filter((r) => calls.every((call) => call.id !== r.toolCallId)));
  }
  return out;
}

function joinUserToTool(list: readonly TemplateMessage[]): TemplateMessage[] {
  const out: TemplateMessage[] = [];
  for (const m of list) {
    const last = out.at(-1);
    if (m.role === 'user' && last?.role === 'tool')
      out[out.length - 1] = { ...last, content: join(last.content, m.content) };
    else out.push(m);
  }
  return out;
}

function withoutThinkingBesideText(m: TemplateMessage): TemplateMessage {
  if (m.toolCalls === undefined || m.content === '') return m;
  const { thinking: _, ...rest } = m;
  return rest;
}

/** By their order, so that the same conversation has the same ids. */
function shortenIds(list: readonly TemplateMessage[]): TemplateMessage[] {
  const known = new Map<string, string>();
  const short = (id: string): string => {
    const made = known.get(id) ?? `call${String(known.size).padStart(5, '0')}`;
    known.set(id, made);
    return made;
  };
  return list.map((m) => ({
    ...m,
    ...(m.toolCalls === undefined ? {} : { toolCalls: m.toolCalls.map((call) => ({ ...call, id: short(call.id) })) }),
    ...(m.toolCallId === undefined ? {} : { toolCallId: short(m.toolCallId) }),
  }));
}
