/** The items of a Responses request as a conversation. */
import { joinTexts, plainText, toolCallText } from '../../content.ts';
import type { ChatMessage } from '../../deps.ts';
import { invalid, unsupported } from '../../errors.ts';
import type { InputTokensBody } from './schema.ts';

type Item = Readonly<Record<string, unknown>>;

/**
 * Instructions first, then the items in their order. Items of the assistant that follow each other (a message and the calls after it)
 * are one turn, as the model wrote it. Reasoning is left out: models do not want their earlier thoughts back.
 * @throws {ZellError}
 */
export function readConversation({ input, instructions }: InputTokensBody): ChatMessage[] {
  const out: ChatMessage[] = [];
  if (instructions !== undefined && instructions !== null && instructions !== '')
    out.push({ role: 'system', content: instructions });
  if (input === undefined || input === null) throw invalid('input is required.', 'input');
  if (typeof input === 'string') return [...out, { role: 'user', content: input }];
  for (const item of input) {
    const message = readItem(item);
    if (message === undefined) continue;
    const last = out.at(-1);
    if (message.role === 'assistant' && last?.role === 'assistant')
      out[out.length - 1] = { ...last, content: joinTexts(last.content, message.content) };
    else out.push(message);
  }
  if (!out.some((m) => m.role !== 'system')) throw invalid('input holds no message.', 'input');
  return out;
}

function readItem(item: Item): ChatMessage | undefined {
  const type = typeof item['type'] === 'string' ? item['type'] : 'message';
  switch (type) {
    case 'message':
      return { role: roleOf(item['role']), content: plainText(item['content'], 'input') };
    case 'function_call':
      return { role: 'assistant', content: toolCallText(item['name'], item['arguments']) };
    case 'custom_tool_call':
      return { role: 'assistant', content: toolCallText(item['name'], { input: item['input'] }) };
    case 'function_call_output':
    case 'custom_tool_call_output':
      return { role: 'tool', content: outputText(item['output']) };
    case 'reasoning':
    case 'web_search_call':
      return undefined;
    case 'item_reference':
      throw unsupported('item_reference is not supported: no response is stored here. Send the item itself.', 'input');
    default:
      throw invalid(`An input item of type "${type.slice(0, 40)}" is not known.`, 'input');
  }
}

function roleOf(role: unknown): ChatMessage['role'] {
  switch (role) {
    case 'system':
    case 'developer':
      return 'system';
    case 'user':
    case 'assistant':
      return role;
    default:
      throw invalid(`The role "${String(role).slice(0, 40)}" is not known.`, 'input');
  }
}

/** Text or parts, as the API has it; some agents send an object of their own, which the model gets as it is. */
function outputText(output: unknown): string {
  if (typeof output === 'object' && output !== null && !Array.isArray(output)) return JSON.stringify(output);
  return plainText(output, 'input');
}
