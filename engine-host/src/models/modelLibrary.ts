/** The models under Zell's own names: pulled, made out of others, copied, removed. Files of the user are named, never touched. */
import { open } from 'node:fs/promises';
import type { ModelSummary } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import { BlobStore } from './blobStore.ts';
import { findInCatalogue, normalName, type CatalogueEntry } from './catalogue.ts';
import type { Fetched, FetchProgress } from './fetchModel.ts';
import { findOnHub, parseHubName } from './hubName.ts';
import type { GetOptions } from './httpGet.ts';
import type { NamedModel } from './nameIndex.ts';
import { extended, isSha256, type Recipe } from './recipe.ts';
import { looksLikePath, type InstalledModel, type ModelRegistry } from './registry.ts';

const HUB = new URL('https://huggingface.co/');

export interface LibraryParts {
  readonly registry: ModelRegistry;
  readonly fetch: (
    entry: CatalogueEntry,
    onProgress: (progress: FetchProgress) => void,
    signal: AbortSignal,
  ) => Promise<Fetched>;
  /** Looks at a file as the engine will. @throws {ZellError} bad_model_file, unsupported_model */
  readonly inspect: (path: string, signal: AbortSignal) => Promise<ModelSummary>;
  /** The engine lets go of a file that is about to be removed; requests that it answers are finished first. */
  readonly release: (path: string, signal: AbortSignal) => Promise<void>;
  /** The engine lets go of an adapter's file; requests that run keep what they have. */
  readonly releaseAdapter: (path: string, signal: AbortSignal) => Promise<void>;
  /** For tests: where the hub is. */
  readonly hub?: URL;
  readonly get?: GetOptions;
}

/** What a new model is made of: another model, or an uploaded file. */
export interface Making {
  readonly name: string;
  readonly from?: string;
  /** SHA-256 of an uploaded GGUF file. */
  readonly file?: string;
  readonly recipe: Recipe;
}

export class ModelLibrary {
  readonly blobs: BlobStore;
  readonly #parts: LibraryParts;

  constructor(parts: LibraryParts) {
    this.#parts = parts;
    this.blobs = new BlobStore(parts.registry);
  }

  find(name: string): Promise<InstalledModel | undefined> {
    return this.#parts.registry.findKnown(name);
  }

  /**
   * Brings a model of the catalogue or of Hugging Face here. What is here stays as it is.
   * @throws {ZellError} model_not_found for other names; what fetching throws
   */
  async pull(name: string, onProgress: (progress: FetchProgress) => void, signal: AbortSignal): Promise<Fetched> {
    const { fetch, hub = HUB, get = {} } = this.#parts;
    return fetch(await this.#entry(name, hub, get, signal), onProgress, signal);
  }

  /** Whether `pull` may know the name; asks nobody. @throws {ZellError} as `pull` */
  checkPullable(name: string): void {
    if (findInCatalogue(name) !== undefined || parseHubName(name) !== undefined) return;
    throw new ZellError(
      'model_not_found',
      `model '${shown(name)}' cannot be pulled: Zell knows the models of "zell models list" and those of Hugging Face (hf.co/USER/REPO:QUANT)`,
    );
  }

  /**
   * Gives a new model its name, or an old name a new model.
   * @throws {ZellError} invalid_request, model_not_found, bad_model_file
   */
  async create({ name, from, file, recipe }: Making, signal: AbortSignal): Promise<void> {
    const { registry, inspect } = this.#parts;
    const own = await this.#newName(name);
    for (const adapter of recipe.adapters ?? []) await this.#checkAdapter(adapter);
    if (file !== undefined) {
      const path = await this.blobs.asModel(file);
      if (path === undefined) throw new ZellError('invalid_request', `blob sha256:${file} was not uploaded`);
      await inspect(path, signal);
      await registry.names.set({ name: own, sha256: file, made: true, recipe });
      return;
    }
    const base = from === undefined ? undefined : await this.#named(from);
    if (base === undefined) throw new ZellError('invalid_request', "neither 'from' or 'files' was specified");
    const made = { made: true, parent: base.name, recipe: extended(base.recipe, recipe) } as const;
    await registry.names.set({ name: own, ...this.#target(base), ...made });
  }

  /** @throws {ZellError} model_not_found, invalid_request */
  async copy(source: string, destination: string): Promise<void> {
    const base = await this.#named(source);
    const { parent, recipe } = base;
    await this.#parts.registry.names.set({
      name: await this.#newName(destination),
      ...this.#target(base),
      made: true,
      ...(parent === undefined ? {} : { parent }),
      ...(recipe === undefined ? {} : { recipe }),
    });
  }

  /**
   * Takes the name away, and the file with its last name if it is one of Zell's own.
   * @throws {ZellError} model_not_found, also for what is the user's own
   */
  async remove(name: string, signal: AbortSignal): Promise<void> {
    const { registry, release } = this.#parts;
    const model = await this.#named(name);
    const { sha256 } = this.#target(model);
    if (sha256 === undefined && model.made !== true) throw notFound(name);
    if (model.made === true) await registry.names.remove(model.name);
    else await this.#forgetNamesOf(model);
    const left = await registry.names.models();
    for (const adapter of model.recipe?.adapters ?? [])
      if (!left.some((other) => other.recipe?.adapters?.includes(adapter))) {
        await this.#parts.releaseAdapter(registry.uploadPath(adapter), signal);
        await this.blobs.remove(adapter);
      }
    if (sha256 === undefined || left.some((other) => other.sha256 === sha256)) return;
    // A catalogue model is here as long as its file is, so its own name goes with the file alone.
    if (model.made === true && (await this.#isCatalogueFile(sha256))) return;
    await release(model.path, signal);
    await this.blobs.remove(sha256);
  }

  async #entry(name: string, hub: URL, get: GetOptions, signal: AbortSignal): Promise<CatalogueEntry> {
    const known = findInCatalogue(name);
    if (known !== undefined) return known;
    this.checkPullable(name);
    const named = parseHubName(name);
    if (named === undefined) throw notFound(name);
    return findOnHub(named, hub, get, signal);
  }

  /** Names that were only noted when the file was loaded first. */
  async #forgetNamesOf(model: InstalledModel): Promise<void> {
    const { names } = this.#parts.registry;
    for (const noted of await names.models())
      if (noted.made !== true && (noted.name === model.name || noted.sha256 === model.sha256))
        await names.remove(noted.name);
  }

  async #isCatalogueFile(sha256: string): Promise<boolean> {
    const installed = await this.#parts.registry.installed();
    return installed.some((model) => model.entry !== undefined && this.#target(model).sha256 === sha256);
  }

  /** @throws {ZellError} model_not_found; paths are no names here */
  async #named(name: string): Promise<InstalledModel> {
    const found = looksLikePath(name) ? undefined : await this.find(name);
    if (found === undefined) throw notFound(name);
    return found;
  }

  /** A blob by its hash, anything else by its path. */
  #target({ path, sha256 }: InstalledModel): Pick<NamedModel, 'path' | 'sha256'> {
    return sha256 !== undefined && path === this.#parts.registry.blobPath(sha256) ? { sha256 } : { path };
  }

  /** The name as it is kept. One that was made before may get another model; what is the user's own keeps its name. @throws {ZellError} */
  async #newName(name: string): Promise<string> {
    const plain = name.trim().replace(/:latest$/i, '');
    const parts = plain.split(/[/:]/);
    const fine =
      /^[^:]+(?::[^:/]+)?$/.test(plain) &&
      parts.length <= 4 &&
      parts.every((part) => /^\w[\w.-]{0,79}$/.test(part) && !part.includes('..'));
    if (!fine || looksLikePath(plain)) throw new ZellError('invalid_request', 'invalid model name');
    if (findInCatalogue(plain) !== undefined)
      throw new ZellError('invalid_request', `"${plain}" is the name of a model that Zell knows; choose another one`);
    const present = (await this.#parts.registry.installed()).find((m) => normalName(m.name) === normalName(plain));
    if (present === undefined) return plain;
    if (present.made !== true)
      throw new ZellError('invalid_request', `"${plain}" is the name of a file here; choose another one`);
    return present.name;
  }

  async #checkAdapter(sha256: string): Promise<void> {
    const file = isSha256(sha256) ? await this.blobs.find(sha256) : undefined;
    if (file === undefined) throw new ZellError('invalid_request', `blob sha256:${sha256} was not uploaded`);
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
      if (bytesRead !== 4 || buffer.toString('latin1') !== 'GGUF')
        throw new ZellError('bad_model_file', 'An adapter must be a GGUF file.');
    } finally {
      await handle.close();
    }
  }
}

/** In Ollama's words; also for what must not be touched, so that nobody learns which files there are. */
function notFound(name: string): ZellError {
  return new ZellError('model_not_found', `model '${shown(name)}' not found`);
}

function shown(name: string): string {
  return name.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?').slice(0, 200);
}
