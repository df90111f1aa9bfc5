/** Messages and wishes of a chat request, as ours. */
import type { ToolChoice } from '../../tools/types.ts';
import { plainText } from '../content.ts';
import type { ChatMessage } from '../deps.ts';
import type { ThinkWish } from '../dialogue.ts';
import { invalid, unsupported } from '../errors.ts';
import { earlierCall, openaiChoice } from '../toolInput.ts';
import type { ChatBody } from './schema.ts';

/** @throws {ZellError} */
export function readMessage(message: ChatBody['messages'][number], at: number): ChatMessage {
  const content = plainText(message.content);
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content };
    case 'user':
      return { role: 'user', content };
    case 'assistant': {
      const toolCalls = (message.tool_calls ?? []).map((c, i) => {
        const given = c as { id?: unknown; function?: { name?: unknown; arguments?: unknown } | null };
        return earlierCall(given.id, given.function?.name, given.function?.arguments, `call_${at}_${i}`);
      });
      const thinking = message.reasoning_content ?? message.reasoning ?? '';
      return {
        role: 'assistant',
        content,
        ...(thinking === '' ? {} : { thinking }),
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
      };
    }
    case 'tool':
    case 'function': {
      const id = message.tool_call_id;
      return { role: 'tool', content, ...(id === undefined || id === null ? {} : { toolCallId: id }) };
    }
    default:
      throw invalid(`The role "${message.role.slice(0, 40)}" is not known.`, 'messages');
  }
}

/** The older `function_call` cannot force a call. @throws {ZellError} */
export function choiceOf(body: ChatBody): ToolChoice {
  const old = body.function_call;
  if (old !== undefined && old !== null && old !== 'auto' && old !== 'none')
    throw unsupported('function_call cannot force a call; use tools and tool_choice.', 'function_call');
  return openaiChoice(body.tool_choice);
}

/** `reasoning_effort`, also as `reasoning: {effort}`. "none" and "minimal" ask for an answer without thoughts. */
export function thinkOf(body: ChatBody): ThinkWish {
  return effortOf(body.reasoning_effort ?? body.reasoning?.effort);
}

/** @throws {ZellError} for a word that is none of OpenAI's */
export function effortOf(effort: unknown): ThinkWish {
  switch (effort) {
    case undefined:
    case null:
      return undefined;
    case 'none':
    case 'minimal':
      return false;
    case 'low':
    case 'medium':
    case 'high':
      return effort;
    case 'xhigh':
    case 'max':
      return 'high';
    default:
      throw invalid('reasoning_effort must be none, minimal, low, medium, high or xhigh.', 'reasoning_effort');
  }
}
