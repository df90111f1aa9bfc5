/** One request on its way through a route: who calls, which model answers, when it stops, what is recorded. */
import type { Constraint } from '#protocol/constraint.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AdapterScale, GenerateRequest, PromptPart } from '#protocol/generation.ts';
import type { SamplingParams } from '#protocol/sampling.ts';
import { ZellError } from '#protocol/errors.ts';
import type { ModelHold, ServedModel } from '../models/modelService.ts';
import type { ChatTemplates } from '../templates/chatTemplates.ts';
import type { RenderedPrompt, TemplateVariables } from '../templates/types.ts';
import type { ToolDefinition } from '../tools/types.ts';
import { namedAdapter } from './adapterName.ts';
import { joinTexts, toolCallText } from './content.ts';
import type { ApiDeps, ChatMessage } from './deps.ts';
import { dialectOf } from './dialect.ts';
import { invalid } from './errors.ts';
import { withSignsOfLife } from './earlyStream.ts';
import { clientController, Generation, type Finished, type Listener } from './generation.ts';
import { withoutConstraintIfRefused } from './helpfulConstraint.ts';
import { callerOf, type Caller } from './origin.ts';
import { withMessages, withParameters } from './recipe.ts';

/** The engine keeps texts from 512 tokens on. */
const LEAST_KEPT_CHARS = 1024;

export type ApiContext = ApiDeps & { readonly templates: ChatTemplates };

export interface GenerationInput {
  readonly prompt: readonly PromptPart[];
  readonly maxTokens?: number;
  readonly stop: readonly string[];
  readonly sampling: SamplingParams;
  readonly logprobs?: number;
  readonly postSampling?: boolean;
  readonly eachToken?: boolean;
  readonly ignoreEos?: boolean;
  readonly truncate?: boolean;
  readonly maxPredictMs?: number;
  readonly priority?: GenerateRequest['priority'];
  readonly adapters?: readonly AdapterScale[];
  readonly draftTokens?: number;
  readonly preserved?: readonly string[];
  readonly constraint?: Constraint;
  /** The constraint is a help that nobody asked for: where it cannot be honoured, the answer comes without it. */
  readonly constraintMayGo?: boolean;
}

export class Call {
  readonly reply: FastifyReply;
  readonly signal: AbortSignal;
  readonly caller: Caller;
  readonly model: ServedModel;
  readonly #hold: ModelHold;
  readonly #context: ApiContext;
  readonly #controller: AbortController;
  /** Those that the model's name names. */
  readonly #adapters: readonly AdapterScale[] | undefined;
  #keepOnDisk = false;

  private constructor(
    context: ApiContext,
    reply: FastifyReply,
    controller: AbortController,
    caller: Caller,
    hold: ModelHold,
    adapters: readonly AdapterScale[] | undefined,
  ) {
    this.#hold = hold;
    this.#adapters = adapters ?? hold.model.adapters;
    this.#context = context;
    this.reply = reply;
    this.#controller = controller;
    this.signal = controller.signal;
    this.caller = caller;
    this.model = hold.model;
  }

  /** `model`: may name an adapter, too (`model:adapter`). @throws {ZellError} what `models.ensure` throws */
  static async open(
    context: ApiContext,
    request: FastifyRequest,
    reply: FastifyReply,
    model: string | null | undefined,
  ): Promise<Call> {
    const controller = clientController(reply);
    const named = await namedAdapter(context, model, controller.signal);
    const before = context.models.current();
    const { signal } = controller;
    if (named === undefined && dialectOf(request.url, request.headers) === 'ollama')
      await refuseUnknown(context, model);
    const acquired = context.models.acquire(named?.base ?? model ?? undefined, signal);
    const hold = await withSignsOfLife(context, request, reply, signal, acquired);
    reply.raw.once('close', () => hold.release());
    if (reply.raw.destroyed) hold.release();
    if (named !== undefined && hold.model.modelHash !== before?.modelHash)
      throw new ZellError('model_not_found', 'That adapter belongs to another model.');
    return new Call(context, reply, controller, callerOf(request), hold, named?.adapters);
  }

  /** The model stays this long after its last use: seconds, negative for ever; undefined: as it was. */
  keepModel(seconds: number | undefined): void {
    if (seconds !== undefined) this.reply.raw.prependOnceListener('close', () => this.#hold.release(seconds));
  }

  /** What the model's own name says about sampling, in place of the family's defaults. */
  defaults(family: SamplingParams): SamplingParams {
    return withParameters(family, this.model.recipe?.parameters);
  }

  /** `param`: the body's field that holds the prompt, where it is not `messages`. */
  generate({ constraintMayGo, ...input }: GenerationInput, param?: string): Generation {
    const forModel = this.model.modelHash;
    const { priority } = this.caller;
    const keepOnDisk = this.#keepOnDisk;
    const named = this.#adapters === undefined ? {} : { adapters: this.#adapters };
    const request: GenerateRequest = { forModel, addBos: true, priority, keepOnDisk, ...named, ...input };
    const { engine, heartbeatMs } = this.#context;
    const source = constraintMayGo === true ? withoutConstraintIfRefused(engine) : engine;
    return new Generation(source, request, this.signal, heartbeatMs, param);
  }

  /** `Generation.accepted` of the first of several; when it is refused, the others do not run either. */
  async accepted(generations: readonly Generation[]): Promise<Awaited<ReturnType<Generation['accepted']>>> {
    try {
      return await generations[0]?.accepted();
    } catch (error) {
      this.#controller.abort(error);
      throw error;
    }
  }

  /** All results; when one fails, the others are stopped. */
  async all<T>(work: readonly Promise<T>[]): Promise<T[]> {
    try {
      return await Promise.all(work);
    } catch (error) {
      this.#controller.abort(error);
      throw error;
    }
  }

  /** The conversation as a prompt of this model. @throws {ZellError} template_failed */
  render(
    messages: readonly ChatMessage[],
    variables: TemplateVariables = {},
    tools: readonly ToolDefinition[] = [],
  ): Promise<RenderedPrompt> {
    const { name, chatTemplate, bosText, eosText } = this.model;
    return this.#context.templates.render(
      { model: name, template: chatTemplate, bosText, eosText },
      withMessages(messages, this.model.recipe),
      { variables, tools },
      this.signal,
    );
  }

  /**
   * The conversation with the memories that fit its last question, for our own clients that ask for them; anybody else's stays as it is.
   * They stand before that question, so that the conversation before it keeps its known beginning. The reply names them in a header.
   * `adapters`: those that the body names; then the one that the model learnt is not what answers.
   */
  async withMemories(
    messages: readonly ChatMessage[],
    { adapters = this.#adapters }: { readonly adapters?: readonly AdapterScale[] },
  ): Promise<readonly ChatMessage[]> {
    const at = messages.findLastIndex((message) => message.role === 'user');
    const question = messages[at]?.content;
    if (!this.caller.recall || question === undefined) return messages;
    const { workspace } = this.caller.origin;
    const said = messages.slice(0, at).flatMap(({ role, content }) => (role === 'user' ? [content] : []));
    const found = await this.#context.recorder.recall?.({
      question,
      said,
      ...(workspace === undefined ? {} : { workspace }),
      ...(adapters === undefined ? { model: this.model.modelHash } : {}),
    });
    if (found === undefined) return messages;
    this.reply.header('x-zell-memories', found.cards.map(({ id }) => id).join(','));
    return [...messages.slice(0, at), { role: 'system', content: found.text }, ...messages.slice(at)];
  }

  /**
   * Decides whether keys and values of these prompts may be kept on the disk: they hold the text itself, which the event log would not
   * take unless secrets are cut out. Call it before `generate`; without it nothing is kept. `recorded`: what the log gets of each prompt;
   * one of which it gets nothing leaves nothing here either.
   */
  async lookThrough(
    prompts: readonly (readonly PromptPart[])[],
    recorded: readonly (readonly ChatMessage[])[],
  ): Promise<void> {
    this.#keepOnDisk = false;
    if (this.caller.incognito || prompts.some((_, i) => (recorded[i] ?? []).length === 0)) return;
    const texts = prompts.map((parts) => parts.map((part) => ('text' in part ? part.text : undefined)));
    // Tokens that a client made itself have no text here, and short texts are never kept.
    if (texts.some((parts) => parts.includes(undefined))) return;
    const joined = texts.map((parts) => parts.join(''));
    if (joined.every((text) => text.length < LEAST_KEPT_CHARS)) return;
    this.#keepOnDisk = (await this.#context.recorder.mayKeep?.(joined)) === true;
  }

  /** Number of tokens of a prompt; runs beside generations. */
  async count(prompt: readonly PromptPart[]): Promise<number> {
    return (await this.#context.engine.call('count', { prompt, addBos: true }, this.signal)).tokens;
  }

  async promptTokens(prompt: readonly PromptPart[]): Promise<readonly number[]> {
    return (await this.#context.engine.call('promptTokens', { prompt, addBos: true }, this.signal)).tokens;
  }

  /**
   * Reads a generation to its end and records the exchange, also when the client left in the middle. `spoken`: what of the text was said;
   * absent: all of it.
   */
  async finish(
    generation: Generation,
    messages: readonly ChatMessage[],
    listener?: Listener,
    spoken = (text: string) => text,
  ): Promise<Finished> {
    try {
      const finished = await generation.finish(listener);
      this.#record(messages, () => spoken(finished.text), finished.tokens.length, this.signal.aborted);
      return finished;
    } catch (error) {
      const { text, tokens } = generation.partial;
      if (this.signal.aborted || ZellError.is(error, 'cancelled'))
        this.#record(messages, () => spoken(text), tokens, true);
      throw error;
    }
  }

  #record(messages: readonly ChatMessage[], said: () => string, tokens: number, stopped: boolean): void {
    if (this.caller.incognito || messages.length === 0) return;
    const response = said();
    if (response === '') return;
    const { origin } = this.caller;
    const model = this.model.modelHash;
    const more = { ...(stopped ? { stopped } : {}), ...(this.caller.learn ? {} : { learn: false }) };
    this.#context.recorder.exchange({ model, messages: messages.map(asText), response, tokens, origin, ...more });
  }
}

/** Ollama's clients learn from a 404 that they must pull a model first; the other families' names are aliases. @throws {ZellError} */
async function refuseUnknown({ models, library }: ApiContext, model: string | null | undefined): Promise<void> {
  if (model === null || model === undefined || model === '' || model === models.current()?.name) return;
  if ((await library.find(model)) === undefined)
    throw new ZellError('model_not_found', `model '${model.slice(0, 200)}' not found`);
}

/** A message as the log has it: calls are text. */
function asText({ role, content, toolCalls = [] }: ChatMessage): ChatMessage {
  return { role, content: joinTexts(content, ...toolCalls.map((call) => toolCallText(call.name, call.arguments))) };
}

const MAX_VARIABLES = 32;

/** llama.cpp's `chat_template_kwargs`: switches and numbers, and words too short to carry a control token. @throws {ZellError} */
export function templateVariables(value: Readonly<Record<string, unknown>> | null | undefined): TemplateVariables {
  const out: Record<string, string | number | boolean> = {};
  const reserved = ['messages', 'tools', 'bos_token', 'eos_token', 'add_generation_prompt'];
  for (const [key, v] of Object.entries(value ?? {})) {
    const fine =
      typeof v === 'boolean' || typeof v === 'number' || (typeof v === 'string' && /^[\w .-]{0,64}$/.test(v));
    if (!fine || !/^[a-z]\w{0,63}$/i.test(key) || reserved.includes(key) || Object.keys(out).length >= MAX_VARIABLES)
      throw invalid('chat_template_kwargs may hold switches, numbers and short words.', 'chat_template_kwargs');
    out[key] = v;
  }
  return out;
}
