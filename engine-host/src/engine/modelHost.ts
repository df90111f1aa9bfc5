/** The one loaded model and its scheduler; loading and unloading one after the other. */
import type { EngineLimits, EngineStats, QueueStatus } from '#protocol/engine.ts';
import type { KvType, LoadOptions, ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import { DiskTier } from './disk/diskTier.ts';
import { prefixKey } from './disk/prefixKey.ts';
import { chooseKvType, type KvChoice } from './kvChoice.ts';
import { LoadedAdapters } from './loadedAdapters.ts';
import { namingFile } from './namingFile.ts';
import type { NativeAddon, NativeModel } from './native/binding.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { Weights } from './weights.ts';

export interface LoadedModel {
  readonly model: NativeModel;
  readonly scheduler: Scheduler;
  readonly adapters: LoadedAdapters;
  readonly weights: Weights;
  /** What it was loaded from. */
  readonly path: string;
  readonly options: LoadOptions;
  readonly choice: KvChoice;
}

export interface ModelHostOptions {
  readonly addon: NativeAddon;
  readonly now: () => number;
  readonly flush: (nextMs?: number) => void;
  /** Names the engine's code: keys and values that other code computed are not used. */
  readonly build: string;
}

const NO_STATS: EngineStats = {
  queue: { running: 0, waiting: 0, slots: 0, maxWaiting: 0 },
  promptTokens: 0,
  promptMs: 0,
  completionTokens: 0,
  decodeMs: 0,
  steps: 0,
  stepSequences: 0,
  kvBlocksUsed: 0,
  kvBlocksTotal: 0,
  draftTokens: 0,
  draftAccepted: 0,
  lastTokensPerSecond: 0,
};

export class ModelHost {
  readonly #options: ModelHostOptions;
  #loaded: LoadedModel | undefined;
  /** Loads and unloads wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();
  #limits: EngineLimits | undefined;

  constructor(options: ModelHostOptions) {
    this.#options = options;
  }

  /** @throws {ZellError} model_not_found while none is loaded. */
  get loaded(): LoadedModel {
    if (this.#loaded === undefined) throw new ZellError('model_not_found', 'No model is loaded.');
    return this.#loaded;
  }

  get current(): LoadedModel | undefined {
    return this.#loaded;
  }

  queue(): QueueStatus {
    return this.#loaded?.scheduler.queue() ?? NO_STATS.queue;
  }

  stats(): EngineStats {
    if (this.#loaded === undefined) return NO_STATS;
    const { scheduler, model } = this.#loaded;
    const experts = model.expertReads();
    const layers = model.layerReads();
    const reads = { ...(experts === undefined ? {} : { experts }), ...(layers === undefined ? {} : { layers }) };
    return { ...scheduler.stats(), ...reads };
  }

  /**
   * Replaces the loaded model. Requests that it still has are finished first; new ones are refused as `busy` meanwhile.
   * A refused file leaves the present model loaded: one that fails only while it loads is followed by that model again.
   * @throws {ZellError} naming the file
   */
  load(path: string, options: LoadOptions, onProgress: (done: number, total: number) => void): Promise<ModelInfo> {
    return this.#inTurn(async () => {
      const before = this.#loaded;
      try {
        // Looks at the file, and refuses it before the present model goes.
        let choice = await chooseKvType(this.#options.addon, path, options);
        if (before !== undefined) {
          await this.#close();
          // Only now is the memory there that the former model had.
          choice = await chooseKvType(this.#options.addon, path, options);
        }
        return await this.#open(path, options, choice, onProgress);
      } catch (error) {
        // When even that fails, nothing is loaded, and requests say so.
        if (before !== undefined && this.#loaded === undefined)
          await this.#open(before.path, withAdapters(before), before.choice, () => undefined).catch(() => undefined);
        throw namingFile(error, path);
      }
    });
  }

  /** Also what is loaded later. */
  restrain(limits: EngineLimits): void {
    this.#limits = limits;
    this.#loaded?.scheduler.restrain(limits);
  }

  unload(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  async #open(
    path: string,
    options: LoadOptions,
    choice: KvChoice,
    onProgress: (done: number, total: number) => void,
  ): Promise<ModelInfo> {
    const { addon, now, flush } = this.#options;
    const model = await addon.loadModel(path, { ...options, kvType: choice.type }, onProgress);
    const adapters = new LoadedAdapters(model);
    for (const adapter of options.adapters ?? []) {
      try {
        await adapters.load(adapter);
      } catch (error) {
        await model.close();
        throw error;
      }
    }
    const slots = options.maxSequences === undefined ? {} : { slots: Math.max(1, options.maxSequences) };
    const disk = this.#diskTier(model, choice.type, options);
    const scheduler = new Scheduler(model, {
      ...slots,
      adapterHash: (id) => adapters.hashOf(id),
      ...(disk === undefined ? {} : { disk }),
      draft: options.draft !== 'off',
      now,
      flush,
    });
    if (this.#limits !== undefined) scheduler.restrain(this.#limits);
    const weights = new Weights(model, options.weights ?? 'auto', addon.memory());
    this.#loaded = { model, scheduler, adapters, weights, path, options, choice };
    return { ...model.info, kv: choice.kv };
  }

  #diskTier(model: NativeModel, kvType: KvType, { prefixes, draftHead }: LoadOptions): DiskTier | undefined {
    if (prefixes === undefined || prefixes.maxBytes <= 0) return undefined;
    const { blockTokens } = model.kvUsage();
    const head = model.info.draftHead?.exitLayer === undefined ? undefined : draftHead;
    const key = (folder: string): Promise<Buffer> =>
      prefixKey(folder, model.info, kvType, blockTokens, this.#options.build, head);
    return new DiskTier(model, { ...prefixes, now: () => Date.now(), key });
  }

  async #close(): Promise<void> {
    const loaded = this.#loaded;
    if (loaded === undefined) return;
    await loaded.scheduler.close();
    this.#loaded = undefined;
    loaded.weights.close();
    await loaded.model.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** How to load a model again with the adapters that it had by then. */
function withAdapters({ options, adapters }: LoadedModel): LoadOptions {
  return { ...options, adapters: adapters.list().map(({ id, path, scale }) => ({ id, path, scale })) };
}
