/** Parsed templates, kept by hash, and one call to render them. Runs in the worker only: a template may loop forever. */
import { Template } from '@huggingface/jinja';
import type { ToolDefinition } from '../tools/types.ts';
import type { TemplateMessage, TemplateVariables } from './types.ts';

const KEPT = 8;
const parsed = new Map<string, Template>();

/** The parsed template. @throws a syntax error of the template. */
export function compile(hash: string, template: string): Template {
  const known = parsed.get(hash);
  if (known !== undefined) return known;
  const made = new Template(template);
  const oldest = parsed.size >= KEPT ? parsed.keys().next().value : undefined;
  if (oldest !== undefined) parsed.delete(oldest);
  parsed.set(hash, made);
  return made;
}

export interface RenderOptions {
  readonly bosText: string;
  readonly eosText: string;
  readonly variables: TemplateVariables;
  readonly contentParts: boolean;
  readonly tools: readonly ToolDefinition[];
}

/** Renders with `add_generation_prompt`. Without tools `tools` is an empty list, since some templates iterate over it unasked. */
export function renderTemplate(
  template: Template,
  messages: readonly TemplateMessage[],
  options: RenderOptions,
): string {
  return template.render({
    ...options.variables,
    messages: messages.map((m) => asVariables(m, options.contentParts)),
    bos_token: options.bosText,
    eos_token: options.eosText,
    add_generation_prompt: true,
    tools: options.tools.map((tool) => ({ type: 'function', function: { ...tool } })),
  });
}

/** A message with the names that templates look for; what is absent must not be there at all: they ask by `is defined` and `in`. */
function asVariables(m: TemplateMessage, contentParts: boolean): Record<string, unknown> {
  const { thinking, toolCalls, toolCallId } = m;
  return {
    role: m.role,
    content: contentParts ? [{ type: 'text', text: m.content }] : m.content,
    ...(thinking === undefined ? {} : { reasoning_content: thinking, reasoning: thinking, thinking }),
    ...(toolCalls === undefined
      ? {}
      : {
          tool_calls: toolCalls.map((call) => ({
            id: call.id,
            type: 'function',
            // Objects: texts would be printed as texts by most templates, and refused by some.
            function: { name: call.name, arguments: call.arguments },
          })),
        }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
  };
}
