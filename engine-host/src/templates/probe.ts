/** Finds out what a template can do by rendering small conversations with it, as a person would try it. */
import type { Template } from '@huggingface/jinja';
import { renderTemplate } from './compiled.ts';
import type { TemplateCapabilities, TemplateMessage } from './types.ts';

const SYSTEM: TemplateMessage = { role: 'system', content: 'probe-s' };
const USER: TemplateMessage = { role: 'user', content: 'probe-u' };
const SECOND: TemplateMessage = { role: 'user', content: 'probe-v' };
const ASSISTANT: TemplateMessage = { role: 'assistant', content: 'probe-a' };
const TOOL: TemplateMessage = { role: 'tool', content: 'probe-t' };
const LATER: TemplateMessage = { role: 'system', content: 'probe-l' };

export function probe(template: Template, bosText: string, eosText: string): TemplateCapabilities {
  const render = (messages: readonly TemplateMessage[], contentParts: boolean): string | undefined => {
    try {
      const text = renderTemplate(template, messages, { bosText, eosText, variables: {}, contentParts });
      // A list that was printed as JSON is not an accepted list.
      return !text.includes('"probe-') && messages.every((m) => text.includes(m.content)) ? text : undefined;
    } catch {
      return undefined;
    }
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
  return {
    system: can(SYSTEM, USER),
    midSystem: can(USER, LATER, SECOND) && can(SYSTEM, USER, LATER, ASSISTANT, SECOND) && own(SYSTEM, USER, LATER),
    consecutive: can(USER, SECOND),
    assistantFirst: can(ASSISTANT, USER),
    tool: own(USER, ASSISTANT, TOOL),
    contentParts,
  };
}
