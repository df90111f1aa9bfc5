/** `models/names.json`: which blob has which name, and which model the user chose. Rebuildable, so a broken one counts as empty. */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isRecipe, isSha256, type Recipe } from './recipe.ts';

export interface NamedModel {
  readonly name: string;
  /** Absolute path of a model outside the blob folder, or absent for `blobs/{sha256}.gguf`. */
  readonly path?: string;
  readonly sha256?: string;
  /** Learnt when the model was first loaded. */
  readonly modelHash?: string;
  /** Somebody gave this name on purpose (copied, made or pulled it), so it may be taken away again. */
  readonly made?: true;
  /** Of a model that was made from another one. */
  readonly parent?: string;
  readonly recipe?: Recipe;
}

interface IndexFile {
  readonly v: 1;
  readonly models: readonly NamedModel[];
  /** What the editor's "Choose Model" picked last: a catalogue name or an absolute path. */
  readonly chosen?: string;
}

const EMPTY: IndexFile = { v: 1, models: [] };

export class NameIndex {
  readonly #file: string;
  /** Changes wait for each other, as each writes the whole file. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(modelsFolder: string) {
    this.#file = path.join(modelsFolder, 'names.json');
  }

  async models(): Promise<readonly NamedModel[]> {
    return (await this.#read()).models;
  }

  async chosen(): Promise<string | undefined> {
    return (await this.#read()).chosen;
  }

  /** Adds a name or gives it a new target. */
  set(model: NamedModel): Promise<void> {
    return this.#change((index) => ({ ...index, models: [...without(index, model.name), model] }));
  }

  /** Takes a name away; whatever it named stays. */
  remove(name: string): Promise<void> {
    return this.#change((index) => ({ ...index, models: without(index, name) }));
  }

  choose(name: string): Promise<void> {
    return this.#change((index) => ({ ...index, chosen: name }));
  }

  #change(make: (index: IndexFile) => IndexFile): Promise<void> {
    const change = this.#turn.then(async () => this.#write(make(await this.#read())));
    this.#turn = change.catch(() => undefined);
    return change;
  }

  async #read(): Promise<IndexFile> {
    try {
      return parseIndex(JSON.parse(await readFile(this.#file, 'utf8')));
    } catch {
      return EMPTY;
    }
  }

  async #write(index: IndexFile): Promise<void> {
    const temporary = `${this.#file}.${process.pid}.${randomBytes(4).toString('hex')}`;
    await writeFile(temporary, `${JSON.stringify(index, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(temporary, this.#file);
  }
}

function without(index: IndexFile, name: string): NamedModel[] {
  return index.models.filter((m) => m.name !== name);
}

function parseIndex(value: unknown): IndexFile {
  if (typeof value !== 'object' || value === null) return EMPTY;
  const { models, chosen } = value as { models?: unknown; chosen?: unknown };
  return {
    v: 1,
    models: Array.isArray(models) ? models.filter(isNamedModel) : [],
    ...(typeof chosen === 'string' ? { chosen } : {}),
  };
}

function isNamedModel(value: unknown): value is NamedModel {
  if (typeof value !== 'object' || value === null) return false;
  const { name, path: file, sha256, modelHash, made, parent, recipe } = value as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    name !== '' &&
    (file === undefined || (typeof file === 'string' && path.isAbsolute(file))) &&
    (sha256 === undefined || isSha256(sha256)) &&
    (made === undefined || made === true) &&
    (parent === undefined || typeof parent === 'string') &&
    (recipe === undefined || isRecipe(recipe)) &&
    (modelHash === undefined || (typeof modelHash === 'string' && /^[0-9a-f]{16}$/.test(modelHash)))
  );
}
