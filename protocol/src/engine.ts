/** What crosses the pipe between the front and the engine child, and the types that both sides speak in. */
import type { Constraint } from './constraint.ts';
import type { WireError } from './errors.ts';

/** Version of the frames below; a child that answers another one is refused. */
export const ENGINE_PROTOCOL_VERSION = 1;

/** Longest frame accepted on the pipe, bytes of JSON. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** A piece of prompt. Text of users, tools and files has `special: false`, so that it can never become a control token. */
export type PromptPart = { readonly text: string; readonly special: boolean } | { readonly tokens: readonly number[] };

/** Order of service when several requests wait: the first in this list goes first. */
export const PRIORITIES = ['completion', 'chat', 'api', 'batch', 'learning'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Steps of a sampler chain, by llama.cpp's names. */
export const SAMPLERS = [
  'penalties',
  'dry',
  'top_n_sigma',
  'top_k',
  'typ_p',
  'top_p',
  'min_p',
  'xtc',
  'temperature',
  'infill',
  'adaptive_p',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** llama.cpp's order. */
export const USUAL_SAMPLERS: readonly SamplerName[] = SAMPLERS.slice(0, 9);

/** Sampler chain of one sequence: logit bias, then `samplers` in their order. What is absent is off. */
export interface SamplingParams {
  /** What is not in it does not happen, whatever its numbers say. Absent: `USUAL_SAMPLERS`. */
  readonly samplers?: readonly SamplerName[];
  /** 0 is greedy. Range 0–100. */
  readonly temperature: number;
  /** Keep the k most likely tokens; 0 keeps all. */
  readonly topK: number;
  /** Nucleus mass in (0, 1]; 1 keeps all. */
  readonly topP: number;
  /** Drop tokens below minP × the best probability, in [0, 1]; 0 keeps all. */
  readonly minP: number;
  /** 1 is none; > 1 makes recent tokens less likely. */
  readonly repeatPenalty: number;
  /** How many recent tokens the penalties look at; 0 none, -1 the whole context. */
  readonly repeatLastN: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** Unsigned 32-bit; the same seed and request give the same text whatever runs beside it. */
  readonly seed: number;
  /** Added to the logit of a token; `null` forbids it. */
  readonly logitBias?: readonly (readonly [token: number, bias: number | null])[];
  /** Temperature ± `range`, by the entropy of the candidates to the power of `exponent`. */
  readonly dynamicTemperature?: { readonly range: number; readonly exponent: number };
  /** Mass of those that are kept, in order of how near their surprise is to the expected one; in (0, 1). */
  readonly typicalP?: number;
  /** Keep what is at most so many standard deviations of the logits below the best; > 0. */
  readonly topNSigma?: number;
  /** With this probability, drop all but the least likely of the tokens of at least `threshold` (≤ 0.5). */
  readonly xtc?: { readonly probability: number; readonly threshold: number };
  /**
   * "Don't repeat yourself": a token that would go on with a repetition of `n` ≥ `allowedLength` tokens loses multiplier · base^(n -
   * allowedLength). `lastN`: tokens that are looked at, -1 all. No repetition reaches across one of the texts of `breakers`.
   */
  readonly dry?: {
    readonly multiplier: number;
    readonly base: number;
    readonly allowedLength: number;
    readonly lastN: number;
    readonly breakers: readonly string[];
  };
  /** Instead of all samplers but temperature: holds the surprise of the text near `tau` bits, learning with `eta`. */
  readonly mirostat?: { readonly version: 1 | 2; readonly tau: number; readonly eta: number };
  /** Where `adaptive_p` is among the samplers: prefers tokens of about this probability, by a moving average with `decay`. */
  readonly adaptive?: { readonly target: number; readonly decay: number };
  /** `top_p`, `min_p`, `typ_p` and `xtc` leave at least so many tokens. */
  readonly minKeep?: number;
}

/** The most likely token each time, with no penalty. */
export const GREEDY: SamplingParams = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repeatPenalty: 1,
  repeatLastN: 0,
  frequencyPenalty: 0,
  presencePenalty: 0,
  seed: 0,
};

/** A LoRA adapter and how much of it counts: 1 as it was trained, 0 as if it were absent, negative away from it. */
export interface AdapterScale {
  readonly id: number;
  readonly scale: number;
}

/** A loaded LoRA adapter. */
export interface AdapterInfo {
  /** Counts from 0; never used again while the model is loaded, and the same after the engine was restarted. */
  readonly id: number;
  /** Absolute path of its GGUF file. */
  readonly path: string;
  readonly name: string;
  /** Of the whole file: its identity. */
  readonly sha256: string;
  /** The largest of its matrices'. */
  readonly rank: number;
  readonly alpha: number;
  /** How many of the model's matrices it changes. */
  readonly matrices: number;
  /** Memory that it takes. */
  readonly bytes: number;
  readonly taskName: string;
  readonly promptPrefix: string;
  /** For requests that name no adapters. */
  readonly scale: number;
}

export interface GenerateRequest {
  /** `modelHash` that the prompt was made for; when another model is loaded by then, the request fails as `busy`. */
  readonly forModel?: string;
  readonly prompt: readonly PromptPart[];
  /** Put the vocabulary's BOS token in front if the model wants one and the prompt has none. */
  readonly addBos: boolean;
  /** Upper limit of generated tokens; absent means what the context still holds. 0 only evaluates the prompt. */
  readonly maxTokens?: number;
  /** Texts that end the answer; they are not part of it. */
  readonly stop: readonly string[];
  /** Texts of control tokens that show in the answer's text; others leave no trace there. Those that the vocabulary lacks do nothing. */
  readonly preserved?: readonly string[];
  readonly sampling: SamplingParams;
  /** Report the log-probability of each token and its `logprobs` most likely alternatives (0–100). */
  readonly logprobs?: number;
  /** With `logprobs`: over what the samplers left to choose from, not over the model's own distribution. */
  readonly postSampling?: boolean;
  /** Each token comes as an event of its own. Absent: those that are delivered together may come as one. */
  readonly eachToken?: boolean;
  /** Go on after an end-of-generation token. */
  readonly ignoreEos?: boolean;
  readonly priority: Priority;
  /** End the answer this long after its first token, once it has a line break. For inline completion. */
  readonly maxPredictMs?: number;
  /** The adapters that answer, each once, and no others; absent: those loaded with the scales that they have. */
  readonly adapters?: readonly AdapterScale[];
  /** Keys and values of the conversation may be kept on the disk, for its next turn after a restart. Absent: no. */
  readonly keepOnDisk?: boolean;
  /**
   * Most tokens that are drafted from the text and checked together; 0: none. Absent: as many as make the answer come faster. The
   * answer is the same with any.
   */
  readonly draftTokens?: number;
  /** Keep a prompt that is too long by dropping its oldest tokens (Ollama's `truncate`); else `context_overflow`. */
  readonly truncate?: boolean;
  /**
   * What form the answer has; one that cannot be honoured fails the request: `invalid_request` or `unsupported`, with the place in the
   * schema or grammar. The answer ends where the form is complete, also with `ignoreEos`.
   */
  readonly constraint?: Constraint;
}

export interface TokenLogprob {
  readonly token: number;
  readonly text: string;
  readonly logprob: number;
}

/** What one step, or a few in a row, added to one request. */
export interface GenerateDelta {
  /** Whole UTF-8 characters only; may be empty while a character is incomplete or a stop text may be starting. */
  readonly text: string;
  readonly tokens: readonly number[];
  /** One entry for each of `tokens`, when the request asked for them. */
  readonly logprobs?: readonly { readonly chosen: TokenLogprob; readonly top: readonly TokenLogprob[] }[];
}

export type FinishReason = 'eos' | 'stop' | 'length' | 'cancelled' | 'deadline';

export interface GenerateResult {
  readonly finish: FinishReason;
  /** Which stop text ended it. */
  readonly stopText?: string;
  /** Tokens of the whole prompt, the reused ones included. */
  readonly promptTokens: number;
  /** How many of them came from the KV cache. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** Tokens dropped from the head of the prompt because the request allowed it. */
  readonly truncatedTokens: number;
  /** Drafted tokens that were checked, and how many of them were right; absent where none were. */
  readonly draftTokens?: number;
  readonly draftAccepted?: number;
  readonly timings: { readonly queuedMs: number; readonly promptMs: number; readonly decodeMs: number };
}

/**
 * What happens to one request, in this order: accepted, delta*, then exactly one of done or failed.
 * A request that is refused or cancelled before it ran has only the last.
 */
export type GenerateEvent =
  | { readonly type: 'accepted'; readonly promptTokens: number; readonly cachedTokens: number }
  | ({ readonly type: 'delta' } & GenerateDelta)
  | ({ readonly type: 'done' } & GenerateResult)
  | { readonly type: 'failed'; readonly error: WireError };

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

export interface QueueStatus {
  readonly running: number;
  readonly waiting: number;
  /** Most requests that run at once. */
  readonly slots: number;
  /** Most requests that wait before new ones are refused. */
  readonly maxWaiting: number;
}

/** Experts that steps wanted of a model that keeps them on the disk, since it was loaded. */
export interface ExpertReads {
  /** Found in memory. */
  readonly hits: number;
  readonly misses: number;
  readonly bytesRead: number;
  /** Experts that may be in memory now, and those that the load has planned. */
  readonly room: number;
  readonly plannedRoom: number;
  /** Why `room` is smaller than planned; absent when it is not. */
  readonly shrunk?: string;
}

/** What steps have read of a dense model's layers that stay on the disk, since it was loaded. */
export interface LayerReads {
  readonly bytesRead: number;
  /** That threads slept for layers, all together. */
  readonly waitedMs: number;
  /** Of all layers; those that may stay in memory now; and those that the load has planned. */
  readonly matrices: number;
  readonly kept: number;
  readonly plannedKept: number;
  /** Why `kept` is smaller than planned; absent when it is not. */
  readonly shrunk?: string;
}

/** How much the engine may work. */
export interface EngineLimits {
  /** Share of the time that steps may take, 0–1; 1: no limit, 0: no step is begun. */
  readonly duty: number;
  /** Requests of the classes `batch` and `learning` wait, and known prefixes are given up, some with each call. */
  readonly memoryShort: boolean;
}

/** What keeps the engine from its full speed. */
export interface Restraint extends EngineLimits {
  /** One sentence for people, or two. */
  readonly reason: string;
}

/** Counters since the engine started; the front turns them into metrics. */
export interface EngineStats {
  readonly queue: QueueStatus;
  readonly promptTokens: number;
  readonly promptMs: number;
  readonly completionTokens: number;
  readonly decodeMs: number;
  readonly steps: number;
  readonly stepSequences: number;
  readonly kvBlocksUsed: number;
  readonly kvBlocksTotal: number;
  /** Drafted tokens that were checked, and how many of them were right. */
  readonly draftTokens: number;
  readonly draftAccepted: number;
  /** Tokens a second over the last finished decode; 0 before the first. */
  readonly lastTokensPerSecond: number;
  /** Present while experts come from the disk. */
  readonly experts?: ExpertReads;
  /** Present while a dense model's layers come from the disk. */
  readonly layers?: LayerReads;
  /** Memory of the engine's process, mapped weights included as far as they are in memory. Only in the answer to `stats`. */
  readonly residentBytes?: number;
}

/** One measurement of the loaded model, with the model to itself. */
export interface BenchmarkRequest {
  /** Length of a prompt on an empty context; 0 leaves it out. */
  readonly promptTokens: number;
  /** Steps of decoding, one token of every sequence each; 0 leaves it out. */
  readonly decodeTokens: number;
  /** Tokens that each sequence holds before its first decoded one. Default 0. */
  readonly depth?: number;
  /** Sequences that decode together. Default 1. */
  readonly sequences?: number;
  /** Its tokens are what is evaluated, repeated as often as needed. Absent: ids spread over the vocabulary. */
  readonly text?: string;
  /** Decoding goes on with the text's tokens, whatever is sampled, and without steps that do not count before. Default false. */
  readonly forced?: boolean;
  /** Sequences filled to `depth` stay, for a next call with the same depth, sequences and text, until one without this. */
  readonly keep?: boolean;
}

export interface BenchmarkResult {
  /** Of all sequences together. */
  readonly prefill: { readonly tokens: number; readonly tokensPerSecond: number };
  readonly decode: { readonly tokens: number; readonly tokensPerSecond: number };
  readonly isa: string;
  readonly threads: number;
}

/** How the vectors of a text's tokens become one: their mean, the last one's or the first one's. */
export type Pooling = 'mean' | 'last' | 'cls';

export interface EmbedRequest {
  /** As in GenerateRequest. */
  readonly forModel?: string;
  /** One vector for each. */
  readonly inputs: readonly (readonly PromptPart[])[];
  /** Absent: what the model was made for. */
  readonly pooling?: Pooling;
  /** Vectors of length 1. */
  readonly normalize: boolean;
  /** Cut a text that is too long; else `context_overflow`. */
  readonly truncate: boolean;
}

export interface EmbedResult {
  /** Little-endian f32, base64. */
  readonly vectors: readonly string[];
  /** Tokens of each text. */
  readonly tokens: readonly number[];
}

/** How likely texts are after a prompt. */
export interface ScoreRequest {
  /** As in GenerateRequest. */
  readonly forModel?: string;
  readonly prompt: readonly PromptPart[];
  readonly addBos: boolean;
  /** At most 64; each follows the prompt directly. None may be empty. */
  readonly continuations: readonly (readonly PromptPart[])[];
  /** As in GenerateRequest. */
  readonly adapters?: readonly AdapterScale[];
}

export interface ScoreResult {
  /** Of each continuation its tokens, and the natural logarithm of each one's probability after all that stands before it. */
  readonly scores: readonly { readonly tokens: readonly number[]; readonly logprobs: readonly number[] }[];
}

/** What `quantize` makes. */
export interface QuantizeOptions {
  /** `Q4_K_M` and the like; upper and lower case alike. */
  readonly type: string;
  /** Path of an importance matrix, as llama.cpp writes them. */
  readonly importance?: string;
  readonly threads?: number;
}

export interface QuantizeReport {
  readonly weights: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Of the new file. */
  readonly types: readonly { readonly name: string; readonly tensors: number; readonly bytes: number }[];
  /** Tensors whose rows did not fit the wanted type and got the nearest one that does. */
  readonly fellBack: number;
  /** Quantised tensors that the importance matrix says nothing about. */
  readonly withoutImportance: number;
  /** The input had been quantised before: what it lost then stays lost. */
  readonly fromQuantised: boolean;
}

export interface ImportanceOptions {
  readonly threads?: number;
  /** Tokens of one piece of text; 512 unless given. */
  readonly chunkTokens?: number;
}

/** What `measureImportance` read and wrote. */
export interface ImportanceReport {
  readonly tokens: number;
  /** Pieces of text, each read from an empty context. */
  readonly chunks: number;
  readonly tensors: number;
  /** Matrices of experts that no token was sent to. */
  readonly unreached: number;
}

/** How a draft head is built; what is absent follows from the model and the time. */
export interface DraftHeadOptions {
  /** For all of it. */
  readonly seconds?: number;
  /** Most tokens that the model writes to learn from, and most steps of training: with both given, time does not count. */
  readonly tokens?: number;
  readonly steps?: number;
  /** Layers of the model before the head. */
  readonly exitLayer?: number;
  /** Of the head: 1 or 2. */
  readonly blocks?: number;
  readonly seed?: number;
}

/** What `buildDraftHead` did, and how good the head is on answers to prompts that it did not learn from. */
export interface DraftHeadReport {
  readonly exitLayer: number;
  readonly blocks: number;
  readonly parameters: number;
  readonly tokens: number;
  readonly steps: number;
  /** Divergence from the model per token, in nats, of the last steps. */
  readonly loss: number;
  readonly textSeconds: number;
  readonly trainingSeconds: number;
  /** Share of tokens that head and model find likeliest alike, 0 to 1. */
  readonly agreement: number;
  /** Guesses that were right, and the token after them. */
  readonly tokensPerCheck: number;
  /** False: it would not pay, nothing was written. */
  readonly kept: boolean;
}

/** What the machine can do at most with the threads in force, measured in about a second. */
export interface MachineLimits {
  readonly threads: number;
  /** Whose integer products were counted. */
  readonly isa: string;
  readonly readBytesPerSecond: number;
  /** Products and additions of int8 numbers; 0 where it cannot be measured. */
  readonly int8OpsPerSecond: number;
}

/** One way to read the file's pieces at random places. */
export interface DiskRate {
  /** False: through the system's cache. */
  readonly pastCache: boolean;
  readonly readers: number;
  readonly bytesPerSecond: number;
}

/** What a model's speed on this machine follows from. */
export interface MachineSpeed {
  /** On weights of the type that most of the model's have. */
  readonly kernels: {
    readonly type: string;
    readonly isa: string;
    readonly threads: number;
    /** Weights that each pass went through. */
    readonly bytes: number;
    /** Of weights, for one token. */
    readonly decodeBytesPerSecond: number;
    /** Products and additions, for 256 tokens. */
    readonly prefillOpsPerSecond: number;
  };
  readonly disk: {
    /** Whether the file system lets reads go past its cache. */
    readonly takesDirect: boolean;
    readonly pieceBytes: number;
    readonly sequentialBytesPerSecond: number;
    readonly random: readonly DiskRate[];
  };
}

/** `MachineSpeed`, and how the model would be loaded now. */
export interface Survey {
  readonly speed: MachineSpeed;
  readonly summary: ModelSummary;
  readonly kv: KvInForce;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly cores: number;
}

/** Tokens of one layer, and how many of them went to each of its experts. */
export interface ExpertUse {
  readonly tokens: number;
  readonly experts: readonly number[];
  /** Which of them, or parts of them, are in memory now; absent in sums of several loads. */
  readonly inMemory?: readonly boolean[];
}

export interface CalibrationRequest {
  readonly text: string;
  /** Of the text, to be read as a prompt. */
  readonly promptTokens: number;
  /** After which nothing new is begun. */
  readonly seconds: number;
}

/** How a text went through the loaded model: first as a prompt, then token by token. */
export interface Calibration {
  readonly promptTokens: number;
  readonly promptMs: number;
  /** Those that count: the first ones after a prompt find other experts in memory than later ones. */
  readonly decodeTokens: number;
  readonly decodeMs: number;
  /** While they were decoded; absent where no experts come from the disk. */
  readonly experts?: Pick<ExpertReads, 'hits' | 'misses' | 'bytesRead'>;
}

/** Calls that have one answer. The key is the method on the wire. */
export interface KeptPrefix {
  /** Tokens of the beginning that was to be kept. */
  readonly tokens: number;
  /** How many of them were known before. */
  readonly cachedTokens: number;
  /** How many of them lie on the disk now; 0 for one that is too short to be worth it. */
  readonly keptTokens: number;
  /** Bytes of its keys and values. */
  readonly bytes: number;
}

export interface EngineCalls {
  load: { params: { path: string; options: LoadOptions }; result: ModelInfo };
  unload: { params: Record<string, never>; result: null };
  inspect: { params: { path: string; options: LoadOptions }; result: ModelSummary };
  /** Vectors of texts; several run at once. */
  embed: { params: EmbedRequest; result: EmbedResult };
  /** Writes a model file again in other tensor types; needs no loaded model, reports progress, can be cancelled. */
  quantize: { params: { input: string; output: string; options: QuantizeOptions }; result: QuantizeReport };
  /** Writes an importance matrix for `quantize`: what a model's matrices meet in texts (paths). No loaded model needed. */
  measureImportance: {
    params: { model: string; texts: string[]; output: string; options: ImportanceOptions };
    result: ImportanceReport;
  };
  /** Trains a draft head for a model on what it writes after `prompts` (tokens). No loaded model needed. */
  buildDraftHead: {
    params: { model: string; prompts: number[][]; output: string; load: LoadOptions; options: DraftHeadOptions };
    result: DraftHeadReport;
  };
  tokenize: {
    params: { text: string; addSpecial: boolean; parseSpecial: boolean };
    result: { tokens: number[] };
  };
  /** Each token's own bytes, base64 (a piece need not be whole UTF-8). */
  pieces: { params: { tokens: number[] }; result: { pieces: string[] } };
  /** The tokens that a request with this prompt would evaluate. */
  promptTokens: { params: { prompt: readonly PromptPart[]; addBos: boolean }; result: { tokens: number[] } };
  detokenize: { params: { tokens: number[] }; result: { text: string } };
  /** Number of prompt tokens a request would have, without running it. */
  count: { params: { prompt: readonly PromptPart[]; addBos: boolean }; result: { tokens: number } };
  /** The `top` most likely tokens after a prompt, with log-probabilities. */
  nextTokens: {
    params: { prompt: readonly PromptPart[]; addBos: boolean; top: number };
    result: { top: TokenLogprob[] };
  };
  /** Log-probabilities of given texts after a prompt; nothing is sampled. Other requests go on between its steps. */
  score: { params: ScoreRequest; result: ScoreResult };
  /** Reads a LoRA adapter for the loaded model; `scale` is for requests that name none. Requests go on meanwhile. */
  loadAdapter: {
    params: { path: string; scale: number };
    result: { adapter: AdapterInfo; adapters: readonly AdapterInfo[] };
  };
  /** Requests that run with it keep it to their end; later ones do not find it (`not_found`). */
  unloadAdapter: { params: { id: number }; result: { adapters: readonly AdapterInfo[] } };
  /** The scales of all adapters, for requests that name none; those that are not in `scales` get 0. */
  scaleAdapters: { params: { scales: readonly AdapterScale[] }; result: { adapters: readonly AdapterInfo[] } };
  adapters: { params: Record<string, never>; result: { adapters: readonly AdapterInfo[] } };
  /** Evaluates a prompt and keeps on the disk what it shares with `other`: the same system prompt with another question. */
  keepPrefix: {
    params: { forModel: string; prompt: readonly PromptPart[]; other: readonly PromptPart[]; addBos: boolean };
    result: KeptPrefix;
  };
  /** Drops every known prefix, from memory and from the disk: the user erased what it may hold. */
  forgetPrefixes: { params: Record<string, never>; result: null };
  bench: { params: BenchmarkRequest; result: BenchmarkResult };
  /** Needs no loaded model; with one, its threads count. */
  limits: { params: Record<string, never>; result: MachineLimits };
  /** Measures for about `seconds` what `path`'s speed follows from; needs no loaded model, reports progress, can be cancelled. */
  survey: { params: { path: string; options: LoadOptions; seconds: number }; result: Survey };
  /** With the loaded model to itself. */
  calibrate: { params: CalibrationRequest; result: Calibration };
  /** How much steps may work from now on; needs no loaded model, and holds for those loaded later. */
  restrain: { params: EngineLimits; result: null };
  /** Of the loaded model since its load, layer by layer; empty where no experts come from the disk. */
  expertUses: { params: Record<string, never>; result: { layers: readonly ExpertUse[] } };
  stats: { params: Record<string, never>; result: EngineStats };
}
export type EngineMethod = keyof EngineCalls;

/** Front to engine. `id` is chosen by the front and never reused while the child lives. */
export type FrontFrame =
  | {
      readonly [M in EngineMethod]: {
        readonly type: 'call';
        readonly id: number;
        readonly method: M;
        readonly params: EngineCalls[M]['params'];
      };
    }[EngineMethod]
  | { readonly type: 'generate'; readonly id: number; readonly request: GenerateRequest }
  | { readonly type: 'cancel'; readonly id: number };

/** Engine to front. One `step` frame carries everything that a step produced. */
export type EngineFrame =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      readonly version: string;
      readonly isa: string;
      readonly pid: number;
    }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'progress'; readonly id: number; readonly done: number; readonly total: number }
  | {
      readonly type: 'step';
      readonly events: readonly { readonly id: number; readonly event: GenerateEvent }[];
      /** Absent when it is what the last frame said. */
      readonly queue?: QueueStatus;
      /** Sent when a request ended or a model was loaded, so that the front has figures without asking. */
      readonly stats?: EngineStats;
    };
