/** Tools in words of our own, for models whose templates know none. The answer is read as Hermes' format. */
import type { ToolDefinition } from './types.ts';

/** What the model is told. The same tools give the same text. */
export function describeTools(tools: readonly ToolDefinition[]): string {
  const lines = tools.map(({ name, description, parameters }) => JSON.stringify({ name, description, parameters }));
  return [
    '# Tools',
    '',
    'You can call functions. Each line between the tags describes one:',
    '<tools>',
    ...lines,
    '</tools>',
    '',
    'To call a function, write its name and its arguments as JSON between these tags, one pair of tags for each call:',
    '<tool_call>',
    '{"name": "NAME", "arguments": {"PARAMETER": "VALUE"}}',
    '</tool_call>',
    'Its result then comes between <tool_response> tags. When no function helps, answer in plain words.',
  ].join('\n');
}

/** A result, where there is no role for it. */
export function resultText(content: string): string {
  return `<tool_response>\n${content}\n</tool_response>`;
}
