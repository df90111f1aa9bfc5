/** Anthropic's conversations as ours. */
import { joinTexts, toolCallText } from '../content.ts';
import type { ChatMessage } from '../deps.ts';
import type { ToolChoice } from '../../tools/types.ts';
import type { ThinkWish } from '../dialogue.ts';
import { invalid, unsupported } from '../errors.ts';
import { earlierCall, schemaTools, toolWish, type ToolWish } from '../toolInput.ts';
import type { CountBody } from './schema.ts';

/**
 * System first, then the messages. Empty blocks are dropped: our own heartbeats come back in the history as such, and would otherwise
 * make the prompt differ from the one that is in the KV cache. Tool results come before the text of their turn.
 * @throws {ZellError}
 */
export function readConversation(body: CountBody): ChatMessage[] {
  const out: ChatMessage[] = [];
  const system = systemText(body.system);
  if (system !== '') out.push({ role: 'system', content: system });
  for (const [at, message] of body.messages.entries()) out.push(...readMessage(message, at));
  if (!out.some((m) => m.role !== 'system'))
    throw invalid('messages: at least one message with text is required', 'messages');
  return out;
}

/** @throws {ZellError} */
export function readTools(body: CountBody): ToolWish {
  const { type, name, disable_parallel_tool_use: single } = body.tool_choice ?? {};
  return toolWish(schemaTools(body.tools), choiceOf(type, name), single !== true);
}

function choiceOf(type: string | undefined, name: string | null | undefined): ToolChoice {
  switch (type) {
    case undefined:
    case 'auto':
      return 'auto';
    case 'none':
      return 'none';
    case 'any':
      return 'required';
    case 'tool':
      if (name !== undefined && name !== null) return { name };
      throw invalid('tool_choice: name is required', 'tool_choice');
    default:
      throw invalid(`tool_choice: the type "${type.slice(0, 40)}" is not known`, 'tool_choice');
  }
}

/** Thoughts come where they are asked for; a template that cannot leave them out gives them all the same. */
export function readThinking(body: CountBody): ThinkWish {
  const type = body.thinking?.type;
  if (type !== 'enabled' && type !== 'adaptive') return false;
  const effort = body.output_config?.effort;
  return effort === 'low' || effort === 'medium' || effort === 'high' ? effort : true;
}

function readMessage(message: CountBody['messages'][number], at: number): ChatMessage[] {
  switch (message.role) {
    case 'system':
      return textOnly('system', systemText(message.content));
    case 'user': {
      const results: ChatMessage[] = [];
      const texts: string[] = [];
      for (const block of blocks(message.content)) {
        if (block['type'] === 'tool_result') results.push(readResult(block));
        else texts.push(blockText(block));
      }
      return [...results, ...textOnly('user', joinTexts(...texts))];
    }
    case 'assistant':
      return readAnswer(blocks(message.content), at);
    default:
      throw invalid(`messages: the role "${message.role.slice(0, 40)}" is not known`, 'messages');
  }
}

function readResult(block: Block): ChatMessage {
  const id = block['tool_use_id'];
  return {
    role: 'tool',
    content: blocksText(block['content']),
    ...(typeof id === 'string' ? { toolCallId: id } : {}),
  };
}

/** Calls leave the text; thoughts stay where the template wants them. */
function readAnswer(content: readonly Block[], at: number): ChatMessage[] {
  const toolCalls = content.flatMap((block, i) =>
    block['type'] === 'tool_use' ? [earlierCall(block['id'], block['name'], block['input'], `toolu_${at}_${i}`)] : [],
  );
  const said = joinTexts(...content.filter((block) => block['type'] !== 'tool_use').map(blockText));
  const thinking = joinTexts(
    ...content.map((block) => (typeof block['thinking'] === 'string' ? block['thinking'] : '')),
  );
  if (said === '' && toolCalls.length === 0) return [];
  return [
    {
      role: 'assistant',
      content: said,
      ...(thinking === '' ? {} : { thinking }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
    },
  ];
}

function textOnly(role: ChatMessage['role'], content: string): ChatMessage[] {
  return content === '' ? [] : [{ role, content }];
}

/** Lines such as `x-anthropic-billing-header: …` change with every request and say nothing to a model. */
const VOLATILE_LINE = /^x-anthropic-[a-z-]+:.*(?:\n|$)/gm;

function systemText(system: unknown): string {
  return joinTexts(
    ...blocks(system)
      .map((b) => blockText(b).replace(VOLATILE_LINE, ''))
      .filter((t) => t.trim() !== ''),
  );
}

type Block = Readonly<Record<string, unknown>>;

function blocks(content: unknown): Block[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? (content as Block[]) : [];
}

function blocksText(content: unknown): string {
  return joinTexts(...blocks(content).map(blockText));
}

function blockText(block: Block): string {
  const { type, text } = block;
  switch (type) {
    case 'text':
      if (typeof text !== 'string') throw invalid('messages: a text block lacks its text', 'messages');
      return text;
    case 'thinking':
    case 'redacted_thinking':
      return '';
    case 'server_tool_use':
      return toolCallText(block['name'], block['input']);
    case 'document': {
      const source = block['source'] as { type?: unknown; data?: unknown } | null | undefined;
      if (source?.type === 'text' && typeof source.data === 'string') return source.data;
      throw unsupported('Only plain-text documents can be read.', 'messages');
    }
    case 'search_result':
      return blocksText(block['content']);
    case 'image':
      throw unsupported('Images are not supported: no model here can read them.', 'messages');
    default:
      throw invalid(`messages: a block of type "${String(type).slice(0, 40)}" is not known`, 'messages');
  }
}
