/** The vector of one text: every token is evaluated, their outputs are pooled, nothing is sampled. */
import type { EmbedRequest, Pooling } from '#protocol/engine.ts';
import type { AdapterScale, PromptPart } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError, type WireError } from '#protocol/errors.ts';
import type { StepOutput } from '../native/binding.ts';
import { promptTokens, type PromptModel } from './prompt.ts';
import type { Task } from './task.ts';

export interface Embedding {
  readonly vector: Float32Array;
  readonly tokens: number;
}

/** GGUF's numbers of `pooling_type`. */
const POOLINGS: Readonly<Record<number, Pooling>> = { 1: 'mean', 2: 'cls', 3: 'last' };

/** Its tokens see the whole text: it makes vectors and no text. */
export function isEncoder(info: ModelInfo): boolean {
  return info.metadata[`${info.architecture}.attention.causal`] === false;
}

/** What the model was made for; the mean where its file does not say. */
export function poolingOf(info: ModelInfo): Pooling {
  const type = info.metadata[`${info.architecture}.pooling_type`];
  return (typeof type === 'number' ? POOLINGS[type] : undefined) ?? 'mean';
}

export class EmbedTask implements Task {
  readonly priority = 'api';
  readonly sampling = undefined;
  readonly topLogprobs = undefined;
  readonly tokens: readonly number[];
  readonly promptTokens: number;
  readonly adapters: readonly AdapterScale[];
  readonly embedding: NonNullable<Task['embedding']>;
  /** @throws {ZellError} cancelled, or what a step failed with. */
  readonly result: Promise<Embedding>;
  readonly #normalize: boolean;
  #sum = new Float64Array(0);
  #resolve: (embedding: Embedding) => void = () => undefined;
  #reject: (error: ZellError) => void = () => undefined;

  /** @throws {ZellError} context_overflow, invalid_request */
  constructor(
    model: PromptModel,
    input: readonly PromptPart[],
    options: Omit<EmbedRequest, 'inputs' | 'forModel'>,
    adapters: readonly AdapterScale[],
  ) {
    this.tokens = framedTokens(model, input, options.truncate);
    this.promptTokens = this.tokens.length;
    this.adapters = adapters;
    this.#normalize = options.normalize;
    const pooling = options.pooling ?? poolingOf(model.info);
    this.embedding = {
      pooling,
      whole: isEncoder(model.info),
      slice: (first, count, output) => this.#add(pooling, first, count, output),
    };
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  admitted(): void {
    // Nobody waits for this.
  }

  output(): boolean {
    const vector = Float32Array.from(this.#sum);
    if (this.#normalize) {
      const length = Math.hypot(...this.#sum);
      if (length > 0) for (let i = 0; i < vector.length; i++) vector[i] = (this.#sum[i] ?? 0) / length;
    }
    this.#resolve({ vector, tokens: this.tokens.length });
    return false;
  }

  cancelled(): void {
    this.#reject(new ZellError('cancelled', 'The call was cancelled.'));
  }

  failed(error: WireError): void {
    this.#reject(ZellError.fromWire(error));
  }

  /** A step's mean counts as often as it had tokens; of first and last token only one slice matters. */
  #add(pooling: Pooling, first: number, count: number, output: StepOutput): void {
    const { pooled } = output;
    if (pooled === undefined) throw new ZellError('internal', 'A step left a text without a vector.');
    if (first === 0 || pooling === 'last') this.#sum = new Float64Array(pooled.length);
    else if (pooling === 'cls') return;
    const share = pooling === 'mean' ? count / this.tokens.length : 1;
    for (let i = 0; i < pooled.length; i++) this.#sum[i] = (this.#sum[i] ?? 0) + share * (pooled[i] ?? 0);
  }
}

/** The text's tokens between those that the vocabulary puts around it. @throws {ZellError} */
function framedTokens(model: PromptModel, input: readonly PromptPart[], truncate: boolean): readonly number[] {
  const { frame, special, addBos, contextLength } = model.info;
  const before = frame?.before ?? (addBos && special.bos !== undefined ? [special.bos] : []);
  const after = frame?.after ?? [];
  const text = promptTokens(model, input, false);
  const all = before.length + text.length + after.length;
  if (all === 0) throw new ZellError('invalid_request', 'A text to embed is empty.');
  if (all > contextLength && !truncate)
    throw new ZellError(
      'context_overflow',
      `A text has ${all} tokens; the model reads ${contextLength}. Shorten it, or ask for it to be cut.`,
      { details: { promptTokens: all, contextLength, param: 'input' } },
    );
  return [...before, ...text.slice(0, Math.max(0, contextLength - before.length - after.length)), ...after];
}
