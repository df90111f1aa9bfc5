/** The addon's trainer with abort signals and our errors: `NativeTrainer` of the training room. */
import type { SparseDistributions, TrainerItem, TrainPlan, TrainProgress, TrainRecipe } from '#protocol/trainer.ts';
import { ZellError } from '#protocol/errors.ts';
import { nativeError } from './nativeError.ts';
import type { NativeTrainerHandle, TrainerAddon } from './trainerBinding.ts';

export class AddonTrainer {
  readonly plan: TrainPlan;
  readonly #handle: NativeTrainerHandle;
  #inFlight: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(handle: NativeTrainerHandle) {
    this.#handle = handle;
    this.plan = handle.plan();
  }

  /** @throws {ZellError} as `TrainerOpener.open` says. */
  static async open(
    addon: TrainerAddon,
    modelPath: string,
    recipe: TrainRecipe,
    options: { readonly warmStart?: string },
    signal: AbortSignal,
  ): Promise<AddonTrainer> {
    refuseAborted(signal);
    try {
      const trainer = new AddonTrainer(await addon.openTrainer(modelPath, recipe, options.warmStart));
      if (signal.aborted) await trainer.close();
      refuseAborted(signal);
      return trainer;
    } catch (error) {
      throw asZellError(error);
    }
  }

  addItems(items: readonly TrainerItem[]): void {
    try {
      this.#handle.addItems(items);
    } catch (error) {
      throw asZellError(error);
    }
  }

  steps(): number {
    return this.#handle.steps();
  }

  async run(
    steps: number,
    onProgress: (progress: TrainProgress) => void,
    signal: AbortSignal,
  ): Promise<TrainProgress> {
    return this.#stoppable(() => this.#handle.run(steps, onProgress), signal);
  }

  pause(): void {
    this.#handle.pause();
  }

  resume(): void {
    this.#handle.resume();
  }

  async saveCheckpoint(path: string): Promise<void> {
    await this.#call(() => this.#handle.saveCheckpoint(path));
  }

  async loadCheckpoint(path: string): Promise<void> {
    await this.#call(() => this.#handle.loadCheckpoint(path));
  }

  async saveAdapter(path: string, metadata: Readonly<Record<string, string>>): Promise<{ readonly sha256: string }> {
    return { sha256: await this.#call(() => this.#handle.saveAdapter(path, metadata)) };
  }

  async adapterHash(): Promise<string> {
    return this.#call(() => this.#handle.adapterHash());
  }

  async baseDistributions(
    tokens: Int32Array,
    loss: Uint8Array,
    top: number,
    signal: AbortSignal,
  ): Promise<SparseDistributions> {
    return this.#stoppable(() => this.#handle.baseDistributions(tokens, loss, top), signal);
  }

  async close(): Promise<void> {
    if (!this.#closed) this.#handle.close();
    this.#closed = true;
    await this.#inFlight;
  }

  async #stoppable<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    refuseAborted(signal);
    const stop = (): void => {
      this.#handle.stop();
    };
    const running = this.#call(work);
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await running;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    const promise = work();
    this.#inFlight = promise.catch(() => undefined);
    try {
      return await promise;
    } catch (error) {
      throw asZellError(error);
    }
  }
}

function refuseAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new ZellError('cancelled', 'Training was cancelled.');
}

function asZellError(error: unknown): ZellError {
  if (ZellError.is(error)) return error;
  const wire = nativeError(error);
  return new ZellError(wire.code, wire.message, { cause: error });
}
