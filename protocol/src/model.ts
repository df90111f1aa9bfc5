/** What is known of a model, and how it is loaded. */

/**
 * How keys and values of evaluated tokens are kept: 16 bits, or 8 or 4 with a scale for each 32 (17/32 and 9/32 of the memory), or
 * keys in 8 and values in 4 (13/32). The larger first.
 */
export const KV_TYPES = ['f16', 'q8_0', 'q8q4', 'q4_0'] as const;
export type KvType = (typeof KV_TYPES)[number];
/** `auto`: the first of them that the machine's memory has room for. */
export const KV_WISHES = ['auto', ...KV_TYPES] as const;
export type KvWish = (typeof KV_WISHES)[number];

/** How keys and values of the loaded model are kept. */
export interface KvInForce {
  readonly type: KvType;
  /** Tokens that all sequences together may hold at most; memory is taken as they grow. */
  readonly mostTokens: number;
  /** Why this type, in words. */
  readonly reason: string;
}

/**
 * Where weights are read from: the mapped file, or a copy in memory of the engine in large pages (faster; the file's pages may
 * be dropped then, so it is the copy that other processes do not share). `auto` copies where it pays and memory allows.
 */
export const WEIGHT_PLACEMENTS = ['auto', 'mapped', 'resident'] as const;
export type WeightPlacement = (typeof WEIGHT_PLACEMENTS)[number];

/** Whether answers may be sped up by checking several drafted tokens in one step; `auto` does so where measured times say that it pays. */
export const DRAFT_WISHES = ['auto', 'off'] as const;
export type DraftWish = (typeof DRAFT_WISHES)[number];

export interface LoadOptions {
  /** Compute threads; absent means the physical cores. */
  readonly threads?: number;
  /** Most tokens of context that a sequence may grow to; absent means the model's own. */
  readonly contextLength?: number;
  /** Most sequences that decode in one step. Default 8. */
  readonly maxSequences?: number;
  /** LoRA adapters that belong to it; one that cannot be loaded is a reason not to load the model. */
  readonly adapters?: readonly { readonly path: string; readonly scale: number; readonly id?: number }[];
  /** Default `auto`. */
  readonly kvType?: KvWish;
  /** Default auto. */
  readonly weights?: WeightPlacement;
  /** Default auto. */
  readonly draft?: DraftWish;
  /** Bytes of the available memory that the model may use. Absent: all. */
  readonly memoryLimit?: number;
  /** Path of a draft head that was built for this model. One that does not fit is not used; the model's information says why. */
  readonly draftHead?: string;
  /** Of a model that keeps its experts on the disk. Absent: what suits most disks. */
  readonly experts?: ExpertOptions;
  /** Where keys and values of long prompts are kept over restarts, and how much of the disk they may take. Absent: nowhere. */
  readonly prefixes?: { readonly folder: string; readonly maxBytes: number };
}

/** How experts on the disk are kept and read; what is absent is chosen by the engine. */
export interface ExpertOptions {
  /** Most memory for experts. */
  readonly cacheBytes?: number;
  /** Threads that read. */
  readonly readers?: number;
  /** False: through the system's cache. */
  readonly pastCache?: boolean;
  /** Share of tokens that used each expert in the past, layer by layer; those are read first. */
  readonly usual?: readonly number[];
}

export interface SpecialTokens {
  readonly bos?: number;
  readonly eos?: number;
  readonly unknown?: number;
  readonly padding?: number;
  /** All tokens that end a generation (EOS, EOT, EOM …). */
  readonly endOfGeneration: readonly number[];
  /** Present when the vocabulary can fill in the middle. */
  readonly fim?: {
    readonly prefix: number;
    readonly suffix: number;
    readonly middle: number;
    readonly pad?: number;
    readonly repo?: number;
    readonly separator?: number;
  };
}

/** What a GGUF file says about itself; needs no loaded model. */
export interface ModelSummary {
  /** Absolute path of the (first) file. */
  readonly path: string;
  /** File name without `.gguf`: the default public name. */
  readonly name: string;
  /** First 16 hex digits over header, tensor table and samples of every tensor: names the content, not the path. */
  readonly modelHash: string;
  readonly architecture: string;
  /** Number of weights. */
  readonly parameters: number;
  /** The most common tensor type by weights, e.g. `Q4_1`. */
  readonly quantization: string;
  readonly contextLength: number;
  readonly embeddingLength: number;
  readonly layers: number;
  readonly vocabularySize: number;
  readonly tokenizer: { readonly model: string; readonly pre: string };
  readonly special: SpecialTokens;
  /** Text of the BOS and EOS tokens for templates; empty when there is none. */
  readonly bosText: string;
  readonly eosText: string;
  readonly addBos: boolean;
  /** Tokens that the vocabulary puts around a whole text, as embeddings want it. */
  readonly frame?: { readonly before: readonly number[]; readonly after: readonly number[] };
  readonly chatTemplate?: string;
  /** First 16 hex digits of the template's SHA-256. */
  readonly templateHash?: string;
  /** Bytes of all its files. */
  readonly bytes: number;
  /**
   * Memory that loading with the given options takes, and what is available now (cgroup limits count); and how many tokens all
   * sequences together may grow to in it.
   */
  readonly fit: {
    readonly neededBytes: number;
    readonly availableBytes: number;
    readonly fits: boolean;
    readonly kvTokens: number;
    /** What is taken beside weights; keys and values only as they grow. Absent in what no engine planned. */
    readonly plan?: {
      /** Of the largest step. */
      readonly scratchBytes: number;
      /** Left to everything else. */
      readonly marginBytes: number;
      /** Most that keys and values may take. */
      readonly kvBytes: number;
    };
    /** Present where experts or layers would stay on the disk, most of them in memory (`hybrid`) or fewer. */
    readonly streaming?: {
      readonly strategy: 'hybrid' | 'streaming';
      /** Weights that are always in memory. */
      readonly residentBytes: number;
      /** Memory for experts: room for `expertsInMemory` of all `experts`. */
      readonly cacheBytes: number;
      readonly expertsInMemory: number;
      readonly experts: number;
      /** Of a dense model, which has no experts: what each step reads of its layers, through `cacheBytes` of memory. */
      readonly streamedBytes?: number;
    };
  };
  /** Experts that may stay on the disk, of all layers; absent where there are none. */
  readonly experts?: {
    /** That have experts. */
    readonly layers: number;
    readonly count: number;
    /** That one token uses in all layers. */
    readonly perToken: number;
    readonly bytes: number;
    /** A place in memory for any of them. */
    readonly slotBytes: number;
  };
  /** What one token of decoding reads and multiplies, from the tensor table: bytes of weights, and their number. */
  readonly tokenWork: { readonly bytes: number; readonly weights: number };
  /** GGUF key-values, without arrays longer than 64 entries. */
  readonly metadata: Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>;
}

/** A loaded model. `contextLength` is the one in force, not the file's maximum. */
export interface ModelInfo extends ModelSummary {
  readonly loadMs: number;
  readonly threads: number;
  readonly isa: string;
  /** Absent in what the addon itself says. */
  readonly kv?: KvInForce;
  /** Where a draft head was asked for: how many layers run before it, or why it is not in use. */
  readonly draftHead?: { readonly exitLayer?: number; readonly refused?: string };
}
