/** `POST /v1/completions`: raw prompts, whose control tokens are the client's own business. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GenerateResult, PromptPart } from '#protocol/generation.ts';
import { Call, type ApiContext } from '../call.ts';
import type { ChatMessage } from '../deps.ts';
import { invalid } from '../errors.ts';
import type { Generation } from '../generation.ts';
import { fimPrompt } from '../llamacpp/fim.ts';
import { readLogitBias } from '../logitBias.ts';
import { ResponseStream } from '../responseStream.ts';
import { stopTexts, tokenLimit, V1_DEFAULTS } from '../sampling.ts';
import { adaptersOf, draftLimit } from '../schemas.ts';
import { runStream } from '../streaming.ts';
import { textSlot } from '../textSlot.ts';
import { CompletionBody, constraintOf, samplingOf } from './schema.ts';
import { completionLogprobs, finishReason, usage } from './wire.ts';

const MAX_CHOICES = 64;
/** OpenAI's own default. */
const DEFAULT_TOKENS = 16;

interface Choice {
  readonly index: number;
  readonly generation: Generation;
  readonly recorded: readonly ChatMessage[];
  /** What `echo` puts in front. */
  readonly echo: string;
}

export function openaiCompletionRoutes(app: FastifyInstance, context: ApiContext): void {
  app.post<{ Body: CompletionBody }>('/v1/completions', { schema: { body: CompletionBody } }, (request, reply) =>
    complete(context, request, reply),
  );
}

async function complete(
  context: ApiContext,
  request: FastifyRequest<{ Body: CompletionBody }>,
  reply: FastifyReply,
): Promise<unknown> {
  const { body } = request;
  const constrained = constraintOf(body);
  const stop = stopTexts(body.stop);
  const prompts = readPrompts(body.prompt);
  const n = body.n ?? 1;
  if ((body.best_of ?? n) !== n) throw invalid('best_of must equal n.', 'best_of');
  if (prompts.length * n > MAX_CHOICES) throw invalid(`At most ${MAX_CHOICES} choices are possible.`, 'n');
  const call = await Call.open(context, request, reply, body.model);
  checkTokens(prompts, call.model.vocabularySize);
  const bias = await readLogitBias(context, call, body.logit_bias);
  const sampling = samplingOf(body, bias, call.defaults(V1_DEFAULTS));
  const top = typeof body.logprobs === 'number' ? body.logprobs : body.logprobs === true ? 1 : undefined;
  const parts = await Promise.all(prompts.map((p) => promptParts(context, call, p, body)));
  const recorded = prompts.map((p): ChatMessage[] => (typeof p === 'string' ? [{ role: 'user', content: p }] : []));
  await call.lookThrough(parts, recorded);
  const choices = prompts.flatMap((prompt, p) =>
    Array.from({ length: n }, (_, i): Choice => {
      const generation = call.generate(
        {
          prompt: parts[p] ?? [],
          ...tokenLimit(body.max_tokens ?? DEFAULT_TOKENS, call.model.contextLength),
          stop,
          ...adaptersOf(body.lora),
          ...draftLimit(body['speculative.n_max']),
          ...constrained,
          sampling: { ...sampling, seed: (sampling.seed + i) % 2 ** 32 },
          ...(top === undefined ? {} : { logprobs: top }),
          ...(body.post_sampling_probs === true ? { postSampling: true } : {}),
          ...(body.ignore_eos === true ? { ignoreEos: true } : {}),
        },
        'prompt',
      );
      return {
        index: p * n + i,
        generation,
        // Of several answers to one prompt the first is remembered.
        recorded: i === 0 ? (recorded[p] ?? []) : [],
        echo: body.echo === true && typeof prompt === 'string' ? prompt : '',
      };
    }),
  );
  const head = {
    id: `cmpl-${randomUUID().replaceAll('-', '')}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: call.model.name,
    system_fingerprint: `zell-${context.identity.version}`,
  };
  const wantsLogprobs = top !== undefined;
  if (body.stream === true) {
    await streamCompletion(context, request, call, choices, prompts.length, head, wantsLogprobs, body);
    return reply;
  }
  const all = await call.all(choices.map((c) => call.finish(c.generation, c.recorded)));
  return {
    ...head,
    choices: all.map((f, i) => ({
      index: i,
      text: (choices[i]?.echo ?? '') + f.text,
      logprobs: wantsLogprobs ? completionLogprobs(f.logprobs, choices[i]?.echo.length ?? 0) : null,
      finish_reason: finishReason(f.result.finish),
    })),
    usage: usage(
      all.map((f) => f.result),
      prompts.length,
    ),
  };
}

async function streamCompletion(
  context: ApiContext,
  request: FastifyRequest,
  call: Call,
  choices: readonly Choice[],
  prompts: number,
  head: Readonly<Record<string, unknown>>,
  wantsLogprobs: boolean,
  body: CompletionBody,
): Promise<void> {
  await call.accepted(choices.map((c) => c.generation));
  const withUsage = body.stream_options?.include_usage === true;
  const stream = ResponseStream.open(call.reply, 'text/event-stream', call.signal);
  const chunk = (index: number, text: string, finish: string | null, logprobs: object | null = null): object => ({
    ...head,
    choices: [{ index, text, logprobs, finish_reason: finish }],
    ...(withUsage ? { usage: null } : {}),
  });
  await runStream(context, request, 'openai', stream, async () => {
    const results = await call.all(
      choices.map(async ({ index, generation, recorded, echo }): Promise<GenerateResult> => {
        let offset = echo.length;
        const piece = textSlot((text) => chunk(index, text, null));
        if (echo !== '') await stream.dataJson(piece(echo));
        const { result } = await call.finish(generation, recorded, {
          delta: ({ text, logprobs }) => {
            const at = offset;
            offset += text.length;
            if (wantsLogprobs && logprobs !== undefined)
              return stream.data(chunk(index, text, null, completionLogprobs(logprobs, at)));
            return text === '' ? undefined : stream.dataJson(piece(text));
          },
          idle: () => stream.comment(),
        });
        await stream.data(chunk(index, '', finishReason(result.finish)));
        return result;
      }),
    );
    if (withUsage) await stream.data({ ...head, choices: [], usage: usage(results, prompts) });
    await stream.doneMark();
  });
}

type Prompt = string | readonly number[];

function readPrompts(prompt: CompletionBody['prompt']): Prompt[] {
  if (typeof prompt === 'string') return [prompt];
  if (prompt.length === 0) throw invalid('The prompt is empty.', 'prompt');
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as Prompt[]);
}

function checkTokens(prompts: readonly Prompt[], vocabularySize: number): void {
  if (prompts.some((p) => typeof p !== 'string' && p.some((t) => t >= vocabularySize)))
    throw invalid('The prompt holds a token that this model does not have.', 'prompt');
}

async function promptParts(
  context: ApiContext,
  call: Call,
  prompt: Prompt,
  body: CompletionBody,
): Promise<PromptPart[]> {
  if (typeof prompt !== 'string') return [{ tokens: prompt }];
  if (body.suffix === undefined || body.suffix === null || body.suffix === '') return [{ text: prompt, special: true }];
  return fimPrompt(context, call, {
    prefix: prompt,
    suffix: body.suffix,
    middle: '',
    files: [],
    room: body.max_tokens ?? DEFAULT_TOKENS,
  });
}
