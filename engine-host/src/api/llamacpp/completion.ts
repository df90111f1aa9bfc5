/** llama.cpp's own `POST /completion` (`/completions`). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { PromptPart } from '#protocol/generation.ts';
import { Call, type ApiContext } from '../call.ts';
import type { ChatMessage } from '../deps.ts';
import { invalid, unsupported } from '../errors.ts';
import { readLogitBias } from '../logitBias.ts';
import { respondCompletion } from './respond.ts';
import { LlamaCommon, llamaInput } from './schema.ts';

const CompletionBody = Type.Object({ ...LlamaCommon, prompt: Type.Unknown() });
type CompletionBody = Static<typeof CompletionBody>;

const MAX_PROMPTS = 64;

export function completionRoutes(app: FastifyInstance, context: ApiContext): void {
  for (const url of ['/completion', '/completions'])
    app.post<{ Body: CompletionBody }>(url, { schema: { body: CompletionBody } }, (request, reply) =>
      complete(context, request, reply),
    );
}

async function complete(
  context: ApiContext,
  request: FastifyRequest<{ Body: CompletionBody }>,
  reply: FastifyReply,
): Promise<unknown> {
  const { body } = request;
  const prompts = readPrompts(body.prompt);
  const call = await Call.open(context, request, reply, body.model);
  const input = llamaInput(body, call.model, await readLogitBias(context, call, body.logit_bias));
  const answers = body.n_cmpl ?? body.n ?? 1;
  if (prompts.length * answers > MAX_PROMPTS) throw invalid(`At most ${MAX_PROMPTS} answers are possible.`, 'n');
  const choices = prompts.flatMap((parts) => {
    const prompt = checked(parts, call.model.vocabularySize);
    const text = parts.map((p) => ('text' in p ? p.text : '')).join('');
    return Array.from({ length: answers }, (_, i) => ({
      input: { ...input, prompt, sampling: { ...input.sampling, seed: (input.sampling.seed + i) % 2 ** 32 } },
      // Of several answers to one prompt the first is remembered.
      recorded: text === '' || i > 0 ? [] : [{ role: 'user', content: text } satisfies ChatMessage],
    }));
  });
  return respondCompletion(context, request, call, choices, body);
}

/** A text, tokens, both mixed, or a list of such. Raw prompts: control tokens in them are meant. @throws {ZellError} */
function readPrompts(prompt: unknown): PromptPart[][] {
  if (Array.isArray(prompt) && isList(prompt)) {
    if (prompt.length > MAX_PROMPTS) throw invalid(`At most ${MAX_PROMPTS} prompts are possible.`, 'prompt');
    return prompt.map(readPrompt);
  }
  return [readPrompt(prompt)];
}

/** Several prompts: all texts, or lists and objects. A mix of texts and numbers is one prompt. */
function isList(prompt: readonly unknown[]): boolean {
  return prompt.length > 0 && !prompt.some((p) => typeof p === 'number');
}

function readPrompt(prompt: unknown): PromptPart[] {
  if (typeof prompt === 'string') return [{ text: prompt, special: true }];
  if (Array.isArray(prompt) && prompt.length > 0) {
    const parts: PromptPart[] = [];
    let tokens: number[] = [];
    for (const piece of prompt as unknown[]) {
      if (typeof piece === 'number' && Number.isInteger(piece) && piece >= 0) {
        if (tokens.length === 0) parts.push({ tokens });
        tokens.push(piece);
      } else if (typeof piece === 'string') {
        parts.push({ text: piece, special: true });
        tokens = [];
      } else throw invalid('prompt may hold texts and token ids only.', 'prompt');
    }
    return parts;
  }
  if (
    typeof prompt === 'object' &&
    prompt !== null &&
    'prompt_string' in prompt &&
    typeof prompt.prompt_string === 'string'
  ) {
    const media = 'multimodal_data' in prompt ? prompt.multimodal_data : undefined;
    if (Array.isArray(media) && media.length > 0) throw unsupported('Images and sound are not supported.', 'prompt');
    return [{ text: prompt.prompt_string, special: true }];
  }
  throw invalid('prompt must be a text, token ids, or a list of such.', 'prompt');
}

function checked(parts: PromptPart[], vocabularySize: number): PromptPart[] {
  if (parts.some((p) => 'tokens' in p && p.tokens.some((t) => t >= vocabularySize)))
    throw invalid('The prompt holds a token that this model does not have.', 'prompt');
  return parts;
}
