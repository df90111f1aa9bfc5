/** The LoRA adapters of one loaded model: their ids, what requests that name none run with, and what a request means. */
import type { AdapterInfo, AdapterScale } from '#protocol/generation.ts';
import type { LoadOptions } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import { namingFile } from './namingFile.ts';
import type { NativeModel } from './native/binding.ts';

/** Most adapters at a time: each takes memory, and a request may name them all. */
const MOST_ADAPTERS = 64;
/** Beyond it an answer is noise; the limit keeps numbers finite. */
const MOST_SCALE = 1000;

interface Loaded {
  readonly native: number;
  info: AdapterInfo;
}

export class LoadedAdapters {
  readonly #model: Pick<NativeModel, 'loadAdapter' | 'unloadAdapter'>;
  readonly #loaded = new Map<number, Loaded>();
  #nextId = 0;
  #coming = 0;

  constructor(model: Pick<NativeModel, 'loadAdapter' | 'unloadAdapter'>) {
    this.#model = model;
  }

  list(): AdapterInfo[] {
    return [...this.#loaded.values()].map(({ info }) => info).toSorted((a, b) => a.id - b.id);
  }

  /**
   * `id`: the one that it had before the engine was restarted.
   * @throws {ZellError} invalid_request, too_large, or why the file is refused
   */
  async load(adapter: NonNullable<LoadOptions['adapters']>[number]): Promise<AdapterInfo> {
    const { path, scale } = adapter;
    checkScale(scale);
    if (this.#loaded.size + this.#coming >= MOST_ADAPTERS)
      throw new ZellError('too_large', `At most ${MOST_ADAPTERS} adapters can be loaded. Unload one first.`);
    const id = adapter.id ?? this.#nextId;
    this.#nextId = Math.max(this.#nextId, id + 1);
    this.#coming++;
    try {
      const { id: native, ...rest } = await this.#model.loadAdapter(path).catch((error: unknown) => {
        throw namingFile(error, path);
      });
      const info = { ...rest, id, scale };
      this.#loaded.set(id, { native, info });
      return info;
    } finally {
      this.#coming--;
    }
  }

  /** SHA-256 of the file of a native id. */
  hashOf(native: number): string | undefined {
    return [...this.#loaded.values()].find((adapter) => adapter.native === native)?.info.sha256;
  }

  /** @returns its native id. @throws {ZellError} not_found */
  unload(id: number): number {
    const { native } = this.#find(id);
    this.#model.unloadAdapter(native);
    this.#loaded.delete(id);
    return native;
  }

  /** Those that are not named get 0. @throws {ZellError} not_found, invalid_request; nothing is changed then */
  scale(scales: readonly AdapterScale[]): void {
    this.#check(scales);
    for (const adapter of this.#loaded.values()) {
      const scale = scales.find(({ id }) => id === adapter.info.id)?.scale ?? 0;
      adapter.info = { ...adapter.info, scale };
    }
  }

  /**
   * What a request runs with, as native ids in ascending order, none with scale 0.
   * @throws {ZellError} not_found, invalid_request
   */
  inForce(asked: readonly AdapterScale[] | undefined): AdapterScale[] {
    if (asked !== undefined) this.#check(asked);
    return (asked ?? this.list())
      .filter(({ scale }) => scale !== 0)
      .map(({ id, scale }) => ({ id: this.#find(id).native, scale }))
      .toSorted((a, b) => a.id - b.id);
  }

  #check(scales: readonly AdapterScale[]): void {
    for (const { id, scale } of scales) {
      this.#find(id);
      checkScale(scale);
    }
    if (new Set(scales.map(({ id }) => id)).size !== scales.length)
      throw new ZellError('invalid_request', 'An adapter is named twice.');
  }

  #find(id: number): Loaded {
    const found = this.#loaded.get(id);
    if (found === undefined) throw new ZellError('not_found', `Adapter ${id} is not loaded.`);
    return found;
  }
}

function checkScale(scale: number): void {
  if (typeof scale !== 'number' || !(Math.abs(scale) <= MOST_SCALE))
    throw new ZellError('invalid_request', `An adapter's scale is a number from ${-MOST_SCALE} to ${MOST_SCALE}.`);
}
