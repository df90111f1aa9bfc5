/** Takes the KV memory of tasks that go on later; what may lie on the disk is written there first, the rest is computed again. */
import type { DiskTier } from '../disk/diskTier.ts';
import type { NativeModel } from '../native/binding.ts';
import { writable, type Entry } from './entry.ts';

export class Parking {
  readonly #model: Pick<NativeModel, 'truncateSequence'>;
  readonly #disk: DiskTier | undefined;

  /** `onDone`: memory has become free. */
  constructor(model: Pick<NativeModel, 'truncateSequence'>, disk: DiskTier | undefined, onDone: () => void) {
    this.#model = model;
    this.#disk = disk;
    disk?.onWritten(onDone);
  }

  /** Blocks (of whomever) are being written and will be free soon: nobody else need give up its own. */
  get busy(): boolean {
    return this.#disk?.writing === true;
  }

  /**
   * The entry's sequence holds nothing any more; it and the state of its sampler stay. Its memory is free at once, or when it is
   * written. Between steps only.
   */
  park(entry: Entry): void {
    const { sequence, evaluated, task } = entry;
    if (sequence === undefined) return;
    // Embeddings add up what each token gave: they are computed in one go.
    if (entry.keep && task.embedding === undefined && entry.stored !== undefined)
      this.#disk?.save(sequence, writable(task, evaluated), entry.stored);
    this.#model.truncateSequence(sequence, 0);
    entry.evaluated = 0;
    entry.parked = true;
    entry.restore = 'open';
  }

  /** Resolves when a write has ended; at once when there is none. */
  async done(): Promise<void> {
    await this.#disk?.written();
  }
}
