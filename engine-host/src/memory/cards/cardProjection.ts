/** The cards, derived from the events of the log: mentions join, newer ones supersede older ones of the same topic. */
import type { Card } from '#protocol/memory.ts';
import type { EventEntry } from '../../store/eventLog.ts';
import { topicKey } from '../dreaming/cardId.ts';
import { asCard } from './readCard.ts';

/** A card with what happened to it. */
export interface HeldCard extends Card {
  /** The card that replaced it; such a card is history and is never used. */
  readonly supersededBy?: string;
}

interface Mention {
  readonly event: number;
  /** Hash of the model that answered then. */
  readonly model: string;
  readonly card: Card;
}

/** Events come in rising order of their ids, as the log has them. */
export class CardProjection {
  /** Event id → mention; what is erased is taken out. Map order is id order. */
  readonly #mentions = new Map<number, Mention>();
  #held: Held | undefined;
  #valid: readonly HeldCard[] | undefined;

  /** Of the newest mention; 0 without any. */
  get lastEventId(): number {
    return [...this.#mentions.keys()].at(-1) ?? 0;
  }

  apply(entry: EventEntry): void {
    if (entry.type !== 'card.made') return;
    const card = entry.erased === true ? undefined : asCard(entry.data?.['card']);
    if (card === undefined) {
      if (this.#mentions.delete(entry.event_id)) this.#reset();
      return;
    }
    this.#mentions.set(entry.event_id, { event: entry.event_id, model: entry.model, card });
    this.#valid = undefined;
    if (this.#held !== undefined) hold(this.#held, card);
  }

  /** Takes mentions out whose events were erased. */
  forget(events: Iterable<number>): void {
    for (const event of events) this.#mentions.delete(event);
    this.#reset();
  }

  /** All of them, oldest first. */
  all(): readonly HeldCard[] {
    return [...this.#cards().cards.values()];
  }

  /** Those that hold now, oldest first. The same array until a card comes or goes. */
  valid(): readonly HeldCard[] {
    return (this.#valid ??= this.all().filter((card) => card.supersededBy === undefined));
  }

  get(id: string): HeldCard | undefined {
    return this.#cards().cards.get(id);
  }

  /** Id of the card that holds now and is about this (`topicKey`). */
  about(topic: string): string | undefined {
    return this.#cards().validOf.get(topic);
  }

  /** Ids of cards that were mentioned while this model answered. */
  madeUnder(model: string): ReadonlySet<string> {
    return new Set([...this.#mentions.values()].filter((m) => m.model === model).map((m) => m.card.id));
  }

  /** Ids of the `card.made` events of these cards. */
  mentionsOf(ids: ReadonlySet<string>): number[] {
    return [...this.#mentions.values()].filter((m) => ids.has(m.card.id)).map((m) => m.event);
  }

  /** Ids of `card.made` events that name one of these exchanges as a source. */
  mentionsFrom(events: ReadonlySet<number>): number[] {
    return [...this.#mentions.values()].filter((m) => m.card.sources.some((s) => events.has(s))).map((m) => m.event);
  }

  /** These cards and everything they replaced, directly or not. */
  withHistory(ids: Iterable<string>): Set<string> {
    const all = new Set(ids);
    // A set grows while it is walked.
    for (const id of all) for (const card of this.all()) if (card.supersededBy === id) all.add(card.id);
    return all;
  }

  /** Cards that would be gone without these mentions. */
  onlyIn(mentions: ReadonlySet<number>): string[] {
    const left = new Set<string>();
    for (const { event, card } of this.#mentions.values()) if (!mentions.has(event)) left.add(card.id);
    return this.all()
      .map((card) => card.id)
      .filter((id) => !left.has(id));
  }

  #reset(): void {
    this.#held = undefined;
    this.#valid = undefined;
  }

  #cards(): Held {
    if (this.#held !== undefined) return this.#held;
    const held: Held = { cards: new Map(), validOf: new Map() };
    for (const { card } of this.#mentions.values()) hold(held, card);
    return (this.#held = held);
  }
}

interface Held {
  readonly cards: Map<string, HeldCard>;
  /** Topic → the card that holds. */
  readonly validOf: Map<string, string>;
}

/** Takes the next mention. */
function hold({ cards, validOf }: Held, card: Card): void {
  const known = cards.get(card.id);
  const topic = topicKey(card);
  const rival = validOf.get(topic);
  const joined = known === undefined ? card : join(known, card);
  cards.set(card.id, joined);
  validOf.set(topic, card.id);
  const replaced = new Set([rival, card.supersedes]);
  replaced.delete(card.id);
  for (const id of replaced) {
    const old = id === undefined ? undefined : cards.get(id);
    if (old === undefined || id === undefined) continue;
    cards.set(id, { ...old, supersededBy: card.id });
    cards.set(card.id, { ...joined, supersedes: id });
  }
}

/** Said again: valid again, and from now on. */
function join(known: HeldCard, again: Card): HeldCard {
  const { supersededBy, ...rest } = known;
  const sources = [...new Set([...known.sources, ...again.sources])].sort((a, b) => a - b);
  const validFrom = Math.max(known.validFrom, again.validFrom);
  const conversation = again.conversation ?? known.conversation;
  return { ...rest, sources, validFrom, ...(conversation === undefined ? {} : { conversation }) };
}
