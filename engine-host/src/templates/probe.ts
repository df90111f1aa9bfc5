/** Finds out what a template can do by rendering small conversations with it, as a person would try it. */
import type { Template } from '@huggingface/jinja';
import type { ToolCall, ToolDefinition } from '../tools/types.ts';
import { renderTemplate } from './compiled.ts';
import type { TemplateCapabilities, TemplateMessage } from './types.ts';

const SYSTEM: TemplateMessage = { role: 'system', content: 'probe-s' };
const USER: TemplateMessage = { role: 'user', content: 'probe-u' };
const SECOND: TemplateMessage = { role: 'user', content: 'probe-v' };
const ASSISTANT: TemplateMessage = { role: 'assistant', content: 'probe-a' };
const TOOL: TemplateMessage = { role: 'tool', content: 'probe-t' };
const LONG_ID = 'call_probe0123456789';
const SHORT_IDS = ['probe0001', 'probe0002'] as const;
const NO_TOOLS: readonly ToolDefinition[] = [];
const LATER: TemplateMessage = { role: 'system', content: 'probe-l' };

const TOOLS: readonly ToolDefinition[] = [
  { name: 'probe_f', description: 'probe-d', parameters: { type: 'object', properties: { x: { type: 'string' } } } },
];
const call = (id: string, x: string): ToolCall => ({ id, name: 'probe_f', arguments: { x } });
const calling = (...toolCalls: ToolCall[]): TemplateMessage => ({ role: 'assistant', content: '', toolCalls });
const result = (toolCallId: string, content: string): TemplateMessage => ({ role: 'tool', content, toolCallId });

export function probe(template: Template, bosText: string, eosText: string): TemplateCapabilities {
  const show = (messages: readonly TemplateMessage[], contentParts: boolean, tools = NO_TOOLS): string | undefined => {
    try {
      return renderTemplate(template, messages, { bosText, eosText, variables: {}, contentParts, tools });
    } catch {
      return undefined;
    }
  };
  const render = (messages: readonly TemplateMessage[], contentParts: boolean): string | undefined => {
    const text = show(messages, contentParts);
    // A list that was printed as JSON is not an accepted list.
    return text?.includes('"probe-') === false && messages.every((m) => text.includes(m.content)) ? text : undefined;
  };
  const contentParts = render([USER], false) === undefined && render([USER], true) !== undefined;
  const can = (...messages: TemplateMessage[]) => render(messages, contentParts) !== undefined;
  /** Accepted, and not shown as if the assistant had said it. */
  const own = (...messages: TemplateMessage[]): boolean => {
    const shown = render(messages, contentParts);
    const last = messages.at(-1)?.content ?? '';
    const spoken = messages.slice(0, -1).concat({ role: 'assistant', content: last });
    return shown !== undefined && shown !== render(spoken, contentParts);
  };
  /** With tools: all of `texts` appear. */
  const shows = (messages: readonly TemplateMessage[], ...texts: string[]): boolean => {
    const shown = show(messages, contentParts, TOOLS);
    return shown !== undefined && texts.every((text) => shown.includes(text));
  };
  const loop = (id: string, ...more: TemplateMessage[]): boolean =>
    shows(
      [USER, calling(call(id, 'probe-x')), result(id, 'probe-t'), ...more],
      'probe-x',
      'probe-t',
      ...more.map((m) => m.content),
    );
  const shortIds = !loop(LONG_ID) && loop(SHORT_IDS[0]);
  const [first, second] = shortIds ? SHORT_IDS : [LONG_ID, `${LONG_ID}b`];
  const two = [
    calling(call(first, 'probe-x'), call(second, 'probe-y')),
    result(first, 'probe-t'),
    result(second, 'probe-w'),
  ];
  const thinkingCall: TemplateMessage = { ...calling(call(first, 'probe-x')), content: 'probe-a', thinking: 'probe-i' };
  return {
    system: can(SYSTEM, USER),
    midSystem: can(USER, LATER, SECOND) && can(SYSTEM, USER, LATER, ASSISTANT, SECOND) && own(SYSTEM, USER, LATER),
    consecutive: can(USER, SECOND),
    assistantFirst: can(ASSISTANT, USER),
    tool: own(USER, ASSISTANT, TOOL),
    tools: shows([USER], 'probe_f'),
    toolCalls: loop(first),
    parallelCalls: shows([USER, ...two], 'probe-x', 'probe-y', 'probe-t', 'probe-w'),
    shortIds,
    userAfterTool: loop(first, SECOND),
    thinkingWithCalls: show([USER, thinkingCall, result(first, 'probe-t')], contentParts, TOOLS) !== undefined,
    contentParts,
  };
}
