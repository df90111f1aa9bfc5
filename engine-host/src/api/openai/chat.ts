/** `POST /v1/chat/completions`. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Call, templateVariables, type ApiContext } from '../call.ts';
import { joinTexts, plainText, toolCallText } from '../content.ts';
import type { ChatMessage } from '../deps.ts';
import { invalid } from '../errors.ts';
import type { Generation } from '../generation.ts';
import { timings } from '../llamacpp/result.ts';
import { ResponseStream } from '../responseStream.ts';
import { stopTexts, tokenLimit, V1_DEFAULTS } from '../sampling.ts';
import { adaptersOf, draftLimit } from '../schemas.ts';
import { runStream } from '../streaming.ts';
import { textSlot } from '../textSlot.ts';
import { ChatBody, refuseConstraints, refuseForcedTools, samplingOf } from './schema.ts';
import { chatLogprobs, finishReason, usage } from './wire.ts';

export function openaiChatRoutes(app: FastifyInstance, context: ApiContext): void {
  for (const url of ['/v1/chat/completions', '/chat/completions'])
    app.post<{ Body: ChatBody }>(url, { schema: { body: ChatBody } }, (request, reply) =>
      chat(context, request, reply),
    );
}

async function chat(
  context: ApiContext,
  request: FastifyRequest<{ Body: ChatBody }>,
  reply: FastifyReply,
): Promise<unknown> {
  const { body } = request;
  refuseConstraints(body);
  refuseForcedTools(body);
  const messages = body.messages.map(readMessage);
  const stop = stopTexts(body.stop);
  const variables = templateVariables(body.chat_template_kwargs);
  const call = await Call.open(context, request, reply, body.model);
  const sampling = samplingOf(body, call.model.vocabularySize, call.defaults(V1_DEFAULTS));
  const adapters = adaptersOf(body.lora);
  const { parts } = await call.render(await call.withMemories(messages, adapters), variables);
  const logprobs = body.logprobs === true ? { logprobs: body.top_logprobs ?? 0 } : {};
  await call.lookThrough([parts], [messages]);
  const generations = Array.from({ length: body.n ?? 1 }, (_, i) =>
    call.generate({
      prompt: parts,
      ...tokenLimit(body.max_completion_tokens ?? body.max_tokens, call.model.contextLength),
      stop,
      ...adapters,
      sampling: { ...sampling, seed: (sampling.seed + i) % 2 ** 32 },
      ...logprobs,
      ...draftLimit(body['speculative.n_max']),
      ...(body.ignore_eos === true ? { ignoreEos: true } : {}),
    }),
  );
  const head = {
    id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model: call.model.name,
    system_fingerprint: `zell-${context.identity.version}`,
  };
  const wantsLogprobs = body.logprobs === true;
  if (body.stream === true) {
    const withUsage = body.stream_options?.include_usage === true;
    const withTokens = body.return_tokens === true;
    await streamChat(context, request, call, generations, messages, head, { wantsLogprobs, withUsage, withTokens });
    return reply;
  }
  const all = await call.all(generations.map((g, i) => call.finish(g, i === 0 ? messages : [])));
  return {
    ...head,
    object: 'chat.completion',
    choices: all.map((f, index) => ({
      index,
      message: { role: 'assistant', content: f.text, refusal: null },
      logprobs: wantsLogprobs ? chatLogprobs(f.logprobs) : null,
      finish_reason: finishReason(f.result.finish),
    })),
    usage: usage(all.map((f) => f.result)),
  };
}

async function streamChat(
  context: ApiContext,
  request: FastifyRequest,
  call: Call,
  generations: readonly Generation[],
  messages: readonly ChatMessage[],
  head: Readonly<Record<string, unknown>>,
  extras: { readonly wantsLogprobs: boolean; readonly withUsage: boolean; readonly withTokens: boolean },
): Promise<void> {
  const { wantsLogprobs, withUsage, withTokens } = extras;
  await call.accepted(generations);
  const stream = ResponseStream.open(call.reply, 'text/event-stream', call.signal);
  const chunk = (index: number, delta: object, finish: string | null, logprobs: object | null = null): object => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index, delta, logprobs, finish_reason: finish }],
    ...(withUsage ? { usage: null } : {}),
  });
  await runStream(context, request, 'openai', stream, async () => {
    const results = await call.all(
      generations.map(async (generation, index) => {
        await stream.data(chunk(index, { role: 'assistant', content: '' }, null));
        const content = textSlot((text) => chunk(index, { content: text }, null));
        const finished = await call.finish(generation, index === 0 ? messages : [], {
          delta: ({ text, logprobs }) => {
            if (wantsLogprobs && logprobs !== undefined)
              return stream.data(chunk(index, { content: text }, null, chatLogprobs(logprobs)));
            return text === '' ? undefined : stream.dataJson(content(text));
          },
          idle: () => stream.comment(),
        });
        await stream.data(chunk(index, {}, finishReason(finished.result.finish)));
        return finished;
      }),
    );
    const first = results[0];
    if (withUsage)
      await stream.data({
        ...head,
        object: 'chat.completion.chunk',
        choices: [],
        usage: usage(results.map((r) => r.result)),
        // llama.cpp's extras, of the first choice.
        ...(withTokens && first !== undefined ? { tokens: first.tokens, timings: timings(first.result) } : {}),
      });
    await stream.doneMark();
  });
}

function readMessage(message: ChatBody['messages'][number]): ChatMessage {
  const content = plainText(message.content);
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content };
    case 'user':
      return { role: 'user', content };
    case 'assistant': {
      const calls = (message.tool_calls ?? []).map((c) => {
        const f = c.function as { name?: unknown; arguments?: unknown } | null | undefined;
        return toolCallText(f?.name, f?.arguments);
      });
      return { role: 'assistant', content: joinTexts(content, ...calls) };
    }
    case 'tool':
    case 'function':
      return { role: 'tool', content };
    default:
      throw invalid(`The role "${message.role.slice(0, 40)}" is not known.`, 'messages');
  }
}
