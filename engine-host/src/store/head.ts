/**
 * The durable head: the smallest id that was never promised. Ids are taken from a reserved range, so that not even a crash after
 * the newest day file was removed can give one out twice; a crash leaves a gap of at most RESERVE ids.
 */
import { readFile } from 'node:fs/promises';
import { writeDurably } from './durable.ts';

const RESERVE = 256;

export class Head {
  readonly #file: string;
  #next: number;
  #reserved: number;

  private constructor(file: string, next: number) {
    this.#file = file;
    this.#next = next;
    this.#reserved = next;
  }

  /** `lastSeen`: the largest id found in the files. */
  static async open(file: string, lastSeen: number): Promise<Head> {
    let stored = 0;
    try {
      const value = JSON.parse(await readFile(file, 'utf8')) as { v?: unknown; next?: unknown } | null;
      if (value?.v === 1 && Number.isSafeInteger(value.next)) stored = value.next as number;
    } catch {
      // Missing or damaged: the files decide.
    }
    return new Head(file, Math.max(stored, lastSeen + 1, 1));
  }

  /** The largest id given out so far, or the one before the first. */
  get last(): number {
    return this.#next - 1;
  }

  /** `count` ids in a row, reserved on disk before they are returned. */
  async take(count: number): Promise<number> {
    if (this.#next + count > this.#reserved) {
      const reserved = this.#next + count + RESERVE;
      await this.#write(reserved);
      this.#reserved = reserved;
    }
    const first = this.#next;
    this.#next += count;
    return first;
  }

  /** Gives back the unused part of the reservation; for a clean end. */
  async close(): Promise<void> {
    if (this.#reserved !== this.#next) await this.#write(this.#next);
    this.#reserved = this.#next;
  }

  #write(next: number): Promise<void> {
    return writeDurably(this.#file, `${JSON.stringify({ v: 1, next })}\n`);
  }
}
