/** Beginnings that are being read from the disk, beside running steps; what was read goes to the tree between two steps. */
import { commonPrefix } from '../disk/commonPrefix.ts';
import type { DiskPrefix, DiskTier } from '../disk/diskTier.ts';
import type { NativeModel } from '../native/binding.ts';
import type { Entry } from './entry.ts';
import type { PrefixTree } from './prefixTree.ts';

interface Reading {
  readonly entry: Entry;
  readonly tokens: readonly number[];
  wanted: boolean;
}

export class Restores {
  readonly #model: Pick<NativeModel, 'freeSequence' | 'truncateSequence'>;
  readonly #tree: PrefixTree;
  readonly #disk: DiskTier | undefined;
  readonly #onDone: () => void;
  readonly #reading = new Set<Reading>();
  readonly #promises = new Set<Promise<void>>();
  #done: { readonly reading: Reading; readonly result: Awaited<ReturnType<DiskTier['restore']>> }[] = [];

  /** `onDone`: something can be taken. */
  constructor(
    model: Pick<NativeModel, 'freeSequence' | 'truncateSequence'>,
    tree: PrefixTree,
    disk: DiskTier | undefined,
    onDone: () => void,
  ) {
    this.#model = model;
    this.#tree = tree;
    this.#disk = disk;
    this.#onDone = onDone;
  }

  get busy(): boolean {
    return this.#reading.size > 0 && this.#done.length === 0;
  }

  /** Blocks are taken for what is being read, or was just read. */
  get open(): boolean {
    return this.#reading.size > 0;
  }

  /** Resolves when something can be taken; at once when nothing is being read. */
  async done(): Promise<void> {
    if (this.busy) await Promise.race(this.#promises);
  }

  /** Whether somebody else's reading brings (all of) this. */
  covers(entry: Entry, prefix: DiskPrefix): boolean {
    return [...this.#reading].some(
      (other) =>
        other.entry !== entry &&
        other.entry.key === entry.key &&
        commonPrefix(other.tokens, entry.task.tokens, prefix.tokens) === prefix.tokens,
    );
  }

  /** Between steps only. */
  begin(entry: Entry, prefix: DiskPrefix): void {
    if (this.#disk === undefined) return;
    entry.restore = 'reading';
    const reading: Reading = { entry, tokens: entry.task.tokens.slice(0, prefix.tokens), wanted: true };
    this.#reading.add(reading);
    const promise = this.#disk.restore(prefix, entry.task.adapters).then((result) => {
      this.#done.push({ reading, result });
      this.#promises.delete(promise);
      this.#onDone();
    });
    this.#promises.add(promise);
  }

  /** Hands what was read to the tree. Between steps only. */
  take(): void {
    for (const { reading, result } of this.#done.splice(0)) {
      this.#reading.delete(reading);
      reading.entry.restore = 'over';
      if (result === undefined) continue;
      if (result.tokens === 0 || !reading.wanted) this.#model.freeSequence(result.sequence);
      else {
        const tokens = reading.tokens.slice(0, result.tokens);
        // Of the last block only its beginning may be the same text.
        if (tokens.length < result.tokens) this.#model.truncateSequence(result.sequence, tokens.length);
        this.#tree.add(reading.entry.key, tokens, result.sequence);
      }
    }
  }

  /** What is being read is of no use any more. */
  discard(): void {
    for (const reading of this.#reading) reading.wanted = false;
  }

  /** Waits for what is being read, and takes it. */
  async settled(): Promise<void> {
    await Promise.all(this.#promises);
    this.take();
  }
}
