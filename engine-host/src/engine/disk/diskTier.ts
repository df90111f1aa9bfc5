/** Known prefixes on the disk: which blocks lie in which file; writes new ones in the background, reads them back. */
import type { BlockRange, NativeModel } from '../native/binding.ts';
import { chainHashes, encodeHeader, seedsOf } from './prefixFile.ts';
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
  readonly tokens: number;
  readonly ranges: readonly BlockRange[];
  readonly files: readonly PrefixFile[];
  readonly seeds: Uint8Array;
}

interface Place {
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
  readonly #writing = new Set<string>();
  readonly #writes = new Set<Promise<void>>();
  #key: Buffer | undefined;
  /** Counts up when everything is forgotten: what was begun before then must not stay. */
  #age = 0;
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

  /** The longest beginning of `tokens` of at most `limit` tokens that lies on the disk. */
  find(tokens: readonly number[], limit: number): DiskPrefix | undefined {
    if (this.#key === undefined || this.#places.size === 0) return undefined;
    const whole = tokens.slice(0, limit - (limit % this.#blockTokens));
    const ranges: { -readonly [K in keyof BlockRange]: BlockRange[K] }[] = [];
    const files = new Set<PrefixFile>();
    const hashes: Buffer[] = [];
    for (const hash of chainHashes(this.#key, whole, this.#blockTokens)) {
      const place = this.#places.get(hash.toString('hex'));
      if (place === undefined) break;
      const { file, index, blocksInFile, headerBytes } = place;
      const last = ranges.at(-1);
      const path = `${this.#folder.folder}/${file.name}`;
      if (last?.path === path && last.first + last.count === index) last.count++;
      else ranges.push({ path, headerBytes, blocksInFile, first: index, count: 1 });
      files.add(file);
      hashes.push(hash);
    }
    if (hashes.length === 0) return undefined;
    return { tokens: hashes.length * this.#blockTokens, ranges, files: [...files], seeds: seedsOf(hashes) };
  }

  /**
   * Call between steps; needs KV room for all of it. Files that turn out to be damaged go.
   * @returns a sequence with as many tokens as could be read; undefined when there is none
   */
  async restore(prefix: DiskPrefix): Promise<{ readonly sequence: number; readonly tokens: number } | undefined> {
    try {
      const restored = await this.#model.restoreBlocks(prefix.ranges, prefix.seeds);
      if (restored.tokens < prefix.tokens) await this.#dropDamaged(prefix, restored.tokens);
      else void this.#folder.touch(prefix.files);
      return restored;
    } catch {
      return undefined;
    }
  }

  /** Begins to write the whole blocks of `tokens`, which `sequence` holds, that are not on the disk yet. Call between steps. */
  save(sequence: number, tokens: readonly number[]): void {
    const key = this.#key;
    const most = tokens.slice(0, this.#mostTokens);
    if (key === undefined || most.length < LEAST_SAVED_TOKENS || this.#writes.size >= MOST_WRITES) return;
    const hashes = chainHashes(key, most, this.#blockTokens);
    const names = hashes.map((hash) => hash.toString('hex'));
    this.#keepYoung(names);
    const first = names.findIndex((name) => !this.#places.has(name) && !this.#writing.has(name));
    if (first < 0 || (hashes.length - first) * this.#blockTokens < LEAST_ADDED_TOKENS) return;
    const header = encodeHeader({
      key,
      parent: hashes[first - 1] ?? key,
      blockTokens: this.#blockTokens,
      firstBlock: first,
      tokens: Int32Array.from(most.slice(first * this.#blockTokens, hashes.length * this.#blockTokens)),
    });
    const path = this.#folder.pathOf(hashes.at(-1) ?? key);
    const added = names.slice(first);
    for (const name of added) this.#writing.add(name);
    const age = this.#age;
    const write = this.#model
      .saveBlocks(sequence, first, path, header, seedsOf(hashes.slice(first)))
      .then(() => this.#written(path, first, header.length, added, age))
      .catch(() => undefined)
      .finally(() => {
        for (const name of added) this.#writing.delete(name);
        this.#writes.delete(write);
      });
    this.#writes.add(write);
  }

  /** Deletes everything, what is being written included. */
  async forget(): Promise<void> {
    this.#age++;
    this.#places.clear();
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
      const hashes = chainHashes(header.parent, header.tokens, this.#blockTokens);
      const headerBytes = encodeHeader(header).length;
      const names = hashes.map((hash) => hash.toString('hex'));
      this.#index(file, headerBytes, names);
    }
    this.#key = key;
  }

  async #written(
    path: string,
    first: number,
    headerBytes: number,
    names: readonly string[],
    age: number,
  ): Promise<void> {
    const file = await this.#folder.add(path, first);
    if (file === undefined) return;
    if (age !== this.#age) {
      await this.#folder.remove(file);
      return;
    }
    // A file of the same end may have begun elsewhere.
    this.#unindex(file);
    this.#index(file, headerBytes, names);
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

  #index(file: PrefixFile, headerBytes: number, names: readonly string[]): void {
    names.forEach((name, index) => {
      if (!this.#places.has(name)) this.#places.set(name, { file, index, blocksInFile: names.length, headerBytes });
    });
  }

  #unindex(file: PrefixFile): void {
    for (const [name, place] of this.#places) if (place.file.name === file.name) this.#places.delete(name);
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
