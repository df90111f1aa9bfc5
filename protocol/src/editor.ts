/**
 * JSON-RPC over the editor socket (`ws://HOST:PORT/editor`, header `Authorization: Bearer TOKEN`).
 * LSP 3.18 `initialize`, `textDocument/inlineCompletion` and `$/cancelRequest` share the connection with the `zell/*` methods below.
 */
import type { AdapterList, AdapterVersion, GateLimits } from './adapters.ts';
import type { BenchmarkRequest, BenchmarkResult, KeptPrefix, EngineStats, QueueStatus, Restraint } from './engine.ts';
import type { AdapterInfo, TokenLogprob } from './generation.ts';
import type { ModelInfo, ModelSummary } from './model.ts';
import type { ExpertUse, MachineLimits } from './survey.ts';
import type { WireError } from './errors.ts';
import type { ProfileAnswer } from './profile.ts';
import type {
  Card,
  ConversationSummary,
  LossCurve,
  MemoryEvent,
  MemoryForget,
  MemoryMode,
  MemoryStatus,
} from './memory.ts';

export const EDITOR_SOCKET_PATH = '/editor';

/** Request header that says who holds the lease: a host that a command started for itself ends with that command. */
export const CLIENT_HEADER = 'x-zell-client';
export type ClientKind = 'editor' | 'cli';

export type HostState = 'starting' | 'loading' | 'ready' | 'learning' | 'crashed';

/** Pushed on every change (`zell/status`) and returned by `zell/status/get`; always complete. */
export interface HostStatus {
  readonly state: HostState;
  /** One sentence for people; on `crashed` what failed and what happens next. */
  readonly detail: string;
  readonly version: string;
  readonly pid: number;
  readonly port: number;
  readonly model?: Pick<
    ModelInfo,
    'name' | 'modelHash' | 'path' | 'architecture' | 'quantization' | 'contextLength' | 'kv'
  > & { readonly fit?: ModelInfo['fit'] };
  /** Of the last answer; 0 before the first. */
  readonly tokensPerSecond: number;
  readonly queue: QueueStatus;
  /** Why fewer experts or layers of the model are in memory than planned; absent while memory suffices. */
  readonly shrunk?: string;
  /** What keeps the engine from its full speed; absent while nothing does. */
  readonly restraint?: Restraint;
  /** Editors connected now. */
  readonly leases: number;
  /** Progress of a load or download, 0–1. */
  readonly progress?: number;
  readonly error?: WireError;
  /** Closed conversations waiting for the next sleep. */
  readonly memory?: Pick<
    MemoryStatus,
    'enabled' | 'mode' | 'paused' | 'closedWaiting' | 'sleepAfter' | 'state' | 'sleep'
  >;
}

/** A model that can be chosen: in the catalogue, downloaded, or both. */
export interface ModelChoice {
  readonly name: string;
  readonly title: string;
  /** Absent until it is on this disk. */
  readonly path?: string;
  readonly bytes: number;
  readonly license?: string;
  readonly note: string;
  readonly installed: boolean;
  readonly fits: boolean;
  readonly loaded: boolean;
}

/**
 * What a completion request carries besides LSP's own params, in `params.zell`: the host never reads documents.
 * `prefix` and `suffix` are the window around the cursor, at most 64 KiB each.
 */
export interface CompletionWindow {
  readonly prefix: string;
  readonly suffix: string;
  readonly languageId: string;
  /** Relative to the workspace, for the prompt's file name. */
  readonly fileName: string;
  /** `line`: stop at the end of the line. */
  readonly shape: 'line' | 'block';
  readonly maxTokens: number;
  readonly workspace?: string;
}

/** Requests to the host. */
export interface EditorRequests {
  'zell/status/get': { params: Record<string, never>; result: HostStatus };
  'zell/engine/restart': { params: Record<string, never>; result: null };
  'zell/models/list': { params: Record<string, never>; result: { models: ModelChoice[] } };
  /** `name`: a catalogue name or a path. Downloads when needed; progress comes as status. */
  'zell/models/choose': { params: { name: string }; result: { model: ModelSummary } };
  'zell/models/profile': { params: { name?: string }; result: { model: ModelSummary } };
  'zell/memory/status': { params: Record<string, never>; result: MemoryStatus };
  'zell/memory/list': {
    params: { limit: number; before?: number };
    result: { conversations: ConversationSummary[]; events: MemoryEvent[] };
  };
  'zell/memory/delete': { params: { ids: number[] } | { conversation: string }; result: { erased: number } };
  /**
   * Cards that hold now, newest first; `query` picks those that fit it, best first. With `ids` just these, also those that were replaced
   * or that no night has made yet; what is gone is left out.
   */
  'zell/memory/cards': { params: { query?: string; ids?: string[] }; result: { cards: Card[] } };
  /** One card, also one that was replaced, with the exchanges it comes from. */
  'zell/memory/card': { params: { id: string }; result: { card: Card; events: MemoryEvent[] } };
  /** The exchanges of one conversation, oldest first. */
  'zell/memory/conversation': { params: { id: string }; result: { events: MemoryEvent[] } };
  /** Where a text stands word for word, newest first, and the cards about it, best first. */
  'zell/memory/find': { params: { text: string }; result: { cards: Card[]; events: MemoryEvent[] } };
  /** The user's own wording; `value` is what an answer must contain. */
  'zell/memory/editCard': { params: { id: string; statement: string; value: string }; result: { card: Card } };
  /** For good: log, cards, keys and values on the disk, and adapters that learnt it. */
  'zell/memory/forget': { params: MemoryForget; result: { events: number[]; cards: string[] } };
  /** Cards of an export; what is no card is left out. */
  'zell/memory/import': { params: { cards: unknown[] }; result: { added: number } };
  /** Whether memories are looked up for the editor's chat, `zell run` and `zell ask`; `tokens`: how much of a prompt they may take (32–4096). */
  'zell/memory/recall': { params: { enabled: boolean; tokens?: number }; result: null };
  'zell/memory/clear': { params: Record<string, never>; result: { erased: number } };
  /** Learns as soon as the machine allows it, from what there is; conversations that are open count as closed. */
  'zell/memory/sleep': { params: { budgetMinutes?: number }; result: MemoryStatus };
  /** Ends a sleep; what was done is kept. */
  'zell/memory/wake': { params: Record<string, never>; result: MemoryStatus };
  /** On: as it was, or `learn` after `off`. */
  'zell/memory/enable': { params: { enabled: boolean }; result: MemoryStatus };
  /** A sleep that runs ends when the new mode does not learn. */
  'zell/memory/mode': { params: { mode: MemoryMode }; result: MemoryStatus };
  /** No sleep by itself until then (milliseconds since the epoch), or until resumed; a sleep that runs ends. */
  'zell/memory/pause': { params: { until?: number }; result: MemoryStatus };
  'zell/memory/resume': { params: Record<string, never>; result: MemoryStatus };
  'zell/memory/curve': { params: Record<string, never>; result: LossCurve };
  /** Loads a model (a path or a name that is on this disk; none means the default) without making it the chosen one. */
  'zell/models/load': { params: { name?: string }; result: { model: ModelInfo } };
  /** A LoRA adapter for the loaded model, by its absolute path; `scale` is for requests that name none. */
  'zell/adapters/load': { params: { path: string; scale: number }; result: { adapter: AdapterInfo } };
  'zell/adapters/unload': { params: { id: number }; result: null };
  /** Versions of the loaded model's own adapter, and what the engine has loaded. */
  'zell/adapters/list': { params: Record<string, never>; result: AdapterList };
  /** To the version before the one in force, or to none (null). */
  'zell/adapters/rollback': { params: Record<string, never>; result: { from: number; to: number | null } };
  /** A PEFT folder or a GGUF file (an absolute path) through the gate, and into force when it passes; takes a minute or more. */
  'zell/adapters/import': { params: { path: string }; result: { version: AdapterVersion; limits: GateLimits } };
  /** Memories and recipe for another trainer, into an empty folder (an absolute path); the client has asked the user. */
  'zell/memory/bundle': {
    params: { folder: string; base?: string };
    result: { folder: string; cards: number; train: number; valid: number; leftOut: number };
  };
  /** Writes the adapter in force as a PEFT folder (an absolute path). */
  'zell/adapters/export': { params: { folder: string }; result: null };
  'zell/engine/bench': {
    params: { name?: string } & BenchmarkRequest;
    result: BenchmarkResult;
  };
  /** About a second of full load: how fast this machine reads memory and multiplies integers. */
  'zell/engine/stats': { params: Record<string, never>; result: EngineStats };
  /** Of a model whose experts come from the disk, layer by layer: which are used, and which are in memory. */
  'zell/engine/experts': { params: Record<string, never>; result: { layers: readonly ExpertUse[] } };
  'zell/engine/limits': { params: Record<string, never>; result: MachineLimits };
  /** Evaluates a system prompt and keeps it on the disk for requests to come; progress shows in the status. */
  'zell/prefix/build': {
    params: { name?: string; system: string };
    result: KeptPrefix & { readonly model: string; readonly ms: number };
  };
  /**
   * The profile of a model (a path or a name that is on this disk; none means the loaded or default one): the one that holds, unless
   * forced, or a new one, which takes up to a minute and loads the model. `seconds`: for measuring processor and disk. Progress shows in the status.
   */
  'zell/profile/build': {
    params: { name?: string; force?: boolean; seconds?: number };
    result: ProfileAnswer & { readonly built: boolean };
  };
  /** What is known of a model; null: nothing yet. */
  'zell/profile/get': { params: { name?: string }; result: { answer: ProfileAnswer | null } };
  /** The `top` most likely tokens after `text`, which is taken as plain text. */
  'zell/engine/nextTokens': { params: { name?: string; text: string; top: number }; result: { top: TokenLogprob[] } };
  /** Ends the host after this answer; `drain` lets running requests finish first. */
  'zell/host/stop': { params: { drain: boolean }; result: null };
  /** The host stays up until it is stopped, as under `zell serve`. */
  'zell/host/keep': { params: Record<string, never>; result: null };
}
export type EditorMethod = keyof EditorRequests;

/** Notifications from the editor. */
export interface EditorNotifications {
  /** Ghost text that the user took. `inserted` is what stayed after the edits of the next seconds. */
  'zell/completion/accepted': {
    prefixTail: string;
    inserted: string;
    /** What stands behind it. */
    suffixHead?: string;
    languageId: string;
    /** Relative to the workspace; only a keyed hash of it is kept. */
    fileName?: string;
    workspace?: string;
  };
  /** Shown and not taken; only counted. */
  'zell/completion/rejected': Record<string, never>;
  'zell/conversation/closed': { conversation: string };
}

/** Notifications from the host. */
export interface HostNotifications {
  'zell/status': HostStatus;
  /** The memory changed; ask again for what is shown. */
  'zell/memory/changed': { lastEventId: number };
}
