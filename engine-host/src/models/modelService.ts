/** Which model is loaded, for how long, and how a request's model name becomes a loaded model. Loads one at a time. */
import { ZellError } from '#protocol/errors.ts';
import type { HostState, ModelChoice } from '#protocol/editor.ts';
import type { AdapterScale } from '#protocol/generation.ts';
import type { LoadOptions, ModelInfo, ModelSummary } from '#protocol/model.ts';
import { findInCatalogue, type CatalogueEntry } from './catalogue.ts';
import { modelChoices } from './modelChoices.ts';
import type { Fetched, FetchProgress } from './fetchModel.ts';
import type { Recipe } from './recipe.ts';
import { ModelUse } from './modelUse.ts';
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
  /** Requests that it answers are finished first. */
  unload(signal: AbortSignal): Promise<void>;
  /** Reads a LoRA adapter for the loaded model, once. @returns its id */
  adapter(path: string, signal: AbortSignal): Promise<number>;
}

/** What is happening to models right now, for the status line. */
export interface ModelActivity {
  readonly detail: string;
  /** 0–1; absent while unknown. */
  readonly progress?: number;
}

/** A loaded model under the name that was asked for, with what that name adds to the weights. */
export interface ServedModel extends ModelInfo {
  readonly recipe?: Recipe;
  readonly adapters?: readonly AdapterScale[];
}

/** A model that stays loaded until `release`; calling it twice does no harm. */
export interface ModelHold {
  readonly model: ServedModel;
  /** How long the model stays when nobody holds it: seconds, negative for ever; absent: as it was. */
  readonly release: (keepSeconds?: number) => void;
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
  /** Loads that have not begun or not ended. */
  #waiting = 0;
  /** The model that was loaded last, if it went because nobody used it. */
  #last: InstalledModel | undefined;
  #lastLoaded: InstalledModel | undefined;
  readonly #use = new ModelUse(() => this.#unloadUnused());

  constructor(parts: ModelServiceParts) {
    this.#parts = parts;
  }

  /** When the loaded model goes if nobody uses it; undefined: it stays. */
  get expiresAt(): Date | undefined {
    return this.#use.expiresAt;
  }

  current(): ModelInfo | undefined {
    return this.#current;
  }

  get activity(): ModelActivity | undefined {
    return this.#activity;
  }

  /**
   * The loaded model for a request. A name of an installed model loads that first; a file elsewhere is loaded by its path only where
   * the user says so (`load`, `choose`). No name, or one that means nothing
   * here (an alias of some service, such as `gpt-4o`), takes the loaded or else the chosen or default one.
   * @throws {ZellError} model_not_found for a path that does not exist, a catalogue model that is not fetched, or no model at all
   */
  async ensure(name: string | undefined, signal: AbortSignal): Promise<ServedModel> {
    const { model, release } = await this.acquire(name, signal);
    release();
    return model;
  }

  /**
   * As `ensure`; the model stays loaded until it is released. Others that want another model wait for that, and those that come after
   * them wait for them: nobody's answer is cut off, and nobody waits for ever.
   */
  async acquire(name: string | undefined, signal: AbortSignal): Promise<ModelHold> {
    const wanted = name?.trim() ?? '';
    const loaded = this.#current;
    const asIs = wanted === '' || wanted === loaded?.path || wanted === loaded?.name;
    if (loaded !== undefined && asIs && this.#waiting === 0) return this.#hold(loaded);
    return this.#queued(async () => {
      const found = wanted === '' ? undefined : await this.#parts.registry.findKnown(wanted);
      if (found === undefined && wanted !== '') this.#refuseKnownButAbsent(wanted);
      return this.#loadAndHold(found, signal);
    });
  }

  /** Lets go of a file, if it is the loaded one, as soon as nobody uses it. */
  release(path: string, signal: AbortSignal): Promise<void> {
    return this.#queued(async () => {
      if (this.#current?.path === path) await this.#unload(signal);
      if (this.#last?.path === path) this.#last = undefined;
    });
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

  async #load(model: InstalledModel, signal: AbortSignal): Promise<ModelInfo> {
    const { model: info, release } = await this.#queued(() => this.#loadAndHold(model, signal));
    release();
    return info;
  }

  /** Within a turn. `model`: none means the loaded one, or else the last, chosen or default one. */
  async #loadAndHold(model: InstalledModel | undefined, signal: AbortSignal): Promise<ModelHold> {
    if (model === undefined && this.#current !== undefined) return this.#hold(this.#current);
    const target = model ?? this.#last ?? (await this.#parts.registry.resolve(undefined));
    const info = await this.#loadNow(target, signal);
    const hold = this.#hold(info);
    try {
      return { ...hold, model: await this.#served(info, target, signal) };
    } catch (error) {
      hold.release();
      throw error;
    }
  }

  #queued<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const mine = this.#loading.then(work).finally(() => this.#waiting--);
    this.#loading = mine.catch(() => undefined);
    return mine;
  }

  #hold(model: ServedModel): ModelHold {
    return { model, release: this.#use.begin() };
  }

  async #served(info: ModelInfo, { name, recipe }: InstalledModel, signal: AbortSignal): Promise<ServedModel> {
    if (recipe === undefined) return name === info.name ? info : { ...info, name };
    const { engine, registry } = this.#parts;
    const adapters: AdapterScale[] = [];
    for (const sha256 of recipe.adapters ?? [])
      adapters.push({ id: await engine.adapter(registry.uploadPath(sha256), signal), scale: 1 });
    const { template } = recipe;
    return {
      ...info,
      name,
      recipe,
      ...(template === undefined ? {} : { chatTemplate: template }),
      ...(adapters.length === 0 ? {} : { adapters }),
    };
  }

  #unloadUnused(): void {
    const last = this.#lastLoaded;
    void this.#queued(async () => {
      // Somebody came while it waited for its turn.
      if (this.#current === undefined || !this.#use.expired) return;
      await this.#unload(AbortSignal.any([]));
      this.#last = last;
    }).catch(() => undefined);
  }

  /** Within a turn. */
  async #unload(signal: AbortSignal): Promise<void> {
    await this.#use.idle(signal);
    this.#current = undefined;
    await this.#parts.engine.unload(signal).finally(this.#parts.onChange);
  }

  async #loadNow(model: InstalledModel, signal: AbortSignal): Promise<ModelInfo> {
    if (this.#current?.path === model.path) return this.#current;
    await this.#use.idle(signal);
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
      this.#current = { ...info, name: baseName(model) };
      this.#lastLoaded = model;
      this.#use.reset();
      // A file elsewhere that merely is called like a catalogue model does not take its name.
      const nameIsItsOwn = model.entry !== undefined || findInCatalogue(model.name) === undefined;
      if (model.modelHash !== info.modelHash && nameIsItsOwn) {
        await registry.names.set({
          ...(await registry.names.models()).find((named) => named.name === model.name),
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

/** The name of the weights: what a model that was made of another one is loaded as. */
function baseName({ name, parent, recipe }: InstalledModel): string {
  return recipe === undefined ? name : (parent ?? name);
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
