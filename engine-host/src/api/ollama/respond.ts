/** Runs a generation the way Ollama answers: NDJSON unless `stream: false`. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ZellError } from '#protocol/errors.ts';
import type { Call, ApiContext, GenerationInput } from '../call.ts';
import type { ChatMessage } from '../deps.ts';
import { ResponseStream } from '../responseStream.ts';
import { runStream } from '../streaming.ts';
import { announceTruncation, ending, logprobs, type CommonBody } from './wire.ts';

/** How long the answer to an unload waits for it; requests that still run are not waited for. */
const UNLOAD_WAIT_MS = 500;

export interface Shape {
  /** Name that the client used. */
  readonly model: string;
  readonly stream: boolean;
  /** A piece of text in the route's own fields. */
  readonly piece: (text: string) => Record<string, unknown>;
  /** Fields of the last object alone, from the tokens of the answer. */
  readonly ending?: (tokens: readonly number[]) => Promise<Record<string, unknown>>;
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
    const more = await shape.ending?.(f.tokens);
    return { ...head(), ...shape.piece(f.text), ...logprobs(f.logprobs), ...ending(f.result, startedAt), ...more };
  }
  await generation.accepted();
  const stream = ResponseStream.open(reply, 'application/x-ndjson', signal);
  await runStream(context, request, 'ollama', stream, async () => {
    const { result, tokens } = await call.finish(generation, recorded, {
      delta: (d) =>
        d.text === '' && d.logprobs === undefined
          ? undefined
          : stream.line({ ...head(), ...shape.piece(d.text), ...logprobs(d.logprobs), done: false }),
      idle: () => stream.line({ ...head(), ...shape.piece(''), done: false }),
    });
    const more = await shape.ending?.(tokens);
    await stream.line({ ...head(), ...shape.piece(''), ...ending(result, startedAt), ...more });
  });
  return reply;
}

/** The answer to an empty prompt: the model is there. */
export async function respondLoaded(call: Call, shape: Shape): Promise<FastifyReply> {
  return respondDone(call.reply, call.signal, shape, 'load');
}

/**
 * The answer to an empty prompt with `keep_alive: 0`: the model goes as soon as its last request has ended. One that is not loaded is
 * not loaded for that.
 * @throws {ZellError} model_not_found
 */
export async function respondUnloaded(
  { models, library }: ApiContext,
  reply: FastifyReply,
  body: Pick<CommonBody, 'model' | 'stream'>,
  piece: Shape['piece'],
): Promise<FastifyReply> {
  const name = body.model ?? '';
  const path = name === '' ? models.current()?.path : (await library.find(name))?.path;
  if (path === undefined && name !== '')
    throw new ZellError('model_not_found', `model '${name.slice(0, 200)}' not found`);
  const { signal } = new AbortController();
  if (path !== undefined) {
    const gone = models.release(path, signal).catch(() => undefined);
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, UNLOAD_WAIT_MS))]);
  }
  return respondDone(reply, signal, { model: name, stream: body.stream !== false, piece }, 'unload');
}

async function respondDone(
  reply: FastifyReply,
  signal: AbortSignal,
  shape: Shape,
  reason: 'load' | 'unload',
): Promise<FastifyReply> {
  const at = { model: shape.model, created_at: new Date().toISOString() };
  const body = { ...at, ...shape.piece(''), done: true, done_reason: reason };
  if (!shape.stream) return reply.send(body);
  const stream = ResponseStream.open(reply, 'application/x-ndjson', signal);
  await stream.line(body);
  stream.end();
  return reply;
}
