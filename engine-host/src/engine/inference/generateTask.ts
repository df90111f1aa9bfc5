/** One generate request: from sampled tokens to text, stop texts, limits and the reason for its end. */
import type {
  AdapterScale,
  FinishReason,
  GenerateDelta,
  GenerateEvent,
  GenerateRequest,
} from '#protocol/generation.ts';
import type { WireError } from '#protocol/errors.ts';
import type { NativeDecoder, NativeModel, StepOutput } from '../native/binding.ts';
import { Drafter, type Draft } from './drafter.ts';
import { preparePrompt } from './prompt.ts';
import { StopTextMatcher } from './stopText.ts';
import type { Task } from './task.ts';
import { tokenLogprob, topLogprobs } from './tokenText.ts';

/** What a request needs of the model that answers it. */
export type TextModel = Pick<NativeModel, 'info' | 'tokenize' | 'piece' | 'createDecoder' | 'checkConstraint'>;

export class GenerateTask implements Task {
  readonly priority: Task['priority'];
  readonly sampling: Task['sampling'];
  readonly constraint: string | undefined;
  readonly topLogprobs: Task['topLogprobs'];
  readonly postSampling: boolean;
  readonly tokens: number[];
  readonly promptTokens: number;
  readonly keepOnDisk: boolean;
  readonly adapters: readonly AdapterScale[];
  readonly #model: TextModel;
  readonly #request: GenerateRequest;
  readonly #emit: (event: GenerateEvent) => void;
  readonly #now: () => number;
  readonly #truncatedTokens: number;
  readonly #ends: ReadonlySet<number>;
  readonly #decoder: NativeDecoder;
  /** Control tokens whose text is part of the answer. */
  readonly #preserved: ReadonlyMap<number, string>;
  readonly #stops: StopTextMatcher;
  readonly #drafter: Drafter | undefined;
  readonly #createdAt: number;
  #admittedAt: number | undefined;
  #firstOutputAt: number | undefined;
  #lastOutputAt: number | undefined;
  #cachedTokens = 0;
  #draftTokens = 0;
  #draftAccepted = 0;
  #hasLineBreak = false;

  /**
   * `now`: milliseconds of a monotonic clock. `adapters`: those that the request means, native. `emit` gets the request's events in order.
   * @throws {ZellError} context_overflow, invalid_request; unsupported, too_large for its constraint
   */
  constructor(
    model: TextModel,
    request: GenerateRequest,
    emit: (event: GenerateEvent) => void,
    now: () => number,
    adapters: readonly AdapterScale[] = [],
  ) {
    const prompt = preparePrompt(model, request);
    this.#model = model;
    this.#request = request;
    this.#emit = emit;
    this.#now = now;
    this.#createdAt = now();
    this.priority = request.priority;
    this.keepOnDisk = request.keepOnDisk === true;
    this.sampling = request.maxTokens === 0 ? undefined : request.sampling;
    this.topLogprobs = request.maxTokens === 0 ? undefined : request.logprobs;
    this.postSampling = request.postSampling === true;
    this.tokens = prompt.tokens;
    this.adapters = adapters;
    this.promptTokens = prompt.tokens.length;
    this.#truncatedTokens = prompt.truncatedTokens;
    this.constraint = request.constraint === undefined ? undefined : JSON.stringify(request.constraint);
    if (this.constraint !== undefined) model.checkConstraint(this.constraint);
    // After a complete form nothing else can come.
    const endless = request.ignoreEos === true && this.constraint === undefined;
    this.#ends = new Set(endless ? [] : model.info.special.endOfGeneration);
    this.#decoder = model.createDecoder();
    this.#preserved = preservedTokens(model, request.preserved ?? []);
    this.#stops = new StopTextMatcher(request.stop);
    this.#drafter = request.draftTokens === 0 || request.maxTokens === 0 ? undefined : new Drafter();
  }

  draft(): Draft | undefined {
    return this.#drafter?.next(this.tokens, this.mostDrafted());
  }

  mostDrafted(): number {
    if (this.#drafter === undefined) return 0;
    const { maxTokens = Infinity, draftTokens = Infinity } = this.#request;
    // One token is sampled after the drafted ones.
    const room = Math.min(maxTokens - this.#completionTokens, this.#model.info.contextLength - this.tokens.length) - 1;
    return Math.max(0, Math.min(draftTokens, room));
  }

  drafted(tokens: number, accepted: number): void {
    this.#draftTokens += tokens;
    this.#draftAccepted += accepted;
  }

  admitted(cachedTokens: number): void {
    this.#admittedAt = this.#now();
    this.#cachedTokens = cachedTokens;
    this.#emit({ type: 'accepted', promptTokens: this.promptTokens, cachedTokens });
  }

  output(output: StepOutput): boolean {
    this.#lastOutputAt = this.#now();
    this.#firstOutputAt ??= this.#lastOutputAt;
    if (this.sampling === undefined) {
      this.#done('length');
      return false;
    }
    const token = output.sampled;
    if (token === undefined) {
      this.failed({ code: 'internal', message: 'The engine returned no token for a request that samples.' });
      return false;
    }
    if (this.#ends.has(token)) return this.#finish('eos', '', output, undefined);
    this.tokens.push(token);
    const match = this.#stops.push(this.#decoder.push(token) + (this.#preserved.get(token) ?? ''));
    if (match.stop !== undefined) {
      this.#delta(match.text, output, token);
      this.#done('stop', match.stop);
      return false;
    }
    const end = this.#reachedLimit(match.text, this.#lastOutputAt - this.#firstOutputAt);
    if (end !== undefined) return this.#finish(end, match.text, output, token);
    this.#delta(match.text, output, token);
    return true;
  }

  cancelled(): void {
    this.#done('cancelled');
  }

  failed(error: WireError): void {
    this.#emit({ type: 'failed', error });
  }

  get #completionTokens(): number {
    return this.tokens.length - this.promptTokens;
  }

  #reachedLimit(text: string, sinceFirstMs: number): FinishReason | undefined {
    const { maxTokens, maxPredictMs } = this.#request;
    this.#hasLineBreak ||= text.includes('\n');
    if (maxTokens !== undefined && this.#completionTokens >= maxTokens) return 'length';
    // The newest token is not evaluated yet; one more can be sampled only if it still fits.
    if (this.tokens.length > this.#model.info.contextLength) return 'length';
    if (maxPredictMs !== undefined && this.#hasLineBreak && sinceFirstMs >= maxPredictMs) return 'deadline';
    return undefined;
  }

  /** Ends with what the decoder and the stop matcher still held; that rest may itself complete a stop text. */
  #finish(reason: FinishReason, text: string, output: StepOutput, token: number | undefined): false {
    const rest = this.#stops.push(this.#decoder.flush());
    const shown = text + rest.text + (rest.stop === undefined ? this.#stops.flush() : '');
    if (token !== undefined || shown !== '') this.#delta(shown, output, token);
    if (rest.stop === undefined) this.#done(reason);
    else this.#done('stop', rest.stop);
    return false;
  }

  #delta(text: string, output: StepOutput, token: number | undefined): void {
    const delta: GenerateDelta = { text, tokens: token === undefined ? [] : [token] };
    if (this.topLogprobs === undefined) {
      this.#emit({ type: 'delta', ...delta });
      return;
    }
    const logprobs =
      token === undefined
        ? []
        : [
            {
              chosen: tokenLogprob(this.#model, token, output.sampledLogprob ?? -Infinity),
              top: topLogprobs(this.#model, output.top).slice(0, this.topLogprobs),
            },
          ];
    this.#emit({ type: 'delta', ...delta, logprobs });
  }

  #done(finish: FinishReason, stopText?: string): void {
    const now = this.#now();
    const admittedAt = this.#admittedAt ?? now;
    const firstAt = this.#firstOutputAt ?? now;
    this.#emit({
      type: 'done',
      finish,
      ...(stopText === undefined ? {} : { stopText }),
      promptTokens: this.promptTokens,
      cachedTokens: this.#cachedTokens,
      completionTokens: this.#completionTokens,
      truncatedTokens: this.#truncatedTokens,
      ...(this.#draftTokens === 0 ? {} : { draftTokens: this.#draftTokens, draftAccepted: this.#draftAccepted }),
      timings: {
        queuedMs: admittedAt - this.#createdAt,
        promptMs: firstAt - admittedAt,
        decodeMs: (this.#lastOutputAt ?? firstAt) - firstAt,
      },
    });
  }
}

/** Control tokens by their texts. What is more than one token, or shows anyway, is left out. */
function preservedTokens(model: TextModel, texts: readonly string[]): ReadonlyMap<number, string> {
  const tokens = new Map<number, string>();
  for (const text of texts) {
    const [token, ...more] = model.tokenize(text, true);
    if (token !== undefined && more.length === 0 && model.piece(token, false).length === 0) tokens.set(token, text);
  }
  return tokens;
}
