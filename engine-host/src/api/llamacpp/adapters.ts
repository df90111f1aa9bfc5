/** `GET` and `POST /lora-adapters`: the loaded LoRA adapters and the scales for requests that name none. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { ApiContext } from '../call.ts';
import { AdapterScales } from '../schemas.ts';

const NO_SIGNAL = new AbortController().signal;

const ScalesBody = Type.Array(AdapterScales.items, { maxItems: 64 });
type ScalesBody = Static<typeof ScalesBody>;

export function adapterRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get('/lora-adapters', async () => {
    if (context.models.current() === undefined) return [];
    const { adapters } = await context.engine.call('adapters', {}, NO_SIGNAL);
    return adapters.map(({ id, path, scale, taskName, promptPrefix }) => ({
      id,
      path,
      scale,
      task_name: taskName,
      prompt_prefix: promptPrefix,
    }));
  });
  app.post<{ Body: ScalesBody }>('/lora-adapters', { schema: { body: ScalesBody } }, async (request) => {
    const scales = request.body.map(({ id, scale }) => ({ id, scale }));
    await context.engine.call('scaleAdapters', { scales }, NO_SIGNAL);
    return { success: true };
  });
}
