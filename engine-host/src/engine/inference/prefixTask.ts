/** A prompt that is evaluated for the sake of its keys and values: nothing is sampled. */
import type { EngineCalls } from '#protocol/engine.ts';
import type { AdapterScale } from '#protocol/generation.ts';
import { ZellError, type WireError } from '#protocol/errors.ts';
import type { NativeModel } from '../native/binding.ts';
import { preparePrompt, promptTokens } from './prompt.ts';
import type { Task } from './task.ts';

export class PrefixTask implements Task {
  readonly priority = 'api';
  readonly sampling = undefined;
  readonly topLogprobs = undefined;
  readonly keepOnDisk = true;
  readonly tokens: readonly number[];
  readonly promptTokens: number;
  readonly adapters: readonly AdapterScale[];
  /** Tokens that were known before. @throws {ZellError} cancelled, or what the step failed with. */
  readonly result: Promise<number>;
  readonly #onProgress: (done: number, total: number) => void;
  #cached = 0;
  #resolve: (cached: number) => void = () => undefined;
  #reject: (error: ZellError) => void = () => undefined;

  /** @throws {ZellError} context_overflow, invalid_request */
  constructor(
    model: NativeModel,
    params: EngineCalls['keepPrefix']['params'],
    adapters: readonly AdapterScale[],
    onProgress: (done: number, total: number) => void,
  ) {
    this.adapters = adapters;
    const { prompt, addBos } = params;
    this.tokens = preparePrompt(model, { prompt, addBos, maxTokens: 0 }).tokens;
    this.promptTokens = this.tokens.length;
    this.#onProgress = onProgress;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  admitted(cachedTokens: number): void {
    this.#cached = cachedTokens;
  }

  evaluated(tokens: number): void {
    this.#onProgress(tokens, this.tokens.length);
  }

  output(): boolean {
    this.#resolve(this.#cached);
    return false;
  }

  cancelled(): void {
    this.#reject(new ZellError('cancelled', 'The call was cancelled.'));
  }

  failed(error: WireError): void {
    this.#reject(ZellError.fromWire(error));
  }
}

/** Tokens that both prompts begin with. */
export function sharedTokens(
  model: NativeModel,
  { prompt, other, addBos }: EngineCalls['keepPrefix']['params'],
): number {
  const [a, b] = [promptTokens(model, prompt, addBos), promptTokens(model, other, addBos)];
  const end = a.findIndex((token, i) => token !== b[i]);
  return end < 0 ? a.length : end;
}
