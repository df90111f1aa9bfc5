/** Parsed templates, kept by hash, and one call to render them. Runs in the worker only: a template may loop forever. */
import { Template } from '@huggingface/jinja';
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
}

/** Renders with `add_generation_prompt`. `tools` is an empty list, since some templates iterate over it unasked. */
export function renderTemplate(
  template: Template,
  messages: readonly TemplateMessage[],
  options: RenderOptions,
): string {
  return template.render({
    ...options.variables,
    messages: messages.map((m) => ({
      role: m.role,
      content: options.contentParts ? [{ type: 'text', text: m.content }] : m.content,
    })),
    bos_token: options.bosText,
    eos_token: options.eosText,
    add_generation_prompt: true,
    tools: [],
  });
}
