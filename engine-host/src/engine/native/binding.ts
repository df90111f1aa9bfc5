/** The addon's whole type, but for trainers (`trainerBinding.ts`). `loadAddon.ts` beside this file is the only place that opens it. */
import type { ImportanceOptions, ImportanceReport, DraftHeadOptions, DraftHeadReport, QuantizeOptions, QuantizeReport } from '#protocol/engine.ts';
import type { ExpertReads, LayerReads } from '#protocol/survey.ts';
import type { AdapterScale, AdapterInfo } from '#protocol/generation.ts';
import type { LoadOptions, ModelInfo, ModelSummary } from '#protocol/model.ts';
import type { SamplingParams } from '#protocol/sampling.ts';
import type { ExpertUse, MachineLimits, MachineSpeed } from '#protocol/survey.ts';

/** What one sequence does in a step. Items of one step may not name a sequence twice. */
export interface StepItem {
  readonly sequence: number;
  /** Tokens to evaluate after those that the sequence already holds; at least one. */
  readonly tokens: Int32Array;
  /**
   * For a draft tree of at most 512 tokens: index into `tokens` of each token's parent (it comes before), -1 for a child
   * of the committed text. The sequence stays as it was. Absent: a chain.
   */
  readonly parents?: Int32Array;
  /**
   * So many of the last tokens are guesses of what will be sampled: a token is sampled after the one before them and after each guess
   * that was right. The sequence keeps no wrong guess and none after it. Only with `sample`, and of the rest with `topLogprobs`.
   */
  readonly draft?: number;
  /**
   * The model's draft head may add so many guesses behind the only token, while all of them are right with `leastChance` at least.
   * Without a head nothing is guessed. As with `draft`, only with `sample`, and of the rest with `topLogprobs`.
   */
  readonly propose?: number;
  readonly leastChance?: number;
  /** LoRA adapters, each once. Those of one sequence may change only while it holds no tokens. */
  readonly adapters?: readonly { readonly id: number; readonly scale: number }[];
  readonly want: {
    /** Sample a token after the last one (the sequence's own chain). */
    readonly sample?: boolean;
    /** Log-probabilities of the `topLogprobs` best tokens after the last one. With `sample`, that of the chosen one too. */
    readonly topLogprobs?: number;
    /** With both: over what the sampler chain left. */
    readonly postSampling?: boolean;
    /** For each token of the item, one id whose log-probability is asked (-1 for none, which reports 0): scoring and verification. */
    readonly score?: Int32Array;
    /** Raw logits after each token of the item: [tokens, vocabulary]. For tests and calibration. */
    readonly logits?: boolean;
    /** Hidden state of the last token after this many layers (0 is the embedding). */
    readonly hiddenLayer?: number;
    /** Pooled output vector. */
    readonly pooled?: 'mean' | 'last' | 'cls';
  };
}

export interface TopTokens {
  readonly tokens: Int32Array;
  readonly logprobs: Float32Array;
}

export interface StepOutput {
  readonly sequence: number;
  /** Set when the item ended with it instead of results; the sequence keeps what it had before the step. */
  readonly error?: { readonly code: string; readonly message: string };
  /** After the accepted guesses. */
  readonly sampled?: number;
  /** Guesses that were right, from the first on; absent: none. */
  readonly accepted?: number;
  /** With `propose`: the guesses that were checked; absent: none. */
  readonly proposed?: Int32Array;
  readonly sampledLogprob?: number;
  readonly top?: TopTokens;
  /** With `topLogprobs`: of each accepted guess. */
  readonly acceptedLogprobs?: readonly { readonly sampledLogprob: number; readonly top: TopTokens }[];
  readonly scores?: Float32Array;
  readonly logits?: Float32Array;
  readonly hidden?: Float32Array;
  readonly pooled?: Float32Array;
}

/** Blocks in a file that `saveBlocks` wrote. */
export interface BlockRange {
  readonly path: string;
  readonly headerBytes: number;
  readonly blocksInFile: number;
  readonly first: number;
  readonly count: number;
}

/** Methods throw an Error with a `code` of protocol/src/errors.ts; promises reject with one. */
export interface NativeModel {
  readonly info: ModelInfo;
  tokenize(text: string, parseSpecial: boolean): Int32Array;
  /** The token's bytes; empty for control tokens unless `special`. */
  piece(token: number, special: boolean): Uint8Array;
  /** With the texts of control tokens; broken characters become U+FFFD. */
  detokenize(tokens: Int32Array): string;
  createDecoder(): NativeDecoder;

  /** A new empty sequence; takes no memory before its first step. */
  createSequence(): number;
  /**
   * Replaces the sampler chain. History: the tokens so far that penalties see; those that it chooses it adds itself. What is chosen
   * from now on keeps to `constraint`, as for `checkConstraint`.
   */
  setSampler(sequence: number, params: SamplingParams, history: Int32Array, constraint?: string): void;
  /** Compiles a constraint (JSON of `Constraint`) and keeps it for `setSampler`. Throws why it cannot be honoured. */
  checkConstraint(constraint: string): void;
  /** Frees the blocks at once. */
  freeSequence(sequence: number): void;
  /** Tokens that the sequence holds in its KV cache. */
  sequenceLength(sequence: number): number;
  /** Forgets everything after the first `length` tokens. */
  truncateSequence(sequence: number, length: number): void;
  /** A new sequence that shares the first `length` tokens' blocks (copy on write). */
  forkSequence(sequence: number, length: number): number;
  /** The empty `sequence` shares the first `length` tokens' blocks of `source` from now on; its sampler stays. */
  adoptPrefix(sequence: number, source: number, length: number): void;
  /** KV blocks in use and the most there can be; a block holds `blockTokens` tokens of all layers in `blockBytes`. */
  kvUsage(): {
    readonly used: number;
    readonly total: number;
    readonly blockTokens: number;
    readonly blockBytes: number;
  };

  /**
   * Writes the sequence's blocks from the `first` on, one for each 8 bytes of `seeds`, behind `header` to a file that appears
   * complete or not at all. The sequence may go on or be freed at once.
   */
  saveBlocks(sequence: number, first: number, path: string, header: Uint8Array, seeds: Uint8Array): Promise<void>;
  /**
   * A new sequence of the blocks in `ranges`, one after the other; the memory is taken at once (`out_of_memory`). It holds the
   * tokens before the first block that is absent, damaged or was saved with another seed. `adapters`: those that they were computed with.
   */
  restoreBlocks(
    ranges: readonly BlockRange[],
    seeds: Uint8Array,
    adapters?: readonly AdapterScale[],
  ): Promise<{ readonly sequence: number; readonly tokens: number }>;

  /** Reads a LoRA adapter for this model on a thread of its own; steps go on meanwhile. Ids count from 0 and are used once. */
  loadAdapter(path: string): Promise<NativeAdapter>;
  /** New sequences do not find it any more; those that ran with it keep it. */
  unloadAdapter(id: number): void;

  /**
   * Copies the matrices from the mapped file to memory of this process in large pages, which steps read faster, on a thread of
   * its own that gives way to others; steps go on and compute the same. Ends early when the model is closed.
   * Rejects with `out_of_memory` when less than `spareBytes` would stay available, `unsupported`, or `io`: the rest stays mapped.
   */
  moveWeightsToMemory(spareBytes: number): Promise<void>;
  /** What steps found in memory and read of experts that come from the disk; undefined where none do. */
  expertReads(): ExpertReads | undefined;
  /** The same of a dense model's layers. */
  layerReads(): LayerReads | undefined;

  /** Which experts tokens were sent to since the load, layer by layer; empty where none come from the disk. */
  expertUses(): readonly ExpertUse[];

  /** Runs one batch on the engine's own thread. One step at a time. KV is committed only for items without error. */
  step(items: readonly StepItem[]): Promise<readonly StepOutput[]>;
  /** Takes part from any moment: a running step whose items are all cancelled stops within 10 ms; a cancelled item ends with `cancelled`. Cleared by the next step's end. */
  cancel(sequence: number): void;
  /** Stops a running step (its items end with `cancelled`), then frees everything. Closing twice is no error. */
  close(): Promise<void>;
}

export type NativeAdapter = Omit<AdapterInfo, 'scale'>;

/** Joins tokens to text that never ends inside a character. */
export interface NativeDecoder {
  push(token: number): string;
  flush(): string;
}

export interface MemoryFigures {
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly lastLevelCacheBytes: number;
  /** Whether the system gives pages of 2 MiB to memory that asks for them. */
  readonly largePages: boolean;
}

export interface NativeAddon {
  /** Name of the active ISA and those that this CPU supports. */
  cpu(): { readonly isa: string; readonly supported: readonly string[]; readonly physicalCores: number };
  /** Now; limits of containers count. The cache is the one that the processor names, 0 when it names none. */
  memory(): MemoryFigures;
  /** About a second of full load on `threads` threads of its own. */
  measureLimits(threads: number): Promise<MachineLimits>;
  /** Kernels on weights like the model's, then the disk that it lies on; progress in measurements. */
  measureMachine(
    job: number,
    path: string,
    options: LoadOptions,
    seconds: number,
    onProgress: (done: number, total: number) => void,
  ): Promise<MachineSpeed>;
  inspect(path: string, options: LoadOptions): Promise<ModelSummary>;
  loadModel(
    path: string,
    options: LoadOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<NativeModel>;
  /** Writes a model again in other tensor types; progress in bytes. `job` names the work for `cancelJob`. */
  quantize(
    job: number,
    input: string,
    output: string,
    options: QuantizeOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<QuantizeReport>;
  /** Writes an importance matrix of what a model is fed with while it reads texts (paths); progress in tokens. */
  measureImportance(
    job: number,
    model: string,
    texts: readonly string[],
    output: string,
    options: ImportanceOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<ImportanceReport>;
  /** Trains a draft head; progress in thousandths. A file is written only if it pays. */
  buildDraftHead(
    job: number,
    model: string,
    prompts: readonly Int32Array[],
    output: string,
    load: LoadOptions,
    options: DraftHeadOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<DraftHeadReport>;
  /** Its promise rejects with `cancelled` soon, and no file remains. */
  cancelJob(job: number): void;
}
