/** What crosses the pipe between the front and the engine child, and the types that both sides speak in. */
import type { WireError } from './errors.ts';
import type {
  AdapterInfo,
  AdapterScale,
  GenerateEvent,
  GenerateRequest,
  PromptPart,
  TokenLogprob,
} from './generation.ts';
import type { LoadOptions, ModelInfo, ModelSummary } from './model.ts';
import type {
  Calibration,
  CalibrationRequest,
  ExpertReads,
  ExpertUse,
  LayerReads,
  MachineLimits,
  Survey,
} from './survey.ts';

/** Version of the frames below; a child that answers another one is refused. */
export const ENGINE_PROTOCOL_VERSION = 1;

/** Longest frame accepted on the pipe, bytes of JSON. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

export interface QueueStatus {
  readonly running: number;
  readonly waiting: number;
  /** Most requests that run at once. */
  readonly slots: number;
  /** Most requests that wait before new ones are refused. */
  readonly maxWaiting: number;
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

/** Calls that have one answer. The key is the method on the wire. */
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
