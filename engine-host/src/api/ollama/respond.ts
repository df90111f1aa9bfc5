/** Runs a generation the way Ollama answers: NDJSON unless `stream: false`. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Call, ApiContext, GenerationInput } from '../call.ts';
import type { ChatMessage } from '../deps.ts';
import { ResponseStream } from '../responseStream.ts';
import { runStream } from '../streaming.ts';
import { announceTruncation, ending, logprobs } from './wire.ts';

export interface Shape {
  /** Name that the client used. */
  readonly model: string;
  readonly stream: boolean;
  /** A piece of text in the route's own fields. */
  readonly piece: (text: string) => Record<string, unknown>;
}

export async function respond(
  context: ApiContext,
  request: FastifyRequest,
  call: Call,
  input: GenerationInput,
  recorded: readonly ChatMessage[],
  shape: Shape,
): Promise<unknown> {
  const startedAt = performance.now();
  const { reply, signal } = call;
  await announceTruncation(call, input, reply);
  await call.lookThrough([input.prompt], [recorded]);
  const generation = call.generate(input);
  const head = () => ({ model: shape.model, created_at: new Date().toISOString() });
  if (!shape.stream) {
    const f = await call.finish(generation, recorded);
    return { ...head(), ...shape.piece(f.text), ...logprobs(f.logprobs), ...ending(f.result, startedAt) };
  }
  await generation.accepted();
  const stream = ResponseStream.open(reply, 'application/x-ndjson', signal);
  await runStream(context, request, 'ollama', stream, async () => {
    const { result } = await call.finish(generation, recorded, {
      delta: (d) =>
        d.text === '' && d.logprobs === undefined
          ? undefined
          : stream.line({ ...head(), ...shape.piece(d.text), ...logprobs(d.logprobs), done: false }),
      idle: () => stream.line({ ...head(), ...shape.piece(''), done: false }),
    });
    await stream.line({ ...head(), ...shape.piece(''), ...ending(result, startedAt) });
  });
  return reply;
}

/** The answer to an empty prompt: the model is there (or may go, which the host decides). */
export async function respondLoaded(call: Call, shape: Shape, unload: boolean): Promise<FastifyReply> {
  const body = {
    model: shape.model,
    created_at: new Date().toISOString(),
    ...shape.piece(''),
    done: true,
    done_reason: unload ? 'unload' : 'load',
  };
  if (!shape.stream) return call.reply.send(body);
  const stream = ResponseStream.open(call.reply, 'application/x-ndjson', call.signal);
  await stream.line(body);
  stream.end();
  return call.reply;
}
