/** Which model is loaded, and how a request's model name becomes a loaded model. Loads one at a time. */
import { ZellError } from '#protocol/errors.ts';
import type { HostState, ModelChoice } from '#protocol/editor.ts';
import type { LoadOptions, ModelInfo, ModelSummary } from '#protocol/engine.ts';
import { findInCatalogue, type CatalogueEntry } from './catalogue.ts';
import { modelChoices } from './modelChoices.ts';
import type { Fetched, FetchProgress } from './fetchModel.ts';
import { looksLikePath, notInstalled, type InstalledModel, type ModelRegistry } from './registry.ts';

/** The part of the engine that loading needs. */
export interface LoadingEngine {
  readonly state: HostState;
  /** Replaces the loaded model. `onProgress`: 0–1. */
  load(
    path: string,
    options: LoadOptions,
    onProgress: (fraction: number) => void,
    signal: AbortSignal,
  ): Promise<ModelInfo>;
  inspect(path: string, options: LoadOptions, signal: AbortSignal): Promise<ModelSummary>;
}

/** What is happening to models right now, for the status line. */
export interface ModelActivity {
  readonly detail: string;
  /** 0–1; absent while unknown. */
  readonly progress?: number;
}

export interface ModelServiceParts {
  readonly registry: ModelRegistry;
  readonly engine: LoadingEngine;
  readonly options: LoadOptions;
  readonly fetch: (
    entry: CatalogueEntry,
    onProgress: (progress: FetchProgress) => void,
    signal: AbortSignal,
  ) => Promise<Fetched>;
  readonly onChange: () => void;
}

export class ModelService {
  readonly #parts: ModelServiceParts;
  #current: ModelInfo | undefined;
  #activity: ModelActivity | undefined;
  /** The last load in line; each waits for the one before it. */
  #loading: Promise<unknown> = Promise.resolve();

  constructor(parts: ModelServiceParts) {
    this.#parts = parts;
  }

  current(): ModelInfo | undefined {
    return this.#current;
  }

  get activity(): ModelActivity | undefined {
    return this.#activity;
  }

  /**
   * The loaded model for a request. A name of something on this disk loads that first; no name, or one that means nothing
   * here (an alias of some service, such as `gpt-4o`), takes the loaded or else the chosen or default one.
   * @throws {ZellError} model_not_found for a path that does not exist, a catalogue model that is not fetched, or no model at all
   */
  async ensure(name: string | undefined, signal: AbortSignal): Promise<ModelInfo> {
    const wanted = name?.trim() ?? '';
    const loaded = this.#current;
    if (loaded !== undefined && (wanted === '' || wanted === loaded.name || wanted === loaded.path)) return loaded;
    const found = wanted === '' ? undefined : await this.#parts.registry.find(wanted);
    if (found !== undefined) return this.#load(found, signal);
    if (wanted !== '') this.#refuseKnownButAbsent(wanted);
    return this.#current ?? this.#load(await this.#parts.registry.resolve(undefined), signal);
  }

  /** As `ensure`, but a name that means nothing here is an error; none means the chosen or default model. */
  async load(name: string | undefined, signal: AbortSignal): Promise<ModelInfo> {
    if ((name ?? '') === '' && this.#current !== undefined) return this.#current;
    return this.#load(await this.#parts.registry.resolve(name), signal);
  }

  /** Makes a model the chosen one: fetches it when it is only in the catalogue, loads it, and remembers it. */
  async choose(name: string, signal: AbortSignal): Promise<ModelInfo> {
    const { registry } = this.#parts;
    let found = await registry.find(name);
    if (found === undefined) {
      const entry = findInCatalogue(name);
      if (entry === undefined) return this.#load(await registry.resolve(name), signal);
      await this.#fetch(entry, signal);
      found = await registry.resolve(entry.name);
    }
    const info = await this.#load(found, signal);
    await registry.names.choose(found.entry?.name ?? found.path);
    return info;
  }

  /** What the file says about itself; does not load it. */
  async inspect(name: string | undefined, signal: AbortSignal): Promise<ModelSummary> {
    const found =
      (name ?? '') === '' && this.#current !== undefined
        ? { path: this.#current.path, name: this.#current.name }
        : await this.#parts.registry.resolve(name);
    const summary = await this.#parts.engine.inspect(found.path, this.#parts.options, signal);
    return { ...summary, name: found.name };
  }

  async list(signal: AbortSignal): Promise<readonly ModelChoice[]> {
    signal.throwIfAborted();
    return modelChoices(this.#parts.registry, this.#current?.path);
  }

  #refuseKnownButAbsent(wanted: string): void {
    if (looksLikePath(wanted))
      throw new ZellError('model_not_found', `There is no model "${wanted.slice(0, 200)}" here.`);
    const entry = findInCatalogue(wanted);
    if (entry !== undefined) throw notInstalled(entry);
  }

  #load(model: InstalledModel, signal: AbortSignal): Promise<ModelInfo> {
    const mine = this.#loading.then(() => this.#loadNow(model, signal));
    this.#loading = mine.catch(() => undefined);
    return mine;
  }

  async #loadNow(model: InstalledModel, signal: AbortSignal): Promise<ModelInfo> {
    if (this.#current?.path === model.path) return this.#current;
    if (signal.aborted) throw new ZellError('cancelled', 'The request was cancelled before its model was loaded.');
    const { engine, options, registry, onChange } = this.#parts;
    this.#activity = { detail: `Loading ${model.name}` };
    onChange();
    try {
      const progress = (fraction: number): void => {
        this.#activity = { detail: `Loading ${model.name}`, progress: fraction };
        onChange();
      };
      const previous = this.#current;
      let info: ModelInfo;
      try {
        info = await engine.load(model.path, options, progress, signal);
      } catch (error) {
        // The engine keeps its model when it refuses another one; anything else leaves it without.
        if (previous !== undefined && !isRefusal(error)) this.#current = undefined;
        throw error;
      }
      this.#current = { ...info, name: model.name };
      // A file elsewhere that merely is called like a catalogue model does not take its name.
      const nameIsItsOwn = model.entry !== undefined || findInCatalogue(model.name) === undefined;
      if (model.modelHash !== info.modelHash && nameIsItsOwn) {
        await registry.names.set({
          name: model.name,
          modelHash: info.modelHash,
          ...(model.sha256 === undefined ? { path: model.path } : { sha256: model.sha256 }),
        });
      }
      return this.#current;
    } finally {
      this.#activity = undefined;
      onChange();
    }
  }

  async #fetch(entry: CatalogueEntry, signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.fetch(
        entry,
        ({ step, doneBytes, totalBytes }) => {
          this.#activity = totalBytes > 0 ? { detail: step, progress: doneBytes / totalBytes } : { detail: step };
          this.#parts.onChange();
        },
        signal,
      );
    } finally {
      this.#activity = undefined;
      this.#parts.onChange();
    }
  }
}

/** Failures that the engine reports before it has touched the loaded model. */
function isRefusal(error: unknown): boolean {
  return (
    ZellError.is(error, 'bad_model_file') ||
    ZellError.is(error, 'unsupported_model') ||
    ZellError.is(error, 'out_of_memory') ||
    ZellError.is(error, 'model_not_found')
  );
}
