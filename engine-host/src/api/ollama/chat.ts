/** `POST /api/chat`. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Call, type ApiContext } from '../call.ts';
import { joinTexts, toolCallText } from '../content.ts';
import type { ChatMessage } from '../deps.ts';
import { invalid, unsupported } from '../errors.ts';
import { optional, text } from '../schemas.ts';
import { respond, respondLoaded, respondUnloaded, type Shape } from './respond.ts';
import { checkCommon, generationInput, keepAliveSeconds, OllamaCommon } from './wire.ts';

const ChatBody = Type.Object({
  ...OllamaCommon,
  messages: optional(
    Type.Array(
      Type.Object({
        role: Type.String(),
        content: text(),
        images: optional(Type.Array(Type.Unknown())),
        tool_calls: optional(Type.Array(Type.Object({ function: Type.Object({ name: Type.String() }) }))),
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
    const messages = (body.messages ?? []).map(readMessage);
    const keep = keepAliveSeconds(body.keep_alive);
    const piece: Shape['piece'] = (content) => ({ message: { role: 'assistant', content } });
    if (messages.length === 0 && keep === 0) return respondUnloaded(context, reply, body, piece);
    const call = await Call.open(context, request, reply, body.model);
    call.keepModel(keep);
    const shape: Shape = {
      model: body.model === undefined || body.model === null || body.model === '' ? call.model.name : body.model,
      stream: body.stream !== false,
      piece,
    };
    if (messages.length === 0) return respondLoaded(call, shape);
    const { parts } = await call.render(messages);
    return respond(context, request, call, generationInput(body, call, parts), messages, shape);
  });
}

function readMessage(message: NonNullable<ChatBody['messages']>[number]): ChatMessage {
  if ((message.images ?? []).length > 0)
    throw unsupported('Images are not supported: no model here can read them.', 'messages');
  const calls = (message.tool_calls ?? []).map((c) =>
    toolCallText(c.function.name, (c.function as { arguments?: unknown }).arguments),
  );
  const content = joinTexts(message.content ?? '', ...calls);
  switch (message.role) {
    case 'system':
    case 'user':
    case 'assistant':
    case 'tool':
      return { role: message.role, content };
    default:
      throw invalid(`invalid role "${message.role.slice(0, 40)}"`, 'messages');
  }
}
