/** What training a LoRA adapter is asked for and says about itself. Data only: it crosses from the front to the trainer's process. */
import type { WireError } from './errors.ts';

/** How to train. Absent fields have the defaults named here. */
export interface TrainRecipe {
  /** Default 16. */
  readonly rank?: number;
  /** Default 32: what the adapter adds is multiplied by alpha / rank. */
  readonly alpha?: number;
  /** Which matrices learn: all seven of every layer (default), or the MLPs of the middle half of the layers. */
  readonly targets?: 'all' | 'middle-mlp';
  /** Peak. Default 5e-4. */
  readonly learningRate?: number;
  /** Share of all steps in which the rate rises from 0. Default 0.06. */
  readonly warmup?: number;
  /** Share of the peak at which the cosine ends. Default 0.1. */
  readonly finalRate?: number;
  /** AdamW's decay of weights. Default 0. */
  readonly weightDecay?: number;
  /** Gradients longer than this are shortened to it. Default 1. */
  readonly clipNorm?: number;
  /** Items of one step, anchors included. Default 8. */
  readonly batchItems?: number;
  /** Share of a step's items that are anchors, as far as there are any. Default 0.25. */
  readonly anchorShare?: number;
  /** Weight of the anchors' loss beside that of the items. Default 1. */
  readonly anchorWeight?: number;
  /** How often each item is trained. Default 4. Anchors are taken in turn, as many as the steps want. */
  readonly epochs?: number;
  /** Unsigned 32-bit: first numbers of the adapter and the order of items. Default 1. */
  readonly seed?: number;
  /** Tokens that are computed side by side; a step of more is cut at the border of items. The longest item has to fit. Default 1024. */
  readonly rowTokens?: number;
  /** Default: physical cores. Results do not depend on it. */
  readonly threads?: number;
  /** How products are computed; each has bits of its own on all processors. `f32`, or `bf16x3`: every number as the sum of two bf16 (2⁻¹⁶ of a product is lost at most). Default: what this processor is fastest at. */
  readonly numerics?: TrainNumerics;
}

export type TrainNumerics = 'f32' | 'bf16x3';

/** Of each of n positions the `top` most likely tokens, best first; what is left of the probability is one bucket. */
export interface SparseDistributions {
  readonly top: number;
  /** [n × top] */
  readonly ids: Int32Array;
  /** [n × top], natural logarithms. */
  readonly logprobs: Float32Array;
}

/** One text to train on. */
export interface TrainerItem {
  readonly tokens: Int32Array;
  /** For each token 1 where predicting it from those before counts, else 0. The first is 0, and at least one is 1. */
  readonly loss: Uint8Array;
  /** Its loss counts so much beside that of others, in (0, 100]. Default 1. */
  readonly weight?: number;
  /**
   * Given: the loss is the divergence from these distributions instead of from the tokens themselves, one for each 1 in `loss`.
   */
  readonly teacher?: SparseDistributions;
  /** Anchors keep the model as it was: they have a teacher, and get their share of every step. Default false. */
  readonly anchor?: boolean;
}

/** What training needs, known before it starts. Bytes of memory beside the mapped model file. */
export interface TrainPlan {
  readonly bytes: {
    /** Adapter, gradients and the optimiser's two moments. */
    readonly adapter: number;
    /** Inputs of all layers, and what the backward pass needs of them. */
    readonly activations: number;
    /** Logits of a chunk, unpacked tiles of weights, work space of threads. */
    readonly scratch: number;
    readonly total: number;
  };
  /** What the machine had to give when the trainer was opened. */
  readonly availableBytes: number;
  /** Numbers that learn. */
  readonly parameters: number;
  /** Matrices that learn. */
  readonly matrices: number;
  /** Layers whose activations are kept; those of the others are computed a second time. */
  readonly keptLayers: number;
  readonly layers: number;
  readonly threads: number;
  /** What the recipe asked for, or this processor is fastest at. A checkpoint goes on with its own alone. */
  readonly numerics: TrainNumerics;
  /** First 16 hex digits that name the model. */
  readonly modelHash: string;
}

/** After each step, and at the end of a run. */
export interface TrainProgress {
  /** Steps that are done. */
  readonly step: number;
  /** Steps of the whole training. */
  readonly steps: number;
  /** Mean loss of this step's items per counted token, in nats; of anchors it is the divergence. NaN: there were none. */
  readonly loss: number;
  readonly anchorLoss: number;
  readonly learningRate: number;
  /** Length of the whole gradient before it was clipped. */
  readonly gradientNorm: number;
  /** Tokens of this step, and its time in ms. */
  readonly tokens: number;
  readonly stepMs: number;
  /** All tokens so far. */
  readonly totalTokens: number;
}

/** What the front asks its trainer process for, one at a time; `pause`, `resume` and `stop` at any. The channel copies typed arrays. */
export interface TrainerCalls {
  open: { params: { modelPath: string; recipe: TrainRecipe; warmStart?: string }; result: TrainPlan };
  addItems: { params: { items: readonly TrainerItem[] }; result: null };
  steps: { params: Record<string, never>; result: number };
  run: { params: { steps: number }; result: TrainProgress };
  saveCheckpoint: { params: { path: string }; result: null };
  loadCheckpoint: { params: { path: string }; result: null };
  saveAdapter: {
    params: { path: string; metadata: Readonly<Record<string, string>> };
    result: { readonly sha256: string };
  };
  adapterHash: { params: Record<string, never>; result: string };
  baseDistributions: { params: { tokens: Int32Array; loss: Uint8Array; top: number }; result: SparseDistributions };
}
export type TrainerMethod = keyof TrainerCalls;

export type ToTrainer =
  | {
      readonly [M in TrainerMethod]: {
        readonly type: 'call';
        readonly id: number;
        readonly method: M;
        readonly params: TrainerCalls[M]['params'];
      };
    }[TrainerMethod]
  | { readonly type: 'pause' | 'resume' | 'stop' };

export type FromTrainer =
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'progress'; readonly progress: TrainProgress };
