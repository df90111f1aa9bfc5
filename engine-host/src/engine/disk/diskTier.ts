/** Known prefixes on the disk: which blocks lie in which file; writes new ones in the background, reads them back. */
import { createHash } from 'node:crypto';
import type { AdapterScale } from '#protocol/generation.ts';
import type { BlockRange, NativeModel } from '../native/binding.ts';
import { commonPrefix } from './commonPrefix.ts';
import { chainHashes, encodeHeader, headerBytesOf, seedsOf, type PrefixHeader } from './prefixFile.ts';
import { PrefixFolder, type PrefixFile } from './prefixFolder.ts';

/** A text shorter than this is computed again as fast. */
export const LEAST_SAVED_TOKENS = 512;
/** New blocks behind those that are saved already are worth a file of their own from so many tokens on. */
const LEAST_ADDED_TOKENS = 128;
/** One text takes at most this part of the room: its beginning, which others may share, is kept. */
const MOST_OF_ROOM = 1 / 4;
/** Files written at a time; what comes meanwhile is left to its next use. */
const MOST_WRITES = 4;

/** A beginning that lies on the disk. */
export interface DiskPrefix {
  /** May end within the last block that is read. */
  readonly tokens: number;
  readonly ranges: readonly BlockRange[];
  readonly files: readonly PrefixFile[];
  readonly seeds: Uint8Array;
}

interface Place {
  /** Of the block, and of the one before it. */
  readonly hash: Buffer;
  readonly parent: string;
  readonly tokens: Int32Array;
  readonly file: PrefixFile;
  readonly index: number;
  readonly blocksInFile: number;
  readonly headerBytes: number;
}

export interface DiskTierOptions {
  readonly folder: string;
  readonly maxBytes: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** See `prefixKey`; until it is known nothing is found or saved. */
  readonly key: (folder: string) => Promise<Buffer>;
}

/** Failures of the disk are never a request's: what cannot be written or read is computed. */
export class DiskTier {
  readonly #model: NativeModel;
  readonly #folder: PrefixFolder;
  readonly #blockTokens: number;
  /** Of one text. */
  readonly #mostTokens: number;
  readonly #places = new Map<string, Place>();
  /** By the hash of the block before them. */
  readonly #following = new Map<string, Set<Place>>();
  readonly #writing = new Set<string>();
  readonly #writes = new Set<Promise<void>>();
  #key: Buffer | undefined;
  /** Counts up when everything is forgotten: what was begun before then must not stay. */
  #age = 0;
  #onWritten: () => void = () => undefined;
  /** Resolves when what lies in the folder is known; never rejects. */
  readonly ready: Promise<void>;

  constructor(model: NativeModel, options: DiskTierOptions) {
    this.#model = model;
    const { blockTokens, blockBytes } = model.kvUsage();
    this.#blockTokens = blockTokens;
    this.#mostTokens = Math.floor((options.maxBytes * MOST_OF_ROOM) / Math.max(1, blockBytes)) * blockTokens;
    this.#folder = new PrefixFolder(options.folder, options.maxBytes, options.now);
    this.ready = this.#open(options).catch(() => undefined);
  }

  get bytes(): number {
    return this.#folder.bytes;
  }

  /** Blocks are held until they are written. */
  get writing(): boolean {
    return this.#writes.size > 0;
  }

  /** Called whenever a write has ended, well or not. */
  onWritten(listener: () => void): void {
    this.#onWritten = listener;
  }

  /** Resolves when a write has ended; at once when there is none. */
  async written(): Promise<void> {
    if (this.writing) await Promise.race(this.#writes);
  }

  /**
   * The longest beginning of `tokens` of at most `limit` tokens that lies on the disk. `adapters`: names those that it was computed
   * with, by content and scale.
   */
  find(tokens: readonly number[], limit: number, adapters = ''): DiskPrefix | undefined {
    if (this.#key === undefined || this.#places.size === 0) return undefined;
    const places: Place[] = [];
    let last = rootOf(this.#key, adapters);
    for (const hash of chainHashes(last, tokens.slice(0, limit), this.#blockTokens)) {
      const place = this.#places.get(hash.toString('hex'));
      if (place === undefined) break;
      places.push(place);
      last = hash;
    }
    const whole = places.length * this.#blockTokens;
    const rest = this.#beginning(last, tokens, whole, limit);
    if (rest !== undefined) places.push(rest.place);
    if (places.length === 0) return undefined;
    const files = [...new Set(places.map(({ file }) => file))];
    const seeds = seedsOf(places.map(({ hash }) => hash));
    return { tokens: whole + (rest?.tokens ?? 0), ranges: this.#ranges(places), files, seeds };
  }

  /** The block behind `last` that shares most of its beginning with `tokens` from `from` on, up to `limit`. */
  #beginning(
    last: Buffer,
    tokens: readonly number[],
    from: number,
    limit: number,
  ): { readonly place: Place; readonly tokens: number } | undefined {
    let best: { readonly place: Place; readonly tokens: number } | undefined;
    for (const place of this.#following.get(last.toString('hex')) ?? []) {
      const shared = commonPrefix(place.tokens, tokens, limit - from, from);
      if (shared > (best?.tokens ?? 0)) best = { place, tokens: shared };
    }
    return best;
  }

  #ranges(places: readonly Place[]): BlockRange[] {
    const ranges: { -readonly [K in keyof BlockRange]: BlockRange[K] }[] = [];
    for (const { file, index, blocksInFile, headerBytes } of places) {
      const last = ranges.at(-1);
      const path = `${this.#folder.folder}/${file.name}`;
      if (last?.path === path && last.first + last.count === index) last.count++;
      else ranges.push({ path, headerBytes, blocksInFile, first: index, count: 1 });
    }
    return ranges;
  }

  /**
   * Call between steps; needs KV room for all of it. Files that turn out to be damaged go.
   * @returns a sequence with as many tokens as could be read, whole blocks: up to a block more than `prefix.tokens`; undefined when
   * there is none
   */
  async restore(
    prefix: DiskPrefix,
    adapters: readonly AdapterScale[] = [],
  ): Promise<{ readonly sequence: number; readonly tokens: number } | undefined> {
    const blocks = prefix.ranges.reduce((sum, { count }) => sum + count, 0);
    try {
      const restored = await this.#model.restoreBlocks(prefix.ranges, prefix.seeds, adapters);
      if (restored.tokens < blocks * this.#blockTokens) await this.#dropDamaged(prefix, restored.tokens);
      else void this.#folder.touch(prefix.files);
      return restored;
    } catch {
      return undefined;
    }
  }

  /**
   * Begins to write the whole blocks of `tokens`, which `sequence` holds, that are not on the disk yet. Call between steps.
   * They are held until then (`writing`), whatever happens to the sequence.
   */
  save(sequence: number, tokens: readonly number[], adapters = ''): void {
    const key = this.#key;
    const most = tokens.slice(0, this.#mostTokens);
    if (key === undefined || most.length < LEAST_SAVED_TOKENS || this.#writes.size >= MOST_WRITES) return undefined;
    const root = rootOf(key, adapters);
    const hashes = chainHashes(root, most, this.#blockTokens);
    const names = hashes.map((hash) => hash.toString('hex'));
    this.#keepYoung(names);
    const first = names.findIndex((name) => !this.#places.has(name) && !this.#writing.has(name));
    if (first < 0 || (hashes.length - first) * this.#blockTokens < LEAST_ADDED_TOKENS) return;
    const header = {
      key,
      parent: hashes[first - 1] ?? root,
      blockTokens: this.#blockTokens,
      firstBlock: first,
      tokens: Int32Array.from(most.slice(first * this.#blockTokens, hashes.length * this.#blockTokens)),
    };
    const path = this.#folder.pathOf(hashes.at(-1) ?? key);
    const added = names.slice(first);
    for (const name of added) this.#writing.add(name);
    const age = this.#age;
    const write = this.#model
      .saveBlocks(sequence, first, path, encodeHeader(header), seedsOf(hashes.slice(first)))
      .then(() => this.#written(path, header, age))
      .catch(() => undefined)
      .finally(() => {
        for (const name of added) this.#writing.delete(name);
        this.#writes.delete(write);
        this.#onWritten();
      });
    this.#writes.add(write);
  }

  /** Deletes everything, what is being written included. */
  async forget(): Promise<void> {
    this.#age++;
    this.#places.clear();
    this.#following.clear();
    await this.#folder.removeAll();
    await this.settled();
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.ready;
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  async #open(options: DiskTierOptions): Promise<void> {
    const found = await this.#folder.open();
    const key = await options.key(options.folder);
    for (const { file, header } of found) {
      if (!header.key.equals(key) || header.blockTokens !== this.#blockTokens) continue;
      this.#index(file, header);
    }
    this.#key = key;
  }

  async #written(path: string, header: PrefixHeader, age: number): Promise<void> {
    const file = await this.#folder.add(path, header.firstBlock);
    if (file === undefined) return;
    if (age !== this.#age) {
      await this.#folder.remove(file);
      return;
    }
    // A file of the same end may have begun elsewhere.
    this.#unindex(file);
    this.#index(file, header);
    for (const gone of await this.#folder.trim()) this.#unindex(gone);
  }

  /** What is used from memory must not go from the disk as if nobody used it. */
  #keepYoung(names: readonly string[]): void {
    const files = new Set<PrefixFile>();
    for (const name of names) {
      const file = this.#places.get(name)?.file;
      if (file === undefined) break;
      files.add(file);
    }
    if ([...files].some((file) => this.#folder.isAged(file))) void this.#folder.touch(files);
  }

  #index(file: PrefixFile, header: PrefixHeader): void {
    const hashes = chainHashes(header.parent, header.tokens, this.#blockTokens);
    hashes.forEach((hash, index) => {
      const name = hash.toString('hex');
      if (this.#places.has(name)) return;
      const parent = (hashes[index - 1] ?? header.parent).toString('hex');
      const tokens = header.tokens.subarray(index * this.#blockTokens, (index + 1) * this.#blockTokens);
      const headerBytes = headerBytesOf(header.tokens.length);
      const place = { hash, parent, tokens, file, index, blocksInFile: hashes.length, headerBytes };
      this.#places.set(name, place);
      const following = this.#following.get(parent);
      if (following === undefined) this.#following.set(parent, new Set([place]));
      else following.add(place);
    });
  }

  #unindex(file: PrefixFile): void {
    for (const [name, place] of this.#places) {
      if (place.file.name !== file.name) continue;
      this.#places.delete(name);
      const following = this.#following.get(place.parent);
      following?.delete(place);
      if (following?.size === 0) this.#following.delete(place.parent);
    }
  }

  /** The file that the first missing block lies in. */
  async #dropDamaged(prefix: DiskPrefix, tokens: number): Promise<void> {
    let blocks = tokens / this.#blockTokens;
    for (const range of prefix.ranges) {
      if (blocks >= range.count) {
        blocks -= range.count;
        continue;
      }
      const damaged = prefix.files.find((file) => range.path.endsWith(file.name));
      if (damaged === undefined) return;
      this.#unindex(damaged);
      await this.#folder.remove(damaged);
      return;
    }
  }
}

/** What stands before a text's first block. */
function rootOf(key: Buffer, adapters: string): Buffer {
  return adapters === '' ? key : createHash('sha256').update(key).update(adapters).digest();
}
