/** Gives a task its sequence: the longest known beginning of its tokens, the rest to be evaluated. */
import type { NativeModel } from '../native/binding.ts';
import type { Entry } from './entry.ts';
import { commonPrefix, type KeptSequence, type KeptSequences } from './keptSequences.ts';

interface Source {
  readonly length: number;
  /** Absent: the beginning lies in a running sequence. */
  readonly kept?: KeptSequence;
  readonly sequence?: number;
}

/** Tokens that a sequence holds, and how many come. */
export interface Growth {
  readonly held: number;
  readonly more: number;
}

/** Use only between steps. */
export class Admission {
  readonly #model: NativeModel;
  readonly #kept: KeptSequences;

  constructor(model: NativeModel, kept: KeptSequences) {
    this.#model = model;
    this.#kept = kept;
  }

  /**
   * Makes room for the whole of the entry's tokens, then gives it a sequence.
   * False: there is not enough memory beside the `running` ones; with none running it is always admitted, and a step tells.
   */
  admit(entry: Entry, running: readonly Entry[]): boolean {
    const source = entry.sequence === undefined ? this.#source(entry, running) : { length: entry.evaluated };
    const room = this.#makeRoomFor(
      [{ held: source.length, more: entry.task.tokens.length - source.length }],
      source.kept,
    );
    if (!room && running.length > 0) return false;
    if (entry.sequence !== undefined) return true;
    entry.sequence = this.#sequenceFrom(source);
    entry.evaluated = source.length;
    const { sampling } = entry.task;
    if (sampling !== undefined) this.#model.setSampler(entry.sequence, sampling, Int32Array.from(entry.task.tokens));
    entry.task.admitted(source.length);
    return true;
  }

  /** Evicts kept sequences until each of `growths` (tokens held, tokens to come) fits; false when they do not even then. */
  makeRoom(growths: readonly Growth[]): boolean {
    return this.#makeRoomFor(growths, undefined);
  }

  /** Hands a finished or cancelled entry's sequence to the kept ones. */
  keep(entry: Entry): void {
    if (entry.sequence === undefined) return;
    const { sequence } = entry;
    entry.sequence = undefined;
    const length = entry.task.embedding === undefined ? this.#model.sequenceLength(sequence) : 0;
    if (length === 0) this.#model.freeSequence(sequence);
    else this.#kept.add({ sequence, key: entry.key, tokens: entry.task.tokens.slice(0, length) });
  }

  free(entry: Entry): void {
    if (entry.sequence !== undefined) this.#model.freeSequence(entry.sequence);
    entry.sequence = undefined;
  }

  #makeRoomFor(growths: readonly Growth[], except: KeptSequence | undefined): boolean {
    for (;;) {
      const { used, total, blockTokens } = this.#model.kvUsage();
      let blocks = 0;
      for (const { held, more } of growths)
        blocks += Math.ceil((held + more) / blockTokens) - Math.floor(held / blockTokens);
      if (blocks <= total - used) return true;
      if (!this.#kept.evictOldest(except)) return false;
    }
  }

  #source(entry: Entry, running: readonly Entry[]): Source {
    const { tokens, embedding } = entry.task;
    // Every token's output counts.
    if (embedding !== undefined) return { length: 0 };
    // The last token is always evaluated again: its logits were not kept.
    const limit = tokens.length - 1;
    let best: Source = { length: 0 };
    const found = this.#kept.best(entry.key, tokens, limit);
    if (found !== undefined) best = { length: found.length, kept: found.kept };
    for (const other of running) {
      if (other.sequence === undefined || other.key !== entry.key || other.task.embedding?.whole === true) continue;
      const length = commonPrefix(other.task.tokens, tokens, Math.min(limit, other.evaluated));
      if (length > best.length) best = { length, sequence: other.sequence };
    }
    return best;
  }

  #sequenceFrom(source: Source): number {
    const { kept, length } = source;
    if (kept !== undefined) {
      if (length === kept.tokens.length) {
        // The new request continues all of it: nothing is lost by taking it over.
        this.#kept.take(kept);
        return kept.sequence;
      }
      this.#kept.touch(kept);
      return this.#model.forkSequence(kept.sequence, length);
    }
    if (source.sequence !== undefined) return this.#model.forkSequence(source.sequence, length);
    return this.#model.createSequence();
  }
}
