/** The native trainer as the sleep cycle sees it: one model, one adapter in the making. Failures are ZellErrors. */
import type { SparseDistributions, TrainerItem, TrainPlan, TrainProgress, TrainRecipe } from '#protocol/trainer.ts';

/** Opens a model file for training. It maps the same bytes as inference does. */
export interface TrainerOpener {
  /**
   * @param warmStart a GGUF adapter for this model to go on from; its rank counts then. Absent: A random by seed, B zero.
   * @throws unsupported names the operation of the model that has no backward pass; out_of_memory the numbers that do not fit.
   */
  open(
    modelPath: string,
    recipe: TrainRecipe,
    options: { readonly warmStart?: string },
    signal: AbortSignal,
  ): Promise<NativeTrainer>;
}

/** One call of an asynchronous method at a time, `pause` and `resume` excepted. */
export interface NativeTrainer {
  readonly plan: TrainPlan;

  /** Before the first run. Order matters: the same items in the same order with the same seed give the same adapter. */
  addItems(items: readonly TrainerItem[]): void | Promise<void>;
  /** Steps of the whole training with the items so far: ⌈items × epochs / items that are no anchors in a step⌉. */
  steps(): number | Promise<number>;

  /**
   * Trains up to `steps` steps more, or to the end. Aborting ends it soon: what the unfinished step computed is dropped, and nothing
   * else; a later run repeats that step to the same bits.
   * @returns the last step's figures.
   * @throws cancelled.
   */
  run(steps: number, onProgress: (progress: TrainProgress) => void, signal: AbortSignal): Promise<TrainProgress>;
  /** Within 250 ms no thread computes any more, in the middle of a step too; `resume` goes on from there. */
  pause(): void;
  resume(): void;

  /** Everything that a later `loadCheckpoint` of an equal trainer (model, recipe, items) needs to end at the same bits. Between runs. */
  saveCheckpoint(path: string): Promise<void>;
  /** @throws invalid_request: of another model, recipe or items; bad_model_file: damaged. */
  loadCheckpoint(path: string): Promise<void>;

  /** Writes the GGUF adapter. `metadata` keys begin with `zell.`. */
  saveAdapter(path: string, metadata: Readonly<Record<string, string>>): Promise<{ readonly sha256: string }>;
  /** 64 hex digits over A and B: equal trainings end with equal ones. */
  adapterHash(): Promise<string>;

  /** What the model without any adapter answers at each counted token, as a `teacher` for an item of the same tokens. */
  baseDistributions(
    tokens: Int32Array,
    loss: Uint8Array,
    top: number,
    signal: AbortSignal,
  ): Promise<SparseDistributions>;

  /** Ends a run and frees everything. Closing twice is no error. */
  close(): Promise<void>;
}
