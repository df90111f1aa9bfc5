/** Anthropic's conversations as ours. */
import { joinTexts, toolCallText } from '../content.ts';
import type { ChatMessage } from '../deps.ts';
import { invalid, unsupported } from '../errors.ts';
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
  for (const message of body.messages) out.push(...readMessage(message));
  if (!out.some((m) => m.role !== 'system'))
    throw invalid('messages: at least one message with text is required', 'messages');
  return out;
}

/** What would change the answer's form and is not there yet. @throws {ZellError} unsupported */
export function refuseConstraints(body: CountBody): void {
  const choice = body.tool_choice?.type;
  if (choice !== undefined && choice !== 'auto' && choice !== 'none')
    throw unsupported('tool_choice cannot force a call yet; use "auto" or "none".', 'tool_choice');
  const format = body.output_config?.format ?? body.output_format;
  if (format !== undefined && format !== null)
    throw unsupported('output_config.format is not supported yet: answers are plain text.', 'output_config');
}

function readMessage(message: CountBody['messages'][number]): ChatMessage[] {
  switch (message.role) {
    case 'system':
      return textOnly('system', systemText(message.content));
    case 'user': {
      const results: ChatMessage[] = [];
      const texts: string[] = [];
      for (const block of blocks(message.content)) {
        if (block['type'] === 'tool_result') results.push({ role: 'tool', content: blocksText(block['content']) });
        else texts.push(blockText(block));
      }
      return [...results, ...textOnly('user', joinTexts(...texts))];
    }
    case 'assistant':
      return textOnly('assistant', joinTexts(...blocks(message.content).map(blockText)));
    default:
      throw invalid(`messages: the role "${message.role.slice(0, 40)}" is not known`, 'messages');
  }
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
    case 'tool_use':
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
