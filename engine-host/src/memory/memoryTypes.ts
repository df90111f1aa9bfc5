/** What goes into the memory and how others see it. */
import type { EventOrigin, MemoryEvent } from '#protocol/memory.ts';
import type { EventLogOptions } from '../store/eventLog.ts';
import type { ChainMessage } from './conversationChain.ts';
import type { ClosedConversation } from './projection.ts';
import type { Redactor } from './redactor.ts';

export interface MemoryOptions {
  /** `conversations` and `memory` in the Zell home. */
  readonly conversations: string;
  readonly memory: string;
  readonly lock: EventLogOptions['lock'];
  /** The bundled redaction worker; tests may pass a redactor instead. */
  readonly redaction: { readonly workerEntry: URL | string } | { readonly redactor: Redactor };
  /** Told when an exchange could not be recorded: code and message only, never its text. */
  readonly onProblem: (error: unknown) => void;
  readonly now?: () => number;
}

export interface RecordedExchange {
  readonly model: string;
  readonly messages: readonly ChainMessage[];
  readonly response: string;
  readonly tokens: number;
  readonly origin: EventOrigin;
  /** The answer is not complete: it is remembered as what was said, and learning may leave it out. */
  readonly stopped?: boolean;
  /** False: to be recorded only. */
  readonly learn?: boolean;
}

/** What `sleep.finished` records besides the ids. */
export interface SleepReport {
  /** Cards that were trained. */
  readonly cards?: readonly string[];
  /** Those of them whose probe failed afterwards. */
  readonly failed?: readonly string[];
  /** SHA-256 of the adapter. */
  readonly adapter?: string;
}

/** The log of one model, as the learning part uses it. Ids and order are those of the whole log: memories are universal. */
export interface ModelMemory {
  /** Appends one exchange, redacted. @returns its id, or undefined when the memory is off */
  log(prompt: string, response: string, tokens: number): Promise<number | undefined>;
  getLatestEventId(): number;
  /** The `n` oldest exchanges that this model has not consolidated. */
  fetchUnconsolidated(n: number): Promise<MemoryEvent[]>;
  /** `n` random ones that it has. */
  sampleConsolidated(n: number): Promise<MemoryEvent[]>;
  /** Appends the fact that these ids are consolidated; `sleep` says more about how. */
  markConsolidated(ids: readonly number[], sleep?: SleepReport): Promise<void>;
  /** Conversations that are over (30 minutes of silence, or closed by word) and not wholly consolidated, oldest first. */
  closedConversations(): ClosedConversation[];
}
