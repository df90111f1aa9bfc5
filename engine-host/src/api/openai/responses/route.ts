/** `POST /v1/responses` and `/v1/responses/input_tokens`. Nothing is stored: each request brings its whole conversation. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Call, type ApiContext } from '../../call.ts';
import { Dialogue } from '../../dialogue.ts';
import { announceTruncation } from '../../ollama/wire.ts';
import { constraintOfFormat, heldTo } from '../../constraint.ts';
import { ResponseStream } from '../../responseStream.ts';
import { sampling, tokenLimit, V1_DEFAULTS } from '../../sampling.ts';
import { runStream } from '../../streaming.ts';
import { customTools, readConversation, readWish } from './read.ts';
import { InputTokensBody, refuseUnsupported, ResponsesBody } from './schema.ts';
import { ResponseEvents } from './stream.ts';
import { answerItems, finished, isCut, responseHead } from './wire.ts';

export function responsesRoutes(app: FastifyInstance, context: ApiContext): void {
  for (const url of ['/v1/responses', '/responses']) {
    app.post<{ Body: ResponsesBody }>(url, { schema: { body: ResponsesBody } }, (request, reply) =>
      respond(context, request, reply),
    );
    app.post<{ Body: InputTokensBody }>(
      `${url}/input_tokens`,
      { schema: { body: InputTokensBody } },
      async (request, reply) => {
        refuseUnsupported(request.body);
        const messages = readConversation(request.body);
        const wish = readWish(request.body);
        const call = await Call.open(context, request, reply, request.body.model);
        const { parts } = await Dialogue.open(call, messages, wish);
        return { object: 'response.input_tokens', input_tokens: await call.count(parts) };
      },
    );
  }
}

async function respond(
  context: ApiContext,
  request: FastifyRequest<{ Body: ResponsesBody }>,
  reply: FastifyReply,
): Promise<unknown> {
  const { body } = request;
  refuseUnsupported(body);
  const constrained = constraintOfFormat(body.text?.format, 'text.format');
  const messages = readConversation(body);
  const wish = readWish(body);
  const custom = customTools(body.tools);
  const call = await Call.open(context, request, reply, body.model);
  const dialogue = await Dialogue.open(call, await call.withMemories(messages, {}), wish);
  const { parts } = dialogue;
  await call.lookThrough([parts], [messages]);
  const wantsLogprobs = body.include?.includes('message.output_text.logprobs') === true;
  const input = {
    prompt: parts,
    ...heldTo(dialogue.input, constrained),
    ...tokenLimit(body.max_output_tokens, call.model.contextLength),
    stop: [],
    sampling: sampling(call.defaults(V1_DEFAULTS), { temperature: body.temperature, topP: body.top_p }),
    ...(wantsLogprobs ? { logprobs: body.top_logprobs ?? 0 } : {}),
    // The one way in this family to say that a conversation may be cut.
    truncate: body.truncation === 'auto',
  };
  await announceTruncation(call, input, reply);
  const generation = call.generate(input, 'input');
  const head = responseHead(body, call.model.name);
  if (body.stream === true) {
    await generation.accepted();
    const stream = ResponseStream.open(reply, 'text/event-stream', call.signal);
    const events = new ResponseEvents(stream, head, custom);
    await runStream(
      context,
      request,
      'openai',
      stream,
      () => events.run(call, dialogue, generation, messages, wantsLogprobs),
      (error) => events.fail(error),
    );
    return reply;
  }
  const { text, logprobs, result } = await call.finish(generation, messages, undefined, (t) => dialogue.spoken(t));
  const items = answerItems(dialogue.read(text), isCut(result), custom, wantsLogprobs ? logprobs : []);
  return finished(head, items, result);
}
