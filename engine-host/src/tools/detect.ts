/** Which format a model writes, told from its chat template. */
import type { CallFormat, Thinking } from './format.ts';
import { functionGemma, gemma4, lfm2 } from './formats/code.ts';
import { cohere, gigachat, granite, hermes, llama, minimax1, nemotron } from './formats/json.ts';
import { deepseek, functionary, kimi, mistral, mistralNamed } from './formats/named.ts';
import { dsml, glm, minimax2, qwenCoder, seed } from './formats/xml.ts';

/** The first whose texts are all in the template. */
const FORMATS: readonly (readonly [CallFormat, ...string[]])[] = [
  [gemma4, '<|tool_call>', '<tool_call|>'],
  [functionGemma, '<start_function_call>'],
  [kimi, '<|tool_call_begin|>'],
  [dsml, 'DSML', 'invoke'],
  [deepseek, '<｜tool▁call▁begin｜>'],
  [minimax2, '<minimax:tool_call>'],
  [seed, '<seed:tool_call>'],
  [glm, '<arg_key>'],
  [qwenCoder, '<function=', '<parameter='],
  [mistralNamed, '[TOOL_CALLS]', '[ARGS]'],
  [mistral, '[TOOL_CALLS]'],
  [cohere, '<|START_ACTION|>'],
  [lfm2, '<|tool_call_start|>'],
  [lfm2, '<|tool_list_start|>'],
  [granite, '<|tool_call|>'],
  [nemotron, '<TOOLCALL>'],
  [minimax1, '<tool_calls>'],
  [gigachat, '<|function_call|>'],
  [hermes, '<tool_call>'],
  [functionary, '<function='],
  [llama, '<|python_tag|>'],
  [llama, '<|start_header_id|>', '"parameters"'],
];

/** Models whose templates show no form of their own are asked for Hermes'. */
export function callFormatOf(template: string): CallFormat {
  return FORMATS.find(([, ...texts]) => texts.every((text) => template.includes(text)))?.[0] ?? hermes;
}

/** gpt-oss writes whole messages, which no mark within a text describes. */
export function isHarmony(template: string): boolean {
  return template.includes('<|channel|>') && template.includes('<|message|>') && template.includes('commentary');
}

const THINKING: readonly Thinking[] = [
  { open: '<|START_THINKING|>', close: '<|END_THINKING|>' },
  { open: '<|channel>thought', close: '<channel|>' },
  { open: '<seed:think>', close: '</seed:think>' },
  { open: '<mm:think>', close: '</mm:think>' },
  { open: '[THINK]', close: '[/THINK]' },
  { open: '<think>', close: '</think>' },
];

/** Undefined: the template knows no thoughts. */
export function thinkingOf(template: string): Thinking | undefined {
  return THINKING.find(({ open, close }) => template.includes(open) || template.includes(close));
}
