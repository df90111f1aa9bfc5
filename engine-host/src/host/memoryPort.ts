/** What the host needs from the memory: the routes record into it, the editor socket shows and edits it. */
import type { EditorNotifications, EditorRequests } from '#protocol/editor.ts';
import type { Card, EventType, MemoryEvent, MemoryForget, MemoryStatus } from '#protocol/memory.ts';
import type { ApiRecorder } from '../api/deps.ts';
import type { Forgotten } from '../memory/forget.ts';
import type { MemoryChoice } from '../memory/memorySettings.ts';

export interface MemoryPort extends ApiRecorder {
  /** A model was loaded: requests may come. Returns at once, never throws. */
  prepare?(): void;
  /** `model`: the model hash whose view is asked; absent means all models together or the newest. */
  status(model: string | undefined): Promise<MemoryStatus>;
  list(
    query: EditorRequests['zell/memory/list']['params'],
    model: string | undefined,
  ): Promise<EditorRequests['zell/memory/list']['result']>;
  /** Erases the payloads of these events or of one conversation. @returns how many were erased */
  erase(what: EditorRequests['zell/memory/delete']['params']): Promise<number>;
  /** Erases everything. @returns how many events were erased */
  clear(): Promise<number>;
  /** Newest first; `query`: those that fit it, best first. */
  cards(query?: string): readonly Card[];
  card(id: string): Promise<{ readonly card: Card; readonly events: readonly MemoryEvent[] } | undefined>;
  /** Oldest first. */
  conversation(id: string): Promise<readonly MemoryEvent[]>;
  find(text: string): Promise<{ readonly cards: readonly Card[]; readonly events: readonly MemoryEvent[] }>;
  editCard(id: string, edit: { readonly statement: string; readonly value: string }): Promise<Card>;
  importCards(values: readonly unknown[]): Promise<number>;
  /** Erases exchanges, cards and what they replaced. */
  forget(what: MemoryForget): Promise<{ readonly ids: readonly number[]; readonly cards: readonly string[] }>;
  choose(change: Partial<MemoryChoice>): Promise<void>;
  /** Tells recall which cards the adapter in force was taught. Absent: there is no recall. */
  useTaught?(taught: (model: string) => ReadonlySet<string>): void;
  /** Accepted ghost text becomes an event; `model` is the hash of the model that wrote it. Returns at once, never throws. */
  completionAccepted(accepted: EditorNotifications['zell/completion/accepted'], model: string): void;
  /** Only counted. */
  completionRejected(): void;
  closeConversation(conversation: string): void;
  /** Appends what learning did: an event without texts. Absent: there is no log. */
  note?(model: string, type: EventType, data: Readonly<Record<string, unknown>>): Promise<number>;
  /** Called, and awaited, after every erasure. */
  onForgotten?(listener: (forgotten: Forgotten) => Promise<void>): void;
  /** What a crash kept from being removed everywhere. */
  unfinishedErasures?(): Forgotten | undefined;
  /** Exchanges that are erased: what a crash kept `onForgotten` from telling. */
  erasedIds?(): readonly number[];
  /** Calls back after every change with the newest event id. */
  onChange(listener: (lastEventId: number) => void): void;
  /** Writes what is queued; after it nothing is recorded. */
  close(): Promise<void>;
}
