/** `POST /api/generate`. */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { PromptPart } from '#protocol/generation.ts';
import { Call, type ApiContext } from '../call.ts';
import type { ChatMessage } from '../deps.ts';
import { Dialogue } from '../dialogue.ts';
import { invalid, unsupported } from '../errors.ts';
import { fimPrompt } from '../llamacpp/fim.ts';
import { flag, optional, text } from '../schemas.ts';
import { respond, respondLoaded, respondUnloaded, type Shape } from './respond.ts';
import { checkCommon, generationInput, keepAliveSeconds, OllamaCommon, thinkingField, thinkOf } from './wire.ts';

const GenerateBody = Type.Object({
  ...OllamaCommon,
  prompt: text(),
  suffix: text(),
  system: text(),
  template: text(),
  context: optional(Type.Array(Type.Integer({ minimum: 0 }))),
  raw: flag(),
  images: optional(Type.Array(Type.Unknown())),
});
type GenerateBody = Static<typeof GenerateBody>;

const FIM_ROOM = 128;

export function ollamaGenerateRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Body: GenerateBody }>('/api/generate', { schema: { body: GenerateBody } }, async (request, reply) => {
    const { body } = request;
    check(body);
    const prompt = body.prompt ?? '';
    const keep = keepAliveSeconds(body.keep_alive);
    const piece: Shape['piece'] = ({ text: response, thinking }) => ({ response, ...thinkingField(thinking) });
    if (prompt === '' && !filled(body.suffix) && keep === 0) return respondUnloaded(context, reply, body, piece);
    const call = await Call.open(context, request, reply, body.model);
    const think = thinkOf(body, call.model);
    call.keepModel(keep);
    const shape: Shape = {
      model: body.model === undefined || body.model === null || body.model === '' ? call.model.name : body.model,
      stream: body.stream !== false,
      piece,
    };
    if (prompt === '' && !filled(body.suffix)) return respondLoaded(call, shape);
    const messages: ChatMessage[] = [
      ...(filled(body.system) ? [{ role: 'system' as const, content: body.system ?? '' }] : []),
      { role: 'user', content: prompt },
    ];
    const dialogue =
      body.raw === true || filled(body.suffix) ? undefined : await Dialogue.open(call, messages, { think });
    const parts = await promptParts(context, call, body, dialogue);
    // Fill-in-the-middle is no conversation: nothing of it is recorded.
    const recorded = filled(body.suffix) ? [] : messages;
    const input = { ...generationInput(body, call, parts), ...dialogue?.input };
    // What a next request may send back to go on from here.
    const more = async (tokens: readonly number[]) =>
      body.raw === true ? {} : { context: [...(await call.promptTokens(parts)), ...tokens] };
    const read = dialogue === undefined ? {} : { dialogue };
    return respond(context, request, call, input, recorded, { ...shape, ...read, ending: more });
  });
}

async function promptParts(
  context: ApiContext,
  call: Call,
  body: GenerateBody,
  dialogue: Dialogue | undefined,
): Promise<readonly PromptPart[]> {
  const prompt = body.prompt ?? '';
  if (body.raw === true) return [{ text: prompt, special: true }];
  if (filled(body.suffix)) {
    if (call.model.special.fim === undefined) throw invalid(`"${call.model.name}" does not support insert`, 'suffix');
    const room = Math.max(FIM_ROOM, body.options?.num_predict ?? 0);
    return fimPrompt(context, call, { prefix: prompt, suffix: body.suffix ?? '', middle: '', files: [], room });
  }
  const parts = dialogue?.parts ?? [];
  const earlier = body.context ?? [];
  if (earlier.some((t) => t >= call.model.vocabularySize))
    throw invalid('context holds a token that this model does not have.', 'context');
  return earlier.length === 0 ? parts : [{ tokens: earlier }, ...parts];
}

function check(body: GenerateBody): void {
  checkCommon(body);
  if ((body.images ?? []).length > 0)
    throw unsupported('Images are not supported: no model here can read them.', 'images');
  if (body.raw === true && (filled(body.template) || filled(body.system) || (body.context ?? []).length > 0))
    throw invalid('raw mode does not support template, system, or context', 'raw');
  if (filled(body.template))
    throw unsupported(
      "template is not supported: the model's own chat template is used; send raw prompts for another one.",
      'template',
    );
}

function filled(value: string | null | undefined): boolean {
  return value !== undefined && value !== null && value !== '';
}
