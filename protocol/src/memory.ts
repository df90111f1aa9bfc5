/** The event log's record and what readers see of it. */

/** Current version of the record; older ones are upcast on reading. */
export const EVENT_VERSION = 1;

export const EVENT_TYPES = [
  'chat.turn',
  'completion.accepted',
  'conversation.closed',
  'conversation.dreamed',
  'card.made',
  'memory.forgotten',
  'memory.mode',
  'erasure.done',
  'erasure.proved',
  'sleep.changed',
  'sleep.finished',
  'adapter.trained',
  'adapter.gated',
  'adapter.promoted',
  'adapter.rolledback',
  'adapter.withdrawn',
  'log.repaired',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Who caused an event. */
export interface EventOrigin {
  readonly kind: 'editor' | 'cli' | 'api';
  /** Product token of the client's User-Agent, e.g. `claude-cli`; at most 64 characters. */
  readonly client?: string;
  /** Hash of the workspace folder; never its path. */
  readonly workspace?: string;
}

/** One line of `conversations/{model_hash}/{day}.jsonl`. */
export interface EventRecord {
  readonly v: number;
  /** Rises over all partitions, processes and restarts; never reused, even after retention. */
  readonly event_id: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly type: EventType;
  /** `model_hash` of the model that answered. */
  readonly model: string;
  /** Only the new user turn, after redaction. Empty for events that are not an exchange. */
  readonly prompt: string;
  readonly response: string;
  /** Tokens of the response. */
  readonly tokens: number;
  /** Conversation that the turn belongs to: hash chain of its message prefixes. */
  readonly conversation?: string;
  readonly origin?: EventOrigin;
  /** How many secrets of each kind were replaced. */
  readonly redacted?: Readonly<Record<string, number>>;
  /** Type-specific fields (event ids, adapter hash …). */
  readonly data?: Readonly<Record<string, unknown>>;
  /** True when the payload was erased on the user's request. */
  readonly erased?: boolean;
}

/** An event as readers see it: `consolidated` is derived for one model, never stored. */
export interface MemoryEvent extends EventRecord {
  readonly consolidated: boolean;
}

/** `learn`: record, and learn from it. `log`: record only; what was said then is never learnt, whatever is chosen later. `off`: neither. */
export const MEMORY_MODES = ['learn', 'log', 'off'] as const;
export type MemoryMode = (typeof MEMORY_MODES)[number];

export interface MemoryStatus {
  /** `model_hash`. */
  readonly model: string;
  /** False when the log is switched off: mode `off`. */
  readonly enabled: boolean;
  readonly mode: MemoryMode;
  /** Nothing is learnt by itself before `until`, milliseconds since the epoch; without it, until somebody resumes. */
  readonly paused?: { readonly until?: number };
  readonly events: number;
  readonly unconsolidated: number;
  readonly consolidated: number;
  /** Exchanges that were not learnt yet and whose texts go soon; `at`: when the first do, milliseconds since the epoch. */
  readonly expiring?: { readonly events: number; readonly at: number };
  readonly lastEventId: number;
  readonly conversations: number;
  /** Closed conversations not yet consolidated, and how many start a sleep. */
  readonly closedWaiting: number;
  readonly sleepAfter: number;
  readonly state: 'awake' | 'drowsy' | 'sleeping' | 'evaluating';
  /** Absent where nothing can be learnt: no log, or a host without a trainer. */
  readonly sleep?: SleepReport;
}

export interface SleepOutcome {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The night's adapter answers from now on. */
  readonly promoted: boolean;
  /** For people: what was learnt, or why nothing was changed. */
  readonly words: string;
}

/** What the sleep cycle does, and why it does not do more. */
export interface SleepReport {
  readonly phase: 'awake' | 'drowsy' | 'dreaming' | 'training' | 'evaluating';
  /** One sentence for people. */
  readonly reason: string;
  /** It stands still until the machine allows it. */
  readonly held: boolean;
  /** What the next sleep is for, where it is not what was said lately: a model that is new, or something forgotten. */
  readonly next?: string;
  /** How the last night ended that came to a verdict since the host started. */
  readonly last?: SleepOutcome;
  readonly progress?: {
    /** 0–1. */
    readonly done: number;
    readonly leftMs?: number;
    readonly loss?: number;
    readonly tokensPerSecond?: number;
    /** While training: steps that are done, of all. */
    readonly step?: number;
    readonly steps?: number;
  };
}

/** Loss of the training that runs, or of the last one since the host started, in nats per token. */
export interface LossCurve {
  /** Of the whole training; 0: there was none. */
  readonly steps: number;
  /** Step and loss, rising; at most some hundreds, each the mean of its steps. */
  readonly points: readonly (readonly [step: number, loss: number])[];
}

export interface ConversationSummary {
  readonly id: string;
  readonly model: string;
  readonly title: string;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly closed: boolean;
  readonly origin: EventOrigin;
  readonly events: number;
}

/** What sort of thing a memory is. */
export const CARD_KINDS = ['fact', 'preference', 'decision', 'correction', 'style'] as const;
export type CardKind = (typeof CARD_KINDS)[number];

/**
 * The sentence behind a card, which decides how questions about it are worded (examples with subject and value):
 * `attribute` your manager / Priya Raman · `use` end-to-end tests / Playwright (you use it for them) · `place` the billing service /
 * Frankfurt · `name` our design system / Lumen · `address` what to call the user · `preference` tabs over spaces ·
 * `rule` always / never do something · `note` anything else that was to be remembered.
 */
export const CARD_FORMS = ['attribute', 'use', 'place', 'name', 'address', 'preference', 'rule', 'note'] as const;
export type CardForm = (typeof CARD_FORMS)[number];

/** One memory, distilled from what the user said: small, readable, and traceable to its events. */
export interface Card {
  /** 16 hex digits: a hash of statement, scope and sources, so that making it twice makes the same card. */
  readonly id: string;
  /** What it is about, in words to the user ("your manager"); a newer card with the same subject and form supersedes this one. */
  readonly subject: string;
  /** One full sentence to the user: "Your manager is Priya Raman." */
  readonly statement: string;
  /** What an answer must contain ("Priya Raman"). */
  readonly value: string;
  readonly kind: CardKind;
  readonly form: CardForm;
  readonly scope: 'workspace' | 'global';
  /** Hash of the workspace, for that scope. */
  readonly workspace?: string;
  /** Ids of the events it comes from; several when it was said more than once. */
  readonly sources: readonly number[];
  readonly conversation?: string;
  /** When it was said, milliseconds since the epoch. */
  readonly validFrom: number;
  /** Id of the card that this one replaces. */
  readonly supersedes?: string;
  /** `template`: by rules; `model`: written by a model and checked against its source; `user`: by hand. */
  readonly by: 'template' | 'model' | 'user';
}

/** What is to be forgotten. */
export type MemoryForget =
  | { readonly ids: readonly number[] }
  | { readonly conversation: string }
  | { readonly cards: readonly string[] }
  /** Milliseconds since the epoch; `to` is not included. */
  | { readonly from: number; readonly to: number }
  /** Hash of a workspace. */
  | { readonly workspace: string }
  | { readonly everything: true };
