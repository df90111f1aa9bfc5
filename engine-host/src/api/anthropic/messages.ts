/** `POST /v1/messages` and `/v1/messages/count_tokens`. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GenerateDelta, GenerateResult } from '#protocol/generation.ts';
import { ZellError } from '#protocol/errors.ts';
import { Call, type ApiContext } from '../call.ts';
import { constraintOfFormat, heldTo } from '../constraint.ts';
import type { ChatMessage } from '../deps.ts';
import { Dialogue } from '../dialogue.ts';
import type { Generation } from '../generation.ts';
import { ResponseStream, type Written } from '../responseStream.ts';
import { sampling, stopTexts, tokenLimit, V1_DEFAULTS } from '../sampling.ts';
import { runStream } from '../streaming.ts';
import { contentBlock, ContentBlocks } from './blocks.ts';
import { readConversation, readThinking, readTools } from './read.ts';
import { CountBody, MessagesBody } from './schema.ts';

export function anthropicRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Body: MessagesBody }>('/v1/messages', { schema: { body: MessagesBody } }, (request, reply) =>
    answer(context, request, reply),
  );
  app.post<{ Body: CountBody }>(
    '/v1/messages/count_tokens',
    { schema: { body: CountBody } },
    async (request, reply) => {
      const { body } = request;
      const messages = readConversation(body);
      const wish = { tools: readTools(body), think: readThinking(body) };
      const call = await Call.open(context, request, reply, body.model);
      const { parts } = await Dialogue.open(call, messages, wish);
      return { input_tokens: await call.count(parts) };
    },
  );
}

async function answer(
  context: ApiContext,
  request: FastifyRequest<{ Body: MessagesBody }>,
  reply: FastifyReply,
): Promise<unknown> {
  const { body } = request;
  const constrained = constraintOfFormat(body.output_config?.format ?? body.output_format, 'output_config.format');
  const messages = readConversation(body);
  const wish = { tools: readTools(body), think: readThinking(body), idPrefix: 'toolu_' };
  const stop = stopTexts(body.stop_sequences);
  const call = await Call.open(context, request, reply, body.model);
  const dialogue = await Dialogue.open(call, messages, wish);
  const { parts } = dialogue;
  await call.lookThrough([parts], [messages]);
  const generation = call.generate({
    prompt: parts,
    ...heldTo(dialogue.input, constrained),
    ...tokenLimit(body.max_tokens, call.model.contextLength),
    stop,
    sampling: sampling(call.defaults(V1_DEFAULTS), {
      temperature: body.temperature,
      topP: body.top_p,
      topK: body.top_k,
    }),
  });
  const head = {
    id: `msg_${randomUUID().replaceAll('-', '')}`,
    type: 'message',
    role: 'assistant',
    model: call.model.name,
  };
  reply.header('request-id', request.id);
  if (body.stream === true) {
    // `message_start` carries the size of the prompt. While the request waits in the queue, counting goes past it.
    const accepted = await generation.accepted();
    const prompt = accepted ?? { promptTokens: await countedPrompt(call, parts), cachedTokens: 0 };
    await streamAnswer(context, request, call, dialogue, generation, messages, head, prompt, body.max_tokens);
    return reply;
  }
  const { text, result } = await call.finish(generation, messages, undefined, (said) => dialogue.spoken(said));
  const answer = dialogue.read(text);
  return {
    ...head,
    content: answer.blocks.map(contentBlock),
    ...ending(result, body.max_tokens, answer.calls.length > 0),
    usage: usage(result.promptTokens, result.cachedTokens, result.completionTokens),
  };
}

async function countedPrompt(call: Call, parts: Parameters<Call['count']>[0]): Promise<number> {
  const promptTokens = await call.count(parts);
  const { contextLength } = call.model;
  if (promptTokens > contextLength)
    throw new ZellError(
      'context_overflow',
      `The prompt has ${promptTokens} tokens; the context holds ${contextLength}.`,
      {
        details: { promptTokens, contextLength },
      },
    );
  return promptTokens;
}

async function streamAnswer(
  context: ApiContext,
  request: FastifyRequest,
  call: Call,
  dialogue: Dialogue,
  generation: Generation,
  messages: readonly ChatMessage[],
  head: Readonly<Record<string, unknown>>,
  prompt: { readonly promptTokens: number; readonly cachedTokens: number },
  maxTokens: number,
): Promise<void> {
  const stream = ResponseStream.open(call.reply, 'text/event-stream', call.signal, { 'request-id': request.id });
  const send = (type: string, rest: object = {}): Written => stream.event(type, { type, ...rest });
  const blocks = new ContentBlocks(stream);
  await runStream(context, request, 'anthropic', stream, async () => {
    await send('message_start', {
      message: {
        ...head,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: usage(prompt.promptTokens, prompt.cachedTokens, 0),
      },
    });
    const reader = dialogue.plain ? undefined : dialogue.reader();
    // Where words come first for sure, their block opens at once: clients take only content for a sign of life, not pings.
    if (reader === undefined) await blocks.text('');
    const listener = {
      delta: ({ text }: GenerateDelta): Written =>
        reader === undefined ? (text === '' ? undefined : blocks.text(text)) : blocks.add(reader.push(text)),
      idle: () => blocks.idle(),
    };
    const { result } = await call.finish(generation, messages, listener, (said) => dialogue.spoken(said));
    if (reader !== undefined) await blocks.add(reader.end());
    await blocks.close();
    await send('message_delta', {
      delta: ending(result, maxTokens, reader !== undefined && reader.answer.calls.length > 0),
      usage: usage(result.promptTokens, result.cachedTokens, result.completionTokens),
    });
    await send('message_stop');
  });
}

function ending(
  result: GenerateResult,
  maxTokens: number,
  called: boolean,
): { stop_reason: string; stop_sequence: string | null } {
  // Complete calls are what the client goes on with, whatever came after them.
  if (called) return { stop_reason: 'tool_use', stop_sequence: null };
  switch (result.finish) {
    case 'stop':
      return { stop_reason: 'stop_sequence', stop_sequence: result.stopText ?? null };
    case 'length': {
      const asked = result.completionTokens >= maxTokens;
      return { stop_reason: asked ? 'max_tokens' : 'model_context_window_exceeded', stop_sequence: null };
    }
    case 'deadline':
      return { stop_reason: 'max_tokens', stop_sequence: null };
    case 'eos':
    case 'cancelled':
      return { stop_reason: 'end_turn', stop_sequence: null };
  }
}

/** Anthropic's `input_tokens` do not count what came from a cache. */
function usage(prompt: number, cached: number, completion: number): Record<string, number> {
  return {
    input_tokens: Math.max(0, prompt - cached),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: completion,
  };
}
