/** `GET /slots`; and what a server of llama.cpp's refuses unless it was started for it: `POST /props`, saving and restoring slots. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { ZellError } from '#protocol/errors.ts';
import type { ApiContext } from '../call.ts';
import { HttpError } from '../errors.ts';

const SlotsQuery = Type.Object({ fail_on_no_slot: Type.Optional(Type.String()) });

export function slotRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Static<typeof SlotsQuery> }>('/slots', { schema: { querystring: SlotsQuery } }, (request) => {
    const model = context.models.current();
    if (model === undefined) throw new ZellError('engine_starting', 'Loading model');
    const { running, slots } = context.engine.stats().queue;
    if ((request.query.fail_on_no_slot ?? '') !== '' && running >= slots)
      throw new ZellError('busy', 'no slot available');
    // Sequences take part in steps together and belong to no place of their own: what can be told is how many there are.
    return Array.from({ length: slots }, (_, id) => ({
      id,
      n_ctx: model.contextLength,
      speculative: true,
      is_processing: id < running,
    }));
  });
  app.post('/slots/:id', () => {
    throw notEnabled('Slots cannot be saved, restored or erased: known beginnings are kept and found by themselves.');
  });
  app.post('/props', () => {
    throw notEnabled('This server does not support changing global properties.');
  });
}

function notEnabled(message: string): HttpError {
  return new HttpError(501, 'unsupported', message);
}
