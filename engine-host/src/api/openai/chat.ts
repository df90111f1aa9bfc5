/** `POST /v1/chat/completions`. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Call, templateVariables, type ApiContext } from '../call.ts';
import { heldTo } from '../constraint.ts';
import { Dialogue } from '../dialogue.ts';
import { readLogitBias } from '../logitBias.ts';
import { stopTexts, tokenLimit, V1_DEFAULTS } from '../sampling.ts';
import { adaptersOf, draftLimit } from '../schemas.ts';
import { functionTools, toolWish } from '../toolInput.ts';
import { choiceOf, readMessage, thinkOf } from './chatRead.ts';
import { streamChat } from './chatStream.ts';
import { answerMessage, chatFinish, chatLogprobs, usage } from './wire.ts';
import { ChatBody, constraintOf, samplingOf } from './schema.ts';

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
  const constrained = constraintOf(body);
  const messages = body.messages.map(readMessage);
  const tools = toolWish(functionTools(body.tools), choiceOf(body), body.parallel_tool_calls !== false);
  const stop = stopTexts(body.stop);
  const variables = templateVariables(body.chat_template_kwargs);
  const call = await Call.open(context, request, reply, body.model);
  const bias = await readLogitBias(context, call, body.logit_bias);
  const sampling = samplingOf(body, bias, call.defaults(V1_DEFAULTS));
  const adapters = adaptersOf(body.lora);
  const wish = { tools, think: thinkOf(body), variables };
  const dialogue = await Dialogue.open(call, await call.withMemories(messages, adapters), wish);
  const { parts } = dialogue;
  const logprobs = body.logprobs === true ? { logprobs: body.top_logprobs ?? 0 } : {};
  await call.lookThrough([parts], [messages]);
  const generations = Array.from({ length: body.n ?? 1 }, (_, i) =>
    call.generate({
      prompt: parts,
      ...heldTo(dialogue.input, constrained),
      ...tokenLimit(body.max_completion_tokens ?? body.max_tokens, call.model.contextLength),
      stop,
      ...adapters,
      sampling: { ...sampling, seed: (sampling.seed + i) % 2 ** 32 },
      ...logprobs,
      ...(body.post_sampling_probs === true ? { postSampling: true } : {}),
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
    const extras = { wantsLogprobs, withUsage, withTokens };
    await streamChat(context, request, call, dialogue, generations, messages, head, extras);
    return reply;
  }
  const spoken = (text: string): string => dialogue.spoken(text);
  const all = await call.all(generations.map((g, i) => call.finish(g, i === 0 ? messages : [], undefined, spoken)));
  return {
    ...head,
    object: 'chat.completion',
    choices: all.map((f, index) => {
      const answer = dialogue.read(f.text);
      return {
        index,
        message: answerMessage(answer),
        logprobs: wantsLogprobs ? chatLogprobs(f.logprobs) : null,
        finish_reason: chatFinish(f.result.finish, answer.calls.length > 0),
      };
    }),
    usage: usage(all.map((f) => f.result)),
  };
}
