/** What readers derive from the log: conversations, and which events a model has consolidated. Rebuilt at every start, never stored. */
import type { ConversationSummary } from '#protocol/memory.ts';
import type { EventEntry } from '../store/eventLog.ts';

/** Without a word for this long a conversation counts as closed. */
const CLOSED_AFTER_MS = 30 * 60_000;

/** A conversation that is over, as dreaming and training take it. */
export interface ClosedConversation {
  readonly id: string;
  readonly model: string;
  readonly updatedAt: number;
  readonly origin: ConversationSummary['origin'];
  /** Exchanges that still have their payload, rising. */
  readonly events: readonly number[];
}

interface Conversation {
  readonly id: string;
  readonly model: string;
  readonly startedAt: number;
  updatedAt: number;
  closed: boolean;
  readonly origin: ConversationSummary['origin'];
  readonly events: number[];
}

export class Projection {
  /** Chain value after an exchange → its conversation. */
  readonly #chains = new Map<string, string>();
  readonly #conversations = new Map<string, Conversation>();
  /** Model hash → ids it has consolidated. */
  readonly #consolidated = new Map<string, Set<number>>();
  /** Ids of exchanges (turns and accepted completions) that still have their payload, rising. */
  readonly #exchanges = new Set<number>();
  /** Those of them that were said to be recorded only. */
  readonly #logOnly = new Set<number>();
  /** Ids of exchanges whose cards have been made. */
  readonly #dreamed = new Set<number>();

  apply(entry: EventEntry): void {
    switch (entry.type) {
      case 'chat.turn':
      case 'completion.accepted':
        this.#applyExchange(entry);
        return;
      case 'conversation.closed': {
        const conversation = this.#conversations.get(entry.conversation ?? '');
        if (conversation !== undefined) conversation.closed = true;
        return;
      }
      case 'sleep.finished': {
        const ids = entry.data?.['ids'];
        const set = this.#consolidated.get(entry.model) ?? new Set<number>();
        if (Array.isArray(ids)) for (const id of ids) if (typeof id === 'number') set.add(id);
        this.#consolidated.set(entry.model, set);
        return;
      }
      case 'conversation.dreamed': {
        const ids = entry.data?.['ids'];
        if (Array.isArray(ids)) for (const id of ids) if (typeof id === 'number') this.#dreamed.add(id);
        return;
      }
      case 'card.made':
      case 'memory.forgotten':
      case 'memory.mode':
      case 'erasure.done':
      case 'erasure.proved':
      case 'sleep.changed':
      case 'adapter.trained':
      case 'adapter.gated':
      case 'adapter.promoted':
      case 'adapter.rolledback':
      case 'adapter.withdrawn':
      case 'log.repaired':
        return;
    }
  }

  #applyExchange(entry: EventEntry): void {
    if (entry.erased === true) {
      this.forget(entry.event_id);
      return;
    }
    this.#exchanges.add(entry.event_id);
    if (entry.data?.['learn'] === false) this.#logOnly.add(entry.event_id);
    const id = entry.conversation;
    if (id === undefined) return;
    const chain = entry.data?.['chain'];
    if (typeof chain === 'string') this.#chains.set(chain, id);
    const known = this.#conversations.get(id);
    if (known === undefined) {
      this.#conversations.set(id, {
        id,
        model: entry.model,
        startedAt: entry.timestamp,
        updatedAt: entry.timestamp,
        closed: false,
        origin: entry.origin ?? { kind: 'api' },
        events: [entry.event_id],
      });
      return;
    }
    known.updatedAt = Math.max(known.updatedAt, entry.timestamp);
    known.closed = false;
    known.events.push(entry.event_id);
  }

  /** An erased or expired event: it counts no more. */
  forget(id: number): void {
    this.#exchanges.delete(id);
    this.#logOnly.delete(id);
    for (const [key, conversation] of this.#conversations) {
      const at = conversation.events.indexOf(id);
      if (at === -1) continue;
      conversation.events.splice(at, 1);
      if (conversation.events.length === 0) {
        this.#conversations.delete(key);
        for (const [chain, owner] of this.#chains) if (owner === key) this.#chains.delete(chain);
      }
      return;
    }
  }

  conversationOf(chain: string): string | undefined {
    return this.#chains.get(chain);
  }

  has(conversation: string): boolean {
    return this.#conversations.has(conversation);
  }

  eventsOf(conversation: string): readonly number[] {
    return this.#conversations.get(conversation)?.events ?? [];
  }

  exchanges(): ReadonlySet<number> {
    return this.#exchanges;
  }

  /** Exchanges that memories may be made from, rising. */
  learnable(): number[] {
    return [...this.#exchanges].filter((id) => !this.#logOnly.has(id));
  }

  isConsolidated(id: number, model: string): boolean {
    return this.#consolidated.get(model)?.has(id) ?? false;
  }

  conversationCount(): number {
    return this.#conversations.size;
  }

  /** Whether cards have been made from this exchange. */
  isDreamed(id: number): boolean {
    return this.#dreamed.has(id);
  }

  /** Closed conversations with what may be learnt of them, oldest first. */
  closed(now: number): ClosedConversation[] {
    return [...this.#conversations.values()]
      .filter((c) => isClosed(c, now))
      .map(({ id, model, updatedAt, origin, events }) => {
        return { id, model, updatedAt, origin, events: events.filter((event) => !this.#logOnly.has(event)) };
      })
      .filter(({ events }) => events.length > 0)
      .sort((a, b) => (a.events[0] ?? 0) - (b.events[0] ?? 0));
  }

  /** Closed conversations with something that `model` has not consolidated, oldest first. */
  closedUnconsolidated(model: string, now: number): ClosedConversation[] {
    return this.closed(now).filter((c) => c.events.some((id) => !this.isConsolidated(id, model)));
  }

  /** Newest first. The caller adds titles, which need the payload. */
  newest(limit: number, before: number, now: number): Omit<ConversationSummary, 'title'>[] {
    return [...this.#conversations.values()]
      .filter((c) => c.updatedAt < before)
      .sort((a, b) => b.updatedAt - a.updatedAt)
      .slice(0, limit)
      .map((c) => ({
        id: c.id,
        model: c.model,
        startedAt: c.startedAt,
        updatedAt: c.updatedAt,
        closed: isClosed(c, now),
        origin: c.origin,
        events: c.events.length,
      }));
  }
}

function isClosed(conversation: Conversation, now: number): boolean {
  return conversation.closed || now - conversation.updatedAt >= CLOSED_AFTER_MS;
}
