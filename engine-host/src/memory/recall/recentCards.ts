/** Cards from exchanges that no night has seen yet. They are made when they are asked for, and live in memory only. */
import type { Card } from '#protocol/memory.ts';
import type { HeldCard } from '../cards/cardProjection.ts';
import { turnOf } from '../dreaming/dreamer.ts';
import { extractCards, type UserTurn } from '../dreaming/extractCards.ts';
import type { Journal } from '../journal.ts';

/** Exchanges that are looked through at most, the newest. */
const RECENT_EVENTS = 200;

export class RecentCards {
  readonly #journal: Journal;
  /** Texts of the exchanges; undefined: it is nothing that a user said. */
  readonly #turns = new Map<number, UserTurn | undefined>();
  /** By conversation; they hold as long as what was said before them and the cards of nights are the same. */
  #made = new Map<string, Made>();
  #held: readonly HeldCard[] | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Oldest first. Never throws: what cannot be read is left out. */
  async cards(): Promise<readonly Card[]> {
    const { projection, log, cards } = this.#journal;
    const ids = projection.learnable().filter((id) => !projection.isDreamed(id));
    const fresh = ids.slice(-RECENT_EVENTS);
    const wanted = new Set(fresh);
    for (const id of this.#turns.keys()) if (!wanted.has(id)) this.#turns.delete(id);
    const unread = fresh.filter((id) => !this.#turns.has(id));
    for (const record of await log.read(unread).catch(() => [])) this.#turns.set(record.event_id, turnOf(record));
    return this.#extract(cards.valid());
  }

  /** The text of a turn, as it was recorded. */
  promptOf(event: number): string | undefined {
    return this.#turns.get(event)?.prompt;
  }

  /** Conversation by conversation, as the night will do it: a correction may be about what an earlier one said. */
  #extract(held: readonly HeldCard[]): Card[] {
    const before = this.#held === held ? this.#made : new Map<string, Made>();
    const made = new Map<string, Made>();
    const cards: Card[] = [];
    let same = true;
    for (const [conversation, turns] of this.#conversations()) {
      const of = turns.map((turn) => turn.eventId).join();
      const known = before.get(conversation);
      same &&= known?.of === of;
      const own = same && known !== undefined ? known.cards : extractCards(turns, [...held, ...cards]);
      made.set(conversation, { of, cards: own });
      cards.push(...own);
    }
    this.#made = made;
    this.#held = held;
    return cards.sort((a, b) => a.validFrom - b.validFrom);
  }

  #conversations(): Map<string, UserTurn[]> {
    const conversations = new Map<string, UserTurn[]>();
    for (const turn of this.#turns.values()) {
      if (turn === undefined) continue;
      const id = turn.conversation ?? String(turn.eventId);
      conversations.set(id, [...(conversations.get(id) ?? []), turn]);
    }
    return conversations;
  }
}

interface Made {
  /** Ids of its turns. */
  readonly of: string;
  readonly cards: readonly Card[];
}
