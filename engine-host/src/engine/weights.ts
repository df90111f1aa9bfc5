/** Where a model's weights are read from: the mapped file, or, where that is faster and memory allows, a copy in large pages. */
import type { WeightPlacement } from '#protocol/model.ts';
import type { MemoryFigures, NativeModel } from './native/binding.ts';

/** After loading, so that a request that came with it has its first tokens before anything is copied. */
const START_MS = 1500;
/** Of memory that stays available beside a copy and the file's pages: the larger of both. */
const SPARE_BYTES = 2 * 1024 ** 3;
const SPARE_SHARE = 1 / 8;
/** What stays available when the user asks for the copy. */
const LEAST_SPARE_BYTES = 512 * 1024 ** 2;

/**
 * Bytes of memory that must stay available while weights are copied; undefined: they stay mapped. Files that the processor's
 * caches hold gain nothing. The system may keep the file's own pages, for the next start and for other processes.
 */
export function spareForCopy(
  wish: WeightPlacement,
  fileBytes: number,
  { totalBytes, availableBytes, lastLevelCacheBytes, largePages }: MemoryFigures,
): number | undefined {
  if (wish === 'mapped') return undefined;
  if (wish === 'resident') return LEAST_SPARE_BYTES;
  if (!largePages || fileBytes <= lastLevelCacheBytes || lastLevelCacheBytes === 0) return undefined;
  const spare = fileBytes + Math.max(SPARE_BYTES, totalBytes * SPARE_SHARE);
  return availableBytes >= fileBytes + spare ? spare : undefined;
}

/** One model's; copies once, soon after it was made. */
export class Weights {
  /** Resolves when nothing is copied any more. Never rejects: without the copy everything works the same. */
  readonly settled: Promise<void>;
  #close: () => void = () => undefined;

  constructor(model: NativeModel, wish: WeightPlacement, memory: MemoryFigures) {
    const spare = spareForCopy(wish, model.info.bytes, memory);
    if (spare === undefined) {
      this.settled = Promise.resolve();
      return;
    }
    this.settled = new Promise((resolve) => {
      const timer = setTimeout(() => {
        model.moveWeightsToMemory(spare).then(resolve, () => resolve());
      }, START_MS);
      timer.unref();
      this.#close = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Before the model is closed, which ends a copy that runs. */
  close(): void {
    this.#close();
  }
}
