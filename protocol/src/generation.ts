/** What is asked of the engine for an answer, and what comes back while it is written. */
import type { Constraint } from './constraint.ts';
import type { WireError } from './errors.ts';
import type { SamplingParams } from './sampling.ts';

/** A piece of prompt. Text of users, tools and files has `special: false`, so that it can never become a control token. */
export type PromptPart = { readonly text: string; readonly special: boolean } | { readonly tokens: readonly number[] };

/** Order of service when several requests wait: the first in this list goes first. */
export const PRIORITIES = ['completion', 'chat', 'api', 'batch', 'learning'] as const;
export type Priority = (typeof PRIORITIES)[number];

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
