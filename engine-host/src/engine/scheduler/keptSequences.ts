/** Sequences of finished requests, kept so that a request with the same beginning need not evaluate it again. */
import type { NativeModel } from '../native/binding.ts';

export interface KeptSequence {
  readonly sequence: number;
  /** The adapters that it was computed with, see `adapterKey`. */
  readonly key: string;
  /** Exactly what the sequence holds. */
  readonly tokens: readonly number[];
}

/** How many leading tokens two lists share, up to `limit`. */
export function commonPrefix(a: readonly number[], b: readonly number[], limit: number): number {
  const most = Math.min(a.length, b.length, limit);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}

function usesAdapter(key: string, id: number): boolean {
  return key.split(' ').some((part) => part.startsWith(`${id}:`));
}

/** Owns its sequences. Use only between steps. */
export class KeptSequences {
  readonly #model: Pick<NativeModel, 'freeSequence'>;
  readonly #most: number;
  /** Least recently used first. */
  #kept: KeptSequence[] = [];
  /** Native ids of adapters that were unloaded. */
  readonly #dropped = new Set<number>();

  constructor(model: Pick<NativeModel, 'freeSequence'>, most: number) {
    this.#model = model;
    this.#most = most;
  }

  get size(): number {
    return this.#kept.length;
  }

  /** The one of the same adapters that shares most with `tokens`; none that shares nothing. */
  best(
    key: string,
    tokens: readonly number[],
    limit: number,
  ): { readonly kept: KeptSequence; readonly length: number } | undefined {
    let found: { kept: KeptSequence; length: number } | undefined;
    for (const kept of this.#kept) {
      if (kept.key !== key) continue;
      const length = commonPrefix(kept.tokens, tokens, limit);
      if (length > (found?.length ?? 0)) found = { kept, length };
    }
    return found;
  }

  /** Marks as used just now. */
  touch(kept: KeptSequence): void {
    this.take(kept);
    this.#kept.push(kept);
  }

  /** Gives it to the caller. */
  take(kept: KeptSequence): void {
    this.#kept = this.#kept.filter((k) => k !== kept);
  }

  /** Takes ownership. Of two where one begins with the other, the longer stays. */
  add(kept: KeptSequence): void {
    if ([...this.#dropped].some((id) => usesAdapter(kept.key, id))) {
      this.#model.freeSequence(kept.sequence);
      return;
    }
    for (const other of this.#kept) {
      if (other.key !== kept.key) continue;
      const shared = commonPrefix(other.tokens, kept.tokens, Infinity);
      if (shared === kept.tokens.length) {
        this.#model.freeSequence(kept.sequence);
        this.touch(other);
        return;
      }
      if (shared === other.tokens.length) this.#evict(other);
    }
    this.#kept.push(kept);
    while (this.#kept.length > this.#most) this.evictOldest();
  }

  /** Frees the least recently used one but `except`; false when there is none. */
  evictOldest(except?: KeptSequence): boolean {
    const oldest = this.#kept.find((k) => k !== except);
    if (oldest === undefined) return false;
    this.#evict(oldest);
    return true;
  }

  /** Nobody can ask for this adapter again: what was computed with it is freed, now and when it comes. */
  dropAdapter(id: number): void {
    this.#dropped.add(id);
    for (const kept of this.#kept) if (usesAdapter(kept.key, id)) this.#evict(kept);
  }

  clear(): void {
    while (this.evictOldest());
  }

  #evict(kept: KeptSequence): void {
    this.take(kept);
    this.#model.freeSequence(kept.sequence);
  }
}
