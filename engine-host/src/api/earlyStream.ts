/** Signs of life while a request waits for its model: the stream begins before the route has anything to say. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiContext } from './call.ts';
import { dialectOf } from './dialect.ts';
import { HEARTBEAT_MS } from './generation.ts';
import { ResponseStream } from './responseStream.ts';
import { writeFailure } from './streaming.ts';

/** Ollama's routes stream unless they are told not to. */
const STREAM_BY_DEFAULT = ['/api/chat', '/api/generate'];

/**
 * The work's result. While it takes its time, the client of a stream hears of it after each `heartbeatMs`; from the first time on the
 * status is 200, and a failure is told in the stream.
 */
export async function withSignsOfLife<T>(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
  work: Promise<T>,
): Promise<T> {
  if (!wantsStream(request)) return work;
  const timer = setInterval(() => {
    if (!signal.aborted) beat(request, reply, signal);
  }, context.heartbeatMs ?? HEARTBEAT_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

/** Failures of routes whose stream has begun early go into that stream. Call it before the first route. */
export function endEarlyStreams(app: FastifyInstance, context: ApiContext): void {
  app.addHook('onRoute', (route) => {
    const handler = route.handler;
    if (![route.method].flat().includes('POST')) return;
    route.handler = async function (request, reply) {
      try {
        const answer: unknown = await handler.call(this, request, reply);
        return answer;
      } catch (error) {
        const stream = ResponseStream.of(reply);
        if (stream === undefined) throw error;
        await writeFailure(context, request, dialectOf(request.url, request.headers), stream, error);
        stream.end();
        return reply;
      }
    };
  });
}

function wantsStream(request: FastifyRequest): boolean {
  const stream = (request.body as { readonly stream?: unknown } | null | undefined)?.stream;
  return stream === true || (stream !== false && STREAM_BY_DEFAULT.includes(request.routeOptions.url ?? ''));
}

function beat(request: FastifyRequest, reply: FastifyReply, signal: AbortSignal): void {
  const dialect = dialectOf(request.url, request.headers);
  const type = dialect === 'ollama' ? 'application/x-ndjson' : 'text/event-stream';
  const stream = ResponseStream.open(reply, type, signal);
  if (dialect === 'anthropic') void stream.event('ping', { type: 'ping' });
  else if (dialect === 'ollama') void stream.line(emptyPiece(request));
  else void stream.comment();
}

/** Ollama's clients read every line as a piece of the answer. */
function emptyPiece(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const { model } = request.body as { readonly model?: unknown };
  const piece =
    request.routeOptions.url === '/api/chat' ? { message: { role: 'assistant', content: '' } } : { response: '' };
  const name = typeof model === 'string' ? model : '';
  return { model: name, created_at: new Date().toISOString(), ...piece, done: false };
}
