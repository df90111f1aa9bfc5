/** The event log's record and what readers see of it. */

/** Current version of the record; older ones are upcast on reading. */
export const EVENT_VERSION = 1;

export const EVENT_TYPES = [
  'chat.turn',
  'completion.accepted',
  'conversation.closed',
  'memory.forgotten',
  'sleep.finished',
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

export interface MemoryStatus {
  /** `model_hash`. */
  readonly model: string;
  /** False when the log is switched off. */
  readonly enabled: boolean;
  readonly events: number;
  readonly unconsolidated: number;
  readonly consolidated: number;
  readonly lastEventId: number;
  readonly conversations: number;
  /** Closed conversations not yet consolidated, and how many start a sleep. */
  readonly closedWaiting: number;
  readonly sleepAfter: number;
  readonly state: 'awake' | 'drowsy' | 'sleeping' | 'evaluating';
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
