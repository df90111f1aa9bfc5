/** The items of a Responses request as a conversation. */
import { joinTexts, plainText } from '../../content.ts';
import type { ChatMessage } from '../../deps.ts';
import type { DialogueWish } from '../../dialogue.ts';
import { invalid, unsupported } from '../../errors.ts';
import { earlierCall, functionTools, openaiChoice, toolWish } from '../../toolInput.ts';
import { effortOf } from '../chatRead.ts';
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
  for (const [at, item] of input.entries()) {
    const message = readItem(item, at);
    if (message === undefined) continue;
    const last = out.at(-1);
    if (message.role === 'assistant' && last?.role === 'assistant') out[out.length - 1] = joined(last, message);
    else out.push(message);
  }
  if (!out.some((m) => m.role !== 'system')) throw invalid('input holds no message.', 'input');
  return out;
}

function joined(a: ChatMessage, b: ChatMessage): ChatMessage {
  const toolCalls = [...(a.toolCalls ?? []), ...(b.toolCalls ?? [])];
  const content = joinTexts(a.content, b.content);
  return { role: a.role, content, ...(toolCalls.length === 0 ? {} : { toolCalls }) };
}

/** Tools and how they may be used. Tools of other types, which the vendor would run, are left out. @throws {ZellError} */
export function readWish(body: InputTokensBody): DialogueWish {
  const tools = (body.tools ?? []).flatMap((tool): object[] => {
    if (tool.type === 'custom') return [{ type: 'function', function: { ...tool, parameters: CUSTOM } }];
    return tool.type === 'function' ? [{ type: 'function', function: tool }] : [];
  });
  const wish = toolWish(functionTools(tools), openaiChoice(body.tool_choice), body.parallel_tool_calls !== false);
  return { tools: wish, think: effortOf(body.reasoning?.['effort']) };
}

/** A tool whose input is a text gets it as its one argument. */
const CUSTOM = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] };

export function customTools(tools: InputTokensBody['tools']): ReadonlySet<string> {
  const named = (tools ?? []) as readonly { type: string; name?: unknown }[];
  return new Set(named.flatMap(({ type, name }) => (type === 'custom' && typeof name === 'string' ? [name] : [])));
}

function readItem(item: Item, at: number): ChatMessage | undefined {
  const type = typeof item['type'] === 'string' ? item['type'] : 'message';
  switch (type) {
    case 'message':
      return { role: roleOf(item['role']), content: plainText(item['content'], 'input') };
    case 'function_call':
      return calling(item, item['arguments'], at);
    case 'custom_tool_call':
      return calling(item, { input: item['input'] }, at);
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const id = item['call_id'];
      const content = outputText(item['output']);
      return { role: 'tool', content, ...(typeof id === 'string' ? { toolCallId: id } : {}) };
    }
    case 'reasoning':
    case 'web_search_call':
      return undefined;
    case 'item_reference':
      throw unsupported('item_reference is not supported: no response is stored here. Send the item itself.', 'input');
    default:
      throw invalid(`An input item of type "${type.slice(0, 40)}" is not known.`, 'input');
  }
}

function calling(item: Item, input: unknown, at: number): ChatMessage {
  const call = earlierCall(item['call_id'], item['name'], input, `call_${at}`);
  return { role: 'assistant', content: '', toolCalls: [call] };
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
