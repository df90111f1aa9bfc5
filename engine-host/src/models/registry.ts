/** Finds models on this disk: by path, catalogue name, given name, file name or hash prefix. */
import { readdir, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { CATALOGUE, DEFAULT_MODEL, findInCatalogue, normalName, type CatalogueEntry } from './catalogue.ts';
import { NameIndex, type NamedModel } from './nameIndex.ts';
import type { Recipe } from './recipe.ts';

export interface ModelFolders {
  readonly models: string;
  readonly blobs: string;
  /** Read only; a copy of the default model may lie there. */
  readonly cache: string;
}

export interface InstalledModel {
  /** The public name. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256?: string;
  readonly modelHash?: string;
  readonly entry?: CatalogueEntry;
  /** See `NamedModel`. */
  readonly made?: true;
  readonly parent?: string;
  readonly recipe?: Recipe;
}

export class ModelRegistry {
  readonly names: NameIndex;
  readonly #folders: ModelFolders;
  /** `ZELL_MODEL_FILE`: a copy of the default model that the user points at. */
  readonly #defaultFile: string | undefined;

  constructor(folders: ModelFolders, env: Readonly<Record<string, string | undefined>> = process.env) {
    this.#folders = folders;
    this.names = new NameIndex(folders.models);
    const given = env['ZELL_MODEL_FILE'];
    this.#defaultFile = given === undefined || given === '' ? undefined : path.resolve(given);
  }

  /** Everything that can be loaded by name, the default model first. */
  async installed(): Promise<readonly InstalledModel[]> {
    const found = new Map<string, InstalledModel>();
    const add = (model: InstalledModel | undefined): void => {
      if (model === undefined || found.has(model.name)) return;
      // A file that has a name needs no second one, unless somebody gave it one; a blob's hash is no name where it has any other.
      const same = [...found.values()].filter((m) => m.path === model.path);
      if (model.made === true || same.every((m) => m.made === true && model.sha256 === undefined))
        found.set(model.name, model);
    };
    for (const entry of CATALOGUE) add(await this.#installedEntry(entry));
    for (const named of await this.names.models()) {
      const file = named.path ?? (named.sha256 === undefined ? undefined : this.blobPath(named.sha256));
      const bytes = file === undefined ? undefined : await fileSize(file);
      if (file !== undefined && bytes !== undefined) add({ ...withoutHash(named), path: file, bytes });
    }
    for (const [folder, file] of await this.#looseFiles()) {
      const sha256 = /^([0-9a-f]{64})\.gguf$/.exec(file)?.[1];
      const full = path.join(folder, file);
      const bytes = await fileSize(full);
      if (bytes !== undefined)
        add({
          name: sha256 === undefined ? file.replace(/\.gguf$/i, '') : sha256.slice(0, 12),
          path: full,
          bytes,
          ...(sha256 === undefined ? {} : { sha256 }),
        });
    }
    const index = await this.names.models();
    return [...found.values()].map((model) => {
      const modelHash = index.find((named) => named.name === model.name)?.modelHash;
      return modelHash === undefined ? model : { ...model, modelHash };
    });
  }

  /**
   * The model on this disk that a name means; none means the chosen or the default one.
   * @throws {ZellError} model_not_found, with what to do
   */
  async resolve(name: string | undefined): Promise<InstalledModel> {
    const wanted = name?.trim() ?? '';
    if (wanted === '') return this.#resolveDefault();
    const found = await this.find(wanted);
    if (found !== undefined) return found;
    const entry = findInCatalogue(wanted);
    if (entry !== undefined) throw notInstalled(entry);
    throw new ZellError('model_not_found', `There is no model "${shown(wanted)}" here. See "zell models list".`);
  }

  /** As `resolve`, but undefined when nothing on this disk has that name. */
  async find(name: string): Promise<InstalledModel | undefined> {
    if (looksLikePath(name)) {
      const full = absolute(name);
      // Other files do not exist for a client: a model name must not tell what lies on this disk.
      const bytes = /\.gguf$/i.test(full) ? await fileSize(full) : undefined;
      if (bytes === undefined) return undefined;
      const known = (await this.installed()).find((model) => model.path === full);
      return known ?? { name: path.basename(full).replace(/\.gguf$/i, ''), path: full, bytes };
    }
    const installed = await this.installed();
    const wanted = normalName(name);
    const entry = findInCatalogue(name);
    return (
      installed.find((model) => normalName(model.name) === wanted) ??
      installed.find((model) => entry !== undefined && model.entry === entry) ??
      installed.find((model) => normalName(path.basename(model.path)) === wanted) ??
      uniqueByHash(installed, wanted)
    );
  }

  /**
   * As `find`, for names that strangers send: a path counts only when it is one of `installed`, and the disk is not asked about any
   * other, so that a name neither reads a file elsewhere nor tells whether it is there.
   */
  async findKnown(name: string): Promise<InstalledModel | undefined> {
    if (!looksLikePath(name)) return this.find(name);
    const full = absolute(name);
    return (await this.installed()).find((model) => model.path === full);
  }

  blobPath(sha256: string): string {
    return path.join(this.#folders.blobs, `${sha256}.gguf`);
  }

  /** An uploaded file, until a model is made of it: an adapter stays there. */
  uploadPath(sha256: string): string {
    return path.join(this.#folders.blobs, `${sha256}.blob`);
  }

  async #resolveDefault(): Promise<InstalledModel> {
    const chosen = await this.names.chosen();
    const found = chosen === undefined ? undefined : await this.find(chosen);
    return found ?? this.resolve(DEFAULT_MODEL);
  }

  async #installedEntry(entry: CatalogueEntry): Promise<InstalledModel | undefined> {
    const index = await this.names.models();
    const sha256 = entry.sha256 ?? index.find((model) => model.name === entry.name)?.sha256;
    const places: (string | undefined)[] = [
      entry.name === DEFAULT_MODEL ? this.#defaultFile : undefined,
      sha256 === undefined ? undefined : this.blobPath(sha256),
      path.join(this.#folders.models, entry.file),
      path.join(this.#folders.cache, entry.file),
      path.join(this.#folders.cache, 'models', entry.file),
    ];
    for (const place of places) {
      const bytes = place === undefined ? undefined : await fileSize(place);
      if (place === undefined || bytes === undefined) continue;
      // A half-copied file of a known size is not the model.
      if (entry.sha256 !== undefined && bytes !== entry.bytes) continue;
      return { name: entry.name, path: place, bytes, entry, ...(sha256 === undefined ? {} : { sha256 }) };
    }
    return undefined;
  }

  async #looseFiles(): Promise<(readonly [folder: string, file: string])[]> {
    const found: (readonly [string, string])[] = [];
    for (const folder of [this.#folders.models, this.#folders.blobs]) {
      const files = await readdir(folder).catch(() => []);
      for (const file of files.sort()) if (/\.gguf$/i.test(file)) found.push([folder, file]);
    }
    return found;
  }
}

/** The hash of a name's model is looked up for all models at the end. */
function withoutHash(named: NamedModel): Omit<NamedModel, 'modelHash' | 'path'> {
  const { name, sha256, made, parent, recipe } = named;
  return {
    name,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(made === undefined ? {} : { made }),
    ...(parent === undefined ? {} : { parent }),
    ...(recipe === undefined ? {} : { recipe }),
  };
}

/** Whether a model argument means a file: absolute, or starting with `.` or `~`, or ending with `.gguf` and holding a separator. */
export function looksLikePath(name: string): boolean {
  return (
    path.isAbsolute(name) ||
    /^\.{1,2}[/\\]/.test(name) ||
    /^~[/\\]/.test(name) ||
    (/\.gguf$/i.test(name) && /[/\\]/.test(name))
  );
}

/** A path as the user typed it, made absolute. */
export function absolute(name: string): string {
  return path.resolve(/^~[/\\]/.test(name) ? path.join(os.homedir(), name.slice(2)) : name);
}

/** What to tell somebody whose model is known but not here. */
export function notInstalled(entry: CatalogueEntry): ZellError {
  return new ZellError(
    'model_not_found',
    `The model ${entry.name} is not on this disk. Fetch it with "zell models fetch ${entry.name}".`,
  );
}

/** Six or more hex digits that begin the hash of exactly one model. */
function uniqueByHash(installed: readonly InstalledModel[], prefix: string): InstalledModel | undefined {
  if (!/^[0-9a-f]{6,64}$/.test(prefix)) return undefined;
  const matches = installed.filter(
    (model) => model.sha256?.startsWith(prefix) === true || model.modelHash?.startsWith(prefix) === true,
  );
  return matches.length === 1 ? matches[0] : undefined;
}

async function fileSize(file: string): Promise<number | undefined> {
  try {
    const info = await stat(file);
    return info.isFile() ? info.size : undefined;
  } catch {
    return undefined;
  }
}

/** A name as it may appear in a message: one line, not endless. */
function shown(name: string): string {
  return name.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?').slice(0, 120);
}
