/** `GET /props`. */
import type { FastifyInstance } from 'fastify';
import { ZellError } from '#protocol/errors.ts';
import type { ApiContext } from '../call.ts';
import { LLAMACPP_DEFAULTS } from '../sampling.ts';
import { settings } from './result.ts';

export function propsRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get('/props', () => {
    const model = context.models.current();
    if (model === undefined) throw new ZellError('engine_starting', 'Loading model');
    return {
      default_generation_settings: {
        id: 0,
        n_ctx: model.contextLength,
        params: settings(model.name, model.contextLength, LLAMACPP_DEFAULTS, {}),
      },
      total_slots: context.engine.stats().queue.slots,
      model_alias: model.name,
      model_path: model.path,
      chat_template: model.chatTemplate ?? '',
      chat_template_caps: {},
      modalities: { vision: false, audio: false },
      bos_token: model.bosText,
      eos_token: model.eosText,
      build_info: `zell-${context.identity.version}`,
      is_sleeping: false,
    };
  });
}
