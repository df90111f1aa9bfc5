/** Common end of all streams: a failure after the head becomes the family's own error, and the stream always ends well-formed. */
import type { FastifyRequest } from 'fastify';
import { ZellError, type WireError } from '#protocol/errors.ts';
import type { ApiContext } from './call.ts';
import type { Dialect } from './dialect.ts';
import { errorBody, publicError } from './errors.ts';
import type { ResponseStream } from './responseStream.ts';

/** `fail`: writes the failure where the route has a form of its own for it. */
export async function runStream(
  context: ApiContext,
  request: FastifyRequest,
  dialect: Dialect,
  stream: ResponseStream,
  body: () => Promise<void>,
  fail?: (error: WireError) => Promise<void>,
): Promise<void> {
  try {
    await body();
  } catch (error) {
    await writeFailure(context, request, dialect, stream, error, fail);
  } finally {
    stream.end();
  }
}

/** The last event of a stream that cannot go on. */
export async function writeFailure(
  context: ApiContext,
  request: FastifyRequest,
  dialect: Dialect,
  stream: ResponseStream,
  error: unknown,
  fail?: (error: WireError) => Promise<void>,
): Promise<void> {
  if (!ZellError.is(error)) context.onBug?.(error, request.routeOptions.url ?? '');
  if (fail !== undefined) {
    await fail(publicError(error));
    return;
  }
  const failure = errorBody(dialect, publicError(error), request.id);
  switch (dialect) {
    case 'anthropic':
      await stream.event('error', failure);
      break;
    case 'ollama':
      await stream.line(failure);
      break;
    case 'openai':
      await stream.data(failure);
      await stream.doneMark();
      break;
    case 'llamacpp':
      await stream.data(failure);
      break;
  }
}
