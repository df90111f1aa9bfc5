/** Runs a generation the way Ollama answers: NDJSON unless `stream: false`. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GenerateDelta } from '#protocol/generation.ts';
import { ZellError } from '#protocol/errors.ts';
import type { Call, ApiContext, GenerationInput } from '../call.ts';
import type { Answer } from '../../tools/answer.ts';
import type { ToolCall } from '../../tools/types.ts';
import type { ChatMessage } from '../deps.ts';
import type { Dialogue, IdentifiedEvent } from '../dialogue.ts';
import { ResponseStream, type Written } from '../responseStream.ts';
import { runStream } from '../streaming.ts';
import { announceTruncation, ending, logprobs, type CommonBody } from './wire.ts';

/** How long the answer to an unload waits for it; requests that still run are not waited for. */
const UNLOAD_WAIT_MS = 500;

export interface Shape {
  /** Name that the client used. */
  readonly model: string;
  readonly stream: boolean;
  /** A piece of the answer in the route's own fields. */
  readonly piece: (piece: Piece) => Record<string, unknown>;
  /** How the text is to be read; absent: it is all words. */
  readonly dialogue?: Dialogue;
  /** Fields of the last object alone, from the tokens of the answer. */
  readonly ending?: (tokens: readonly number[]) => Promise<Record<string, unknown>>;
}

interface Piece {
  readonly text: string;
  readonly thinking?: string;
  readonly calls?: readonly ToolCall[];
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
  const { dialogue } = shape;
  const spoken = (text: string): string => dialogue?.spoken(text) ?? text;
  if (!shape.stream) {
    const f = await call.finish(generation, recorded, undefined, spoken);
    const piece = shape.piece(dialogue === undefined ? { text: f.text } : wholePiece(dialogue.read(f.text)));
    const more = await shape.ending?.(f.tokens);
    return { ...head(), ...piece, ...logprobs(f.logprobs), ...ending(f.result, startedAt), ...more };
  }
  await generation.accepted();
  const stream = ResponseStream.open(reply, 'application/x-ndjson', signal);
  await runStream(context, request, 'ollama', stream, async () => {
    const reader = dialogue?.plain === false ? dialogue.reader() : undefined;
    const line = (piece: Piece, probable?: GenerateDelta['logprobs']): Written =>
      stream.line({ ...head(), ...shape.piece(piece), ...logprobs(probable), done: false });
    /** Log-probabilities go with the first line of their tokens, or alone. */
    const send = (pieces: readonly Piece[], probable?: GenerateDelta['logprobs']): Written => {
      let written: Written;
      for (const [i, piece] of pieces.entries()) written = line(piece, i === 0 ? probable : undefined);
      return pieces.length === 0 && probable !== undefined ? line({ text: '' }, probable) : written;
    };
    const listener = {
      delta: (d: GenerateDelta): Written => {
        if (reader !== undefined) return send(pieces(reader.push(d.text), reader.answer), d.logprobs);
        return d.text === '' && d.logprobs === undefined ? undefined : line({ text: d.text }, d.logprobs);
      },
      idle: () => line({ text: '' }),
    };
    const { result, tokens } = await call.finish(generation, recorded, listener, spoken);
    if (reader !== undefined) await send(pieces(reader.end(), reader.answer));
    const more = await shape.ending?.(tokens);
    await stream.line({ ...head(), ...shape.piece({ text: '' }), ...ending(result, startedAt), ...more });
  });
  return reply;
}

function wholePiece({ text, thinking, calls }: Answer): Piece {
  return { text, thinking, calls };
}

/** Calls come whole in this family, and one that broke off as the text that it was. */
function pieces(events: readonly IdentifiedEvent[], answer: Answer): Piece[] {
  return events.flatMap((event): Piece[] => {
    switch (event.type) {
      case 'text':
        return [{ text: event.text }];
      case 'thinking':
        return [{ text: '', thinking: event.text }];
      case 'called': {
        const call = answer.calls[event.index];
        return call === undefined ? [] : [{ text: '', calls: [call] }];
      }
      case 'broken':
        return [{ text: event.source }];
      case 'call':
      case 'arguments':
        return [];
    }
  });
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
  const body = { ...at, ...shape.piece({ text: '' }), done: true, done_reason: reason };
  if (!shape.stream) return reply.send(body);
  const stream = ResponseStream.open(reply, 'application/x-ndjson', signal);
  await stream.line(body);
  stream.end();
  return reply;
}
