/** The chunks of one streamed chat: role, then words, thoughts and calls as they come, then the reason for the end. */
import type { FastifyRequest } from 'fastify';
import type { GenerateDelta } from '#protocol/generation.ts';
import type { ApiContext, Call } from '../call.ts';
import type { ChatMessage } from '../deps.ts';
import type { Dialogue, IdentifiedEvent } from '../dialogue.ts';
import type { Generation } from '../generation.ts';
import { timings } from '../llamacpp/result.ts';
import { ResponseStream, type Written } from '../responseStream.ts';
import { runStream } from '../streaming.ts';
import { textSlot } from '../textSlot.ts';
import { chatFinish, chatLogprobs, usage } from './wire.ts';

export async function streamChat(
  context: ApiContext,
  request: FastifyRequest,
  call: Call,
  dialogue: Dialogue,
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
        const reader = dialogue.plain ? undefined : dialogue.reader();
        /** Log-probabilities go with the first chunk of their tokens, or alone. */
        const send = (events: readonly IdentifiedEvent[], logprobs: GenerateDelta['logprobs']): Written => {
          let written: Written;
          let probable = wantsLogprobs && logprobs !== undefined ? chatLogprobs(logprobs) : null;
          for (const delta of events.flatMap(deltas)) {
            written = stream.data(chunk(index, delta, null, probable));
            probable = null;
          }
          return probable === null ? written : stream.data(chunk(index, { content: '' }, null, probable));
        };
        const listener = {
          delta: ({ text, logprobs }: GenerateDelta): Written => {
            if (reader !== undefined) return send(reader.push(text), logprobs);
            if (wantsLogprobs && logprobs !== undefined)
              return stream.data(chunk(index, { content: text }, null, chatLogprobs(logprobs)));
            return text === '' ? undefined : stream.dataJson(content(text));
          },
          idle: () => stream.comment(),
        };
        const spoken = (text: string): string => dialogue.spoken(text);
        const finished = await call.finish(generation, index === 0 ? messages : [], listener, spoken);
        if (reader !== undefined) await send(reader.end(), undefined);
        const called = reader !== undefined && reader.answer.calls.length > 0;
        await stream.data(chunk(index, {}, chatFinish(finished.result.finish, called)));
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

/** An event as deltas. A call's first has id and name, the others fragments of the arguments; what broke off was sent already. */
function deltas(event: IdentifiedEvent): object[] {
  switch (event.type) {
    case 'text':
      return [{ content: event.text }];
    case 'thinking':
      // The one name is llama.cpp's and DeepSeek's, the other Ollama's.
      return [{ reasoning_content: event.text, reasoning: event.text }];
    case 'call': {
      const { index, id, name } = event;
      return [{ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }];
    }
    case 'arguments':
      return [{ tool_calls: [{ index: event.index, function: { arguments: event.json } }] }];
    case 'called':
    case 'broken':
      return [];
  }
}
