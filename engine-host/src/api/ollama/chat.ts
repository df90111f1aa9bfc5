/** `POST /api/chat`. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Call, type ApiContext } from '../call.ts';
import type { ToolCall } from '../../tools/types.ts';
import { constraintOfOllama, heldTo } from '../constraint.ts';
import type { ChatMessage } from '../deps.ts';
import { Dialogue } from '../dialogue.ts';
import { invalid, unsupported } from '../errors.ts';
import { optional, text } from '../schemas.ts';
import { earlierCall, functionTools, toolWish } from '../toolInput.ts';
import { respond, respondLoaded, respondUnloaded, type Shape } from './respond.ts';
import { checkCommon, generationInput, keepAliveSeconds, OllamaCommon, thinkingField, thinkOf } from './wire.ts';

const ChatBody = Type.Object({
  ...OllamaCommon,
  messages: optional(
    Type.Array(
      Type.Object({
        role: Type.String(),
        content: text(),
        images: optional(Type.Array(Type.Unknown())),
        thinking: text(),
        tool_calls: optional(Type.Array(Type.Object({ function: Type.Object({ name: Type.String() }) }))),
        tool_call_id: text(),
      }),
      { maxItems: 65_536 },
    ),
  ),
  tools: optional(Type.Array(Type.Unknown())),
});
type ChatBody = Static<typeof ChatBody>;

export function ollamaChatRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Body: ChatBody }>('/api/chat', { schema: { body: ChatBody } }, async (request, reply) => {
    const { body } = request;
    checkCommon(body);
    const messages = withCallIds((body.messages ?? []).map(readMessage));
    const tools = toolWish(functionTools(body.tools), 'auto');
    const keep = keepAliveSeconds(body.keep_alive);
    const piece: Shape['piece'] = ({ text: content, thinking, calls }) => ({
      message: { role: 'assistant', content, ...thinkingField(thinking), ...callsField(calls) },
    });
    if (messages.length === 0 && keep === 0) return respondUnloaded(context, reply, body, piece);
    const call = await Call.open(context, request, reply, body.model);
    const think = thinkOf(body, call.model);
    call.keepModel(keep);
    const shape: Shape = {
      model: body.model === undefined || body.model === null || body.model === '' ? call.model.name : body.model,
      stream: body.stream !== false,
      piece,
    };
    if (messages.length === 0) return respondLoaded(call, shape);
    const dialogue = await Dialogue.open(call, messages, { tools, think });
    const input = {
      ...generationInput(body, call, dialogue.parts),
      ...heldTo(dialogue.input, constraintOfOllama(body.format)),
    };
    return respond(context, request, call, input, messages, { ...shape, dialogue });
  });
}

function readMessage(message: NonNullable<ChatBody['messages']>[number], at: number): ChatMessage {
  if ((message.images ?? []).length > 0)
    throw unsupported('Images are not supported: no model here can read them.', 'messages');
  const content = message.content ?? '';
  const { thinking, tool_call_id: id } = message;
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content };
    case 'assistant': {
      const toolCalls = (message.tool_calls ?? []).map((given, i) => {
        const call = given as { id?: unknown; function: { name: string; arguments?: unknown } };
        return earlierCall(call.id, call.function.name, call.function.arguments, `call_${at}_${i}`);
      });
      return {
        role: 'assistant',
        content,
        ...(thinking === undefined || thinking === null || thinking === '' ? {} : { thinking }),
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
      };
    }
    case 'tool':
      return { role: 'tool', content, ...(id === undefined || id === null || id === '' ? {} : { toolCallId: id }) };
    default:
      throw invalid(`invalid role "${message.role.slice(0, 40)}"`, 'messages');
  }
}

/** Most clients of this family send results without ids, in the order of the calls. */
function withCallIds(messages: readonly ChatMessage[]): ChatMessage[] {
  let waiting: string[] = [];
  return messages.map((message) => {
    if (message.role !== 'tool') {
      waiting = message.toolCalls?.map((call) => call.id) ?? [];
      return message;
    }
    const toolCallId = message.toolCallId ?? waiting[0];
    waiting = waiting.filter((id) => id !== toolCallId);
    return toolCallId === undefined ? message : { ...message, toolCallId };
  });
}

function callsField(calls: readonly ToolCall[] = []): Record<string, unknown> {
  if (calls.length === 0) return {};
  return {
    tool_calls: calls.map(({ id, name, arguments: input }, index) => ({
      id,
      function: { index, name, arguments: input },
    })),
  };
}
