/** `GET /props`. */
import type { FastifyInstance } from 'fastify';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import type { ApiContext } from '../call.ts';
import { LLAMACPP_DEFAULTS } from '../sampling.ts';
import { settings } from './settings.ts';

/** A template that has to be found out about first must not keep a client that only asks for the size of the context. */
const CAPS_WAIT_MS = 2000;

export function propsRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get('/props', async () => {
    const model = context.models.current();
    if (model === undefined) throw new ZellError('engine_starting', 'Loading model');
    const caps = await templateCaps(context, model);
    return {
      default_generation_settings: {
        id: 0,
        n_ctx: model.contextLength,
        params: settings(model, LLAMACPP_DEFAULTS),
      },
      total_slots: context.engine.stats().queue.slots,
      model_alias: model.name,
      model_path: model.path,
      chat_template: model.chatTemplate ?? '',
      chat_template_caps: caps,
      modalities: { vision: false, audio: false },
      bos_token: model.bosText,
      eos_token: model.eosText,
      build_info: `zell-${context.identity.version}`,
      is_sleeping: false,
    };
  });
}

/** What the template can do, in llama.cpp's words; nothing when it fails or takes too long. */
async function templateCaps(
  { templates }: ApiContext,
  { name, chatTemplate, bosText, eosText }: ModelInfo,
): Promise<Record<string, boolean>> {
  const source = { model: name, template: chatTemplate, bosText, eosText };
  const signal = AbortSignal.timeout(CAPS_WAIT_MS);
  try {
    const { capabilities: can } = await templates.render(source, [{ role: 'user', content: 'Hello' }], {}, signal);
    return {
      supports_tools: can.tools,
      supports_tool_calls: can.toolCalls,
      supports_parallel_tool_calls: can.parallelCalls,
      supports_system_role: can.system,
      supports_string_content: !can.contentParts,
      supports_typed_content: can.contentParts,
    };
  } catch {
    return {};
  }
}
