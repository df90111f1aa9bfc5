/** The most likely tokens after a prompt: one evaluation, nothing sampled. */
import type { EngineCalls } from '#protocol/engine.ts';
import type { AdapterScale, TokenLogprob } from '#protocol/generation.ts';
import { ZellError, type WireError } from '#protocol/errors.ts';
import type { StepOutput } from '../native/binding.ts';
import type { TextModel } from './generateTask.ts';
import { preparePrompt } from './prompt.ts';
import type { Task } from './task.ts';
import { topLogprobs } from './tokenText.ts';

export class NextTokensTask implements Task {
  readonly priority = 'api';
  readonly sampling = undefined;
  readonly topLogprobs: number;
  readonly tokens: readonly number[];
  readonly promptTokens: number;
  readonly adapters: readonly AdapterScale[];
  /** @throws {ZellError} cancelled, or what the step failed with. */
  readonly result: Promise<TokenLogprob[]>;
  readonly #model: TextModel;
  #resolve: (top: TokenLogprob[]) => void = () => undefined;
  #reject: (error: ZellError) => void = () => undefined;

  /** @throws {ZellError} context_overflow, invalid_request */
  constructor(model: TextModel, params: EngineCalls['nextTokens']['params'], adapters: readonly AdapterScale[] = []) {
    this.adapters = adapters;
    this.#model = model;
    this.tokens = preparePrompt(model, { ...params, maxTokens: 0 }).tokens;
    this.promptTokens = this.tokens.length;
    this.topLogprobs = Math.max(1, Math.min(params.top, model.info.vocabularySize));
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  admitted(): void {
    // Nobody waits for this.
  }

  output(output: StepOutput): boolean {
    this.#resolve(topLogprobs(this.#model, output.top));
    return false;
  }

  cancelled(): void {
    this.#reject(new ZellError('cancelled', 'The call was cancelled.'));
  }

  failed(error: WireError): void {
    this.#reject(ZellError.fromWire(error));
  }
}
