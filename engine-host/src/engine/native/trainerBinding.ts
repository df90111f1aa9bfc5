/** What the addon's trainer gives; `nativeTrainer.ts` beside this file is how the program uses it. */
import type { SparseDistributions, TrainerItem, TrainPlan, TrainProgress, TrainRecipe } from '#protocol/trainer.ts';

/** One promise at a time; `pause`, `resume`, `stop` and `close` at any. Errors have a `code` of protocol/src/errors.ts. */
export interface NativeTrainerHandle {
  plan(): TrainPlan;
  addItems(items: readonly TrainerItem[]): void;
  steps(): number;
  run(steps: number, onProgress: (progress: TrainProgress) => void): Promise<TrainProgress>;
  pause(): void;
  resume(): void;
  /** The promise in flight rejects with `cancelled` soon, if it is of `run` or `baseDistributions`. */
  stop(): void;
  saveCheckpoint(path: string): Promise<void>;
  loadCheckpoint(path: string): Promise<void>;
  /** SHA-256 of the file. */
  saveAdapter(path: string, metadata: Readonly<Record<string, string>>): Promise<string>;
  adapterHash(): Promise<string>;
  baseDistributions(tokens: Int32Array, loss: Uint8Array, top: number): Promise<SparseDistributions>;
  close(): void;
}

/** The part of the addon that opens trainers. */
export interface TrainerAddon {
  openTrainer(path: string, recipe: TrainRecipe, warmStart?: string): Promise<NativeTrainerHandle>;
}
