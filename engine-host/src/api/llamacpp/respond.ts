/** Runs generations the way llama.cpp answers: one object (or a list of them), or SSE whose last object has `stop: true`. */
import type { FastifyRequest } from 'fastify';
import type { ApiContext, Call, GenerationInput } from '../call.ts';
import type { ChatMessage } from '../deps.ts';
import { ResponseStream } from '../responseStream.ts';
import { runStream } from '../streaming.ts';
import { finalFields, pickFields, probabilities, settings } from './result.ts';
import type { LlamaBody } from './schema.ts';

/** @param list answer with a list also when there is only one prompt */
export async function respondCompletion(
  context: ApiContext,
  request: FastifyRequest,
  call: Call,
  inputs: readonly GenerationInput[],
  recorded: readonly (readonly ChatMessage[])[],
  body: LlamaBody,
  list: boolean,
): Promise<unknown> {
  await call.lookThrough(
    inputs.map((input) => input.prompt),
    recorded,
  );
  // Clients of this family count on one object for each token.
  const generations = inputs.map((input) => call.generate({ ...input, eachToken: body.stream === true }));
  const common = (index: number) => ({ index, id_slot: 0, model: call.model.name });
  const setup = (input: GenerationInput) => ({
    generation_settings: settings(call.model.name, call.model.contextLength, input.sampling, input),
    prompt: input.prompt.map((p) => ('text' in p ? p.text : '')).join(''),
  });
  if (body.stream !== true) {
    const all = await call.all(generations.map((g, i) => call.finish(g, recorded[i] ?? [])));
    const answers = all.map((f, i) => {
      const input = inputs[i];
      return pickFields(
        {
          ...common(i),
          content: f.text,
          tokens: body.return_tokens === true ? f.tokens : [],
          ...probabilities(f.logprobs),
          ...(input === undefined ? {} : setup(input)),
          ...finalFields(f.result),
        },
        body.response_fields,
      );
    });
    return list && answers.length > 1 ? answers : answers[0];
  }
  await call.accepted(generations);
  const stream = ResponseStream.open(call.reply, 'text/event-stream', call.signal);
  await runStream(context, request, 'llamacpp', stream, async () => {
    await call.all(
      generations.map(async (generation, i) => {
        const { result } = await call.finish(generation, recorded[i] ?? [], {
          delta: (d) =>
            d.text === '' && d.logprobs === undefined
              ? undefined
              : stream.data({
                  ...common(i),
                  content: d.text,
                  tokens: d.tokens,
                  stop: false,
                  ...probabilities(d.logprobs),
                }),
          idle: () => stream.comment(),
        });
        const input = inputs[i];
        await stream.data(
          pickFields(
            {
              ...common(i),
              content: '',
              tokens: [],
              ...(input === undefined ? {} : setup(input)),
              ...finalFields(result),
            },
            body.response_fields,
          ),
        );
      }),
    );
  });
  return call.reply;
}
