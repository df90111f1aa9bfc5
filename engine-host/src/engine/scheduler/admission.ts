/** Gives a task its sequence: the longest known beginning of its tokens, the rest to be evaluated. */
import { PRIORITIES } from '#protocol/generation.ts';
import { ZellError } from '#protocol/errors.ts';
import { commonPrefix } from '../disk/commonPrefix.ts';
import type { DiskPrefix, DiskTier } from '../disk/diskTier.ts';
import type { NativeModel } from '../native/binding.ts';
import type { Task } from '../inference/task.ts';
import { writable, type Entry } from './entry.ts';
import type { KnownPrefix, PrefixTree } from './prefixTree.ts';

/** Waiting for another request's computation pays from so many tokens on. */
export const LEAST_SHARED = 32;

/** Reading from the disk pays from so many tokens on. */
export const LEAST_RESTORED = 128;

/** The last class whose requests are turns of conversations. */
const LAST_CONVERSATION = PRIORITIES.indexOf('api');

/**
 * Whoever gave its memory away goes on when there is room for so many more tokens of each answer: it has to compute again what it
 * held, which must not be for a few tokens.
 */
const RESUMED_ROOM = 64;

/** Tokens that a sequence holds, and how many come. */
export interface Growth {
  readonly held: number;
  readonly more: number;
}

/** Use only between steps. */
export class Admission {
  readonly #model: NativeModel;
  readonly #tree: PrefixTree;
  readonly #capacity: number;
  readonly #disk: DiskTier | undefined;

  constructor(model: NativeModel, tree: PrefixTree, disk?: DiskTier) {
    this.#disk = disk;
    this.#model = model;
    this.#tree = tree;
    const { total, blockTokens } = model.kvUsage();
    this.#capacity = total * blockTokens;
  }

  /** @throws {ZellError} out_of_memory, with the numbers, for what would not fit into an empty KV cache. */
  refuseImpossible(task: Task): void {
    const needed = task.tokens.length;
    if (needed > this.#capacity)
      throw new ZellError(
        'out_of_memory',
        `The request needs room for ${needed} tokens; the KV cache has memory for ${this.#capacity}. Shorten the prompt or free memory.`,
        { details: { tokens: needed, capacity: this.#capacity } },
      );
  }

  /**
   * Makes room for the whole of the entry's tokens, then gives it a sequence.
   * `holders`: the entries whose sequences it may share. `growing`: what those need that are admitted already.
   * False: there is not enough memory beside the running ones; one that is `alone` is always admitted, and a step tells.
   */
  admit(entry: Entry, holders: readonly Entry[], growing: readonly Growth[], alone: boolean): boolean {
    const found = entry.evaluated === 0 ? this.#source(entry, holders) : undefined;
    // For one that waits to go on a few tokens are not worth the trouble.
    const source = entry.sequence !== undefined && (found?.length ?? 0) < LEAST_SHARED ? undefined : found;
    const held = source?.length ?? entry.evaluated;
    // The fork comes first: eviction may take the branch that it shares.
    const sequence = this.#sequenceFrom(source, entry.sequence);
    const wanted = [{ held, more: entry.task.tokens.length - held }, ...growing];
    const reserve = entry.parked ? RESUMED_ROOM : 0;
    const room = this.makeRoom(wanted.map((growth) => ({ ...growth, more: growth.more + reserve })));
    if (!room && !alone) {
      if (entry.sequence === undefined) this.#model.freeSequence(sequence);
      else if (source !== undefined) this.#model.truncateSequence(sequence, 0);
      return false;
    }
    entry.evaluated = held;
    entry.parked = false;
    if (entry.sequence !== undefined) return true;
    entry.sequence = sequence;
    entry.reused = held;
    const { sampling, tokens, constraint } = entry.task;
    if (sampling !== undefined) this.#model.setSampler(sequence, sampling, Int32Array.from(tokens), constraint);
    entry.task.admitted(held);
    return true;
  }

  /**
   * The running entry that is about to compute a longer beginning of `entry` than anybody holds now; undefined when it does not
   * pay to wait for one.
   */
  leader(entry: Entry, running: readonly Entry[]): Entry | undefined {
    if (entry.evaluated > 0 || entry.task.embedding !== undefined) return undefined;
    const { tokens } = entry.task;
    let leader: Entry | undefined;
    let longest = 0;
    let held = 0;
    for (const other of running) {
      if (!shares(other, entry)) continue;
      const length = commonPrefix(other.task.tokens, tokens, tokens.length - 1);
      held = Math.max(held, Math.min(length, other.evaluated));
      if (length > longest && other.evaluated < length) [leader, longest] = [other, length];
    }
    if (leader === undefined || longest < held + LEAST_SHARED) return undefined;
    held = Math.max(held, this.#tree.find(entry.key, tokens, tokens.length - 1)?.length ?? 0);
    return longest < held + LEAST_SHARED ? undefined : leader;
  }

  /**
   * A beginning on the disk that is worth reading: it is longer than what memory holds. `later`: there is no room for it yet.
   */
  onDisk(entry: Entry, holders: readonly Entry[], growing: readonly Growth[]): DiskPrefix | 'later' | undefined {
    const { tokens, embedding } = entry.task;
    if (this.#disk === undefined || entry.evaluated > 0 || entry.stored === undefined || embedding !== undefined)
      return undefined;
    const found = this.#disk.find(tokens, tokens.length - 1, entry.stored);
    if (found === undefined) return undefined;
    const held = this.#source(entry, holders)?.length ?? 0;
    if (found.tokens < held + LEAST_RESTORED) return undefined;
    return this.makeRoom([{ held: 0, more: found.tokens }, ...growing]) ? found : 'later';
  }

  /** Evicts known prefixes until each of `growths` (tokens held, tokens to come) fits; false when they do not even then. */
  makeRoom(growths: readonly Growth[]): boolean {
    for (;;) {
      const missing = this.#blocksMissing(growths);
      if (missing <= 0) return true;
      if (!this.#tree.evict(missing * this.#model.kvUsage().blockTokens)) return false;
    }
  }

  /** Whether each of `growths` fits as things are. */
  hasRoom(growths: readonly Growth[]): boolean {
    return this.#blocksMissing(growths) <= 0;
  }

  #blocksMissing(growths: readonly Growth[]): number {
    const { used, total, blockTokens } = this.#model.kvUsage();
    let blocks = 0;
    for (const { held, more } of growths)
      blocks += Math.ceil((held + more) / blockTokens) - Math.floor(held / blockTokens);
    return blocks - (total - used);
  }

  /** Hands a finished or cancelled entry's sequence to the tree. */
  keep(entry: Entry): void {
    if (entry.sequence === undefined) return;
    const { sequence } = entry;
    entry.sequence = undefined;
    const held = entry.keep && entry.task.embedding === undefined ? this.#model.sequenceLength(sequence) : 0;
    // Right guesses of the last step lie behind what the task took.
    const length = Math.min(held, entry.task.tokens.length);
    if (length < held) this.#model.truncateSequence(sequence, length);
    if (length === 0) this.#model.freeSequence(sequence);
    else this.#keepHeld(entry, sequence, length);
  }

  #keepHeld(entry: Entry, sequence: number, length: number): void {
    const tokens = entry.task.tokens.slice(0, length);
    if (entry.stored !== undefined) {
      // Of what programs send in bulk only that is written which was of use a second time.
      const worth = entry.rank <= LAST_CONVERSATION ? length : Math.min(length, entry.reused);
      this.#disk?.save(sequence, writable(entry.task, worth), entry.stored);
    }
    this.#tree.add(entry.key, tokens, sequence);
  }

  #source(entry: Entry, holders: readonly Entry[]): KnownPrefix | undefined {
    const { tokens, embedding } = entry.task;
    // Every token's output counts.
    if (embedding !== undefined) return undefined;
    // The last token is always evaluated again: its logits were not kept.
    const limit = tokens.length - 1;
    let best = this.#tree.find(entry.key, tokens, limit);
    for (const other of holders) {
      if (other.sequence === undefined || !shares(other, entry)) continue;
      const length = commonPrefix(other.task.tokens, tokens, Math.min(limit, other.evaluated));
      if (length > (best?.length ?? 0)) best = { length, sequence: other.sequence };
    }
    return best;
  }

  /** `own`: that of an entry which was paused; it gets the beginning. */
  #sequenceFrom(source: KnownPrefix | undefined, own: number | undefined): number {
    if (own !== undefined) {
      if (source !== undefined) this.#model.adoptPrefix(own, source.sequence, source.length);
      return own;
    }
    return source === undefined
      ? this.#model.createSequence()
      : this.#model.forkSequence(source.sequence, source.length);
  }
}

/** Keys and values of `other` are also those of `entry`, as far as their tokens are the same. */
function shares(other: Entry, entry: Entry): boolean {
  return other !== entry && other.key === entry.key && other.task.embedding?.whole !== true;
}
