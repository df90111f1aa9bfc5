/** Runs generations the way llama.cpp answers: one object (or a list of them), or SSE whose last object has `stop: true`. */
import type { FastifyRequest } from 'fastify';
import type { PromptPart } from '#protocol/generation.ts';
import type { ApiContext, Call, GenerationInput } from '../call.ts';
import type { ChatMessage } from '../deps.ts';
import { ResponseStream } from '../responseStream.ts';
import { runStream } from '../streaming.ts';
import { finalFields, pickFields, probabilities } from './result.ts';
import type { LlamaBody } from './schema.ts';
import { settings } from './settings.ts';

export interface Choice {
  readonly input: GenerationInput;
  readonly recorded: readonly ChatMessage[];
}

/** Answers with a list where there are several choices. */
export async function respondCompletion(
  context: ApiContext,
  request: FastifyRequest,
  call: Call,
  choices: readonly Choice[],
  body: LlamaBody,
): Promise<unknown> {
  await call.lookThrough(
    choices.map(({ input }) => input.prompt),
    choices.map(({ recorded }) => recorded),
  );
  const post = body.post_sampling_probs === true;
  const texts = await Promise.all(choices.map(({ input }) => promptText(context, call, input.prompt)));
  // Clients of this family count on one object for each token.
  const running = choices.map(({ input, recorded }, i) => ({
    i,
    recorded,
    generation: call.generate({ ...input, eachToken: body.stream === true }),
  }));
  const common = (index: number) => ({ index, id_slot: 0, model: call.model.name });
  const setup = (index: number) => {
    const input = choices[index]?.input;
    if (input === undefined) return {};
    return {
      generation_settings: settings(call.model, input.sampling, { ...input, stream: body.stream === true }),
      prompt: texts[index] ?? '',
    };
  };
  if (body.stream !== true) {
    const all = await call.all(running.map(({ generation, recorded }) => call.finish(generation, recorded)));
    const answers = all.map((f, i) =>
      pickFields(
        {
          ...common(i),
          content: f.text,
          tokens: body.return_tokens === true ? f.tokens : [],
          ...probabilities(f.logprobs, post),
          ...setup(i),
          ...finalFields(f.result, f.text),
        },
        body.response_fields,
      ),
    );
    return answers.length === 1 ? answers[0] : answers;
  }
  await call.accepted(running.map(({ generation }) => generation));
  const stream = ResponseStream.open(call.reply, 'text/event-stream', call.signal);
  await runStream(context, request, 'llamacpp', stream, async () => {
    await call.all(
      running.map(async ({ i, generation, recorded }) => {
        const { result, text } = await call.finish(generation, recorded, {
          delta: (d) =>
            d.text === '' && d.logprobs === undefined
              ? undefined
              : stream.data({
                  ...common(i),
                  content: d.text,
                  tokens: d.tokens,
                  stop: false,
                  ...probabilities(d.logprobs, post),
                }),
          idle: () => stream.comment(),
        });
        await stream.data(
          pickFields(
            { ...common(i), content: '', tokens: [], ...setup(i), ...finalFields(result, text) },
            body.response_fields,
          ),
        );
      }),
    );
  });
  return call.reply;
}

/** What the client sent, its tokens as text. */
async function promptText(context: ApiContext, call: Call, prompt: readonly PromptPart[]): Promise<string> {
  const texts = prompt.map(async (part) =>
    'text' in part
      ? part.text
      : (await context.engine.call('detokenize', { tokens: [...part.tokens] }, call.signal)).text,
  );
  return (await Promise.all(texts)).join('');
}
