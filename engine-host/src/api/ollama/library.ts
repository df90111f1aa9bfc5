/** `/api/pull`, `/api/create`, `/api/copy`, `/api/delete`: the models under Zell's own names. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { ZellError } from '#protocol/errors.ts';
import type { ApiContext } from '../call.ts';
import { invalid } from '../errors.ts';
import { clientController } from '../generation.ts';
import { ResponseStream, type Written } from '../responseStream.ts';
import { anything, flag, text } from '../schemas.ts';
import { runStream } from '../streaming.ts';
import { CreateBody, makingOf } from './create.ts';

const PullBody = Type.Object({ model: text(), name: text(), stream: flag(), insecure: anything() });
const CopyBody = Type.Object({ source: Type.String({ minLength: 1 }), destination: Type.String({ minLength: 1 }) });
const DeleteBody = Type.Object({ model: text(), name: text() });

/** Tells one step of the work. */
type Tell = (status: Readonly<Record<string, unknown>>) => Written;

/** A client sees how a download goes about this often. */
const PROGRESS_MS = 100;

export function ollamaLibraryRoutes(app: FastifyInstance, context: ApiContext): void {
  const { library } = context;
  app.post<{ Body: Static<typeof PullBody> }>('/api/pull', { schema: { body: PullBody } }, (request, reply) => {
    const name = nameOf(request.body);
    library.checkPullable(name);
    return work(context, request, reply, request.body.stream, (tell, signal) => pull(context, name, tell, signal));
  });
  app.post<{ Body: CreateBody }>('/api/create', { schema: { body: CreateBody } }, (request, reply) => {
    const making = makingOf(request.body);
    return work(context, request, reply, request.body.stream, async (tell, signal) => {
      await tell({ status: 'creating model' });
      await library.create(making, signal);
      await tell({ status: 'writing manifest' });
    });
  });
  app.post<{ Body: Static<typeof CopyBody> }>('/api/copy', { schema: { body: CopyBody } }, async (request, reply) => {
    await library.copy(request.body.source, request.body.destination);
    return reply.send('');
  });
  app.delete<{ Body: Static<typeof DeleteBody> }>(
    '/api/delete',
    { schema: { body: DeleteBody } },
    async (request, reply) => {
      await library.remove(nameOf(request.body), clientController(reply).signal);
      return reply.send('');
    },
  );
}

function nameOf({ model, name }: { readonly model?: string | null; readonly name?: string | null }): string {
  const wanted = model ?? name ?? '';
  if (wanted.trim() === '') throw invalid('model is required', 'model');
  return wanted.trim();
}

async function pull({ library }: ApiContext, name: string, tell: Tell, signal: AbortSignal): Promise<void> {
  await tell({ status: 'pulling manifest' });
  let told = 0;
  let digest: string | undefined;
  const progress = (done: number, total: number): Readonly<Record<string, unknown>> => ({
    status: digest === undefined ? 'pulling' : `pulling ${digest.slice(0, 12)}`,
    ...(digest === undefined ? {} : { digest: `sha256:${digest}` }),
    ...(total === 0 ? {} : { total, completed: done }),
  });
  const fetched = await library.pull(
    name,
    ({ doneBytes, totalBytes, sha256 }) => {
      digest = sha256 ?? digest;
      const now = performance.now();
      if (now - told < PROGRESS_MS) return;
      told = now;
      void tell(progress(doneBytes, totalBytes));
    },
    signal,
  );
  // Blobs are called after their hash.
  digest = /([0-9a-f]{64})\.gguf$/.exec(fetched.path)?.[1] ?? digest;
  await tell(progress(fetched.bytes, fetched.bytes));
  await tell({ status: 'verifying sha256 digest' });
  await tell({ status: 'writing manifest' });
}

/** Streams the steps, or waits for the end of all with `stream: false`; either way the last is `success`. */
async function work(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  wantsStream: boolean | null | undefined,
  body: (tell: Tell, signal: AbortSignal) => Promise<void>,
): Promise<unknown> {
  const { signal } = clientController(reply);
  if (wantsStream === false) {
    await body(() => undefined, signal);
    return { status: 'success' };
  }
  const stream = ResponseStream.open(reply, 'application/x-ndjson', signal);
  await runStream(context, request, 'ollama', stream, async () => {
    await body((status) => stream.line(status), signal);
    if (signal.aborted) throw new ZellError('cancelled', 'The client went away.');
    await stream.line({ status: 'success' });
  });
  return reply;
}
