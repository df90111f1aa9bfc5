/** `/`, `/health`, `/api/version`: what a client asks before anything else. */
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from './call.ts';

/** Clients of Ollama refuse servers older than their features; this is the version whose routes we offer. */
const OLLAMA_VERSION = '0.12.0';

export function healthRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send('Ollama is running'));
  app.get('/api/version', () => ({
    version: OLLAMA_VERSION,
    zell: { version: context.identity.version, instance: context.identity.instance },
  }));
  for (const url of ['/health', '/v1/health']) {
    app.get(url, (_request, reply) => {
      const { state } = context.engine;
      const { running, waiting, slots, maxWaiting } = context.engine.stats().queue;
      const queue = { running, active: running, waiting, slots, max: maxWaiting };
      const model = context.models.current()?.name ?? null;
      const restraint = context.restraint?.();
      if (state === 'ready' || state === 'learning')
        return reply.send({ status: 'ok', state, model, queue, ...(restraint === undefined ? {} : { restraint }) });
      const crashed = state === 'crashed';
      return reply.code(503).send({
        status: crashed ? 'error' : 'loading model',
        state,
        model,
        queue,
        error: { code: 503, message: crashed ? 'Engine crashed' : 'Loading model', type: 'unavailable_error' },
      });
    });
  }
}
