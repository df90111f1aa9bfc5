/** What has to go when the user wants something forgotten, and finishing what a crash interrupted. */
import type { Card, MemoryForget } from '#protocol/memory.ts';
import type { EventLog } from '../store/eventLog.ts';
import type { CardProjection } from './cards/cardProjection.ts';
import type { Journal } from './journal.ts';
import type { Projection } from './projection.ts';

/** What went. */
export interface Forgotten {
  /** Exchanges. */
  readonly ids: readonly number[];
  readonly cards: readonly string[];
  /** Their texts, which nothing but the memory of this process holds any more: an adapter is asked for them once. */
  readonly texts: readonly Card[];
  /** Ids of the `memory.forgotten` events. */
  readonly of: readonly number[];
}

export interface ForgetPlan {
  /** Exchanges whose payload goes. */
  readonly ids: ReadonlySet<number>;
  /** `card.made` events whose payload goes. */
  readonly mentions: ReadonlySet<number>;
  /** Cards that are gone then. */
  readonly cards: ReadonlySet<string>;
}

/**
 * Erases for good: payloads in the log, cards and their mentions. The intention is on disk first; after a crash the next start finishes
 * it. `more`: exchanges that go, too. @throws {ZellError} disk_full, io
 */
export function forgetIn(journal: Journal, what: MemoryForget, more: readonly number[] = []): Promise<Forgotten> {
  return journal.alone(async () => {
    const plan = resolveForget(what, journal.projection, journal.cards, journal.log, more);
    const ids = [...new Set([...plan.ids, ...plan.mentions])].sort((a, b) => a - b);
    if (ids.length === 0) return { ids: [], cards: [], texts: [], of: [] };
    const texts = [...plan.cards].flatMap((id) => journal.cards.get(id) ?? []);
    const note = (): Promise<number> =>
      journal.note(journal.newestModel(), 'memory.forgotten', { ids, cards: [...plan.cards] });
    // On a full disk erasing may still succeed, and then the note about it.
    const noted = await note().catch(() => undefined);
    await journal.log.erase(new Set(ids));
    for (const id of plan.ids) journal.projection.forget(id);
    journal.cards.forget(plan.mentions);
    const of = [noted ?? (await note())];
    await journal.writeCards();
    return { ids: [...plan.ids].sort((a, b) => a - b), cards: [...plan.cards], texts, of };
  });
}

/**
 * Of a forgotten exchange every mention goes, of a forgotten card its exchanges too, since they say the same. What a forgotten card had
 * replaced goes with it: an outdated value must not come back.
 */
export function resolveForget(
  what: MemoryForget,
  projection: Projection,
  cards: CardProjection,
  log: Pick<EventLog, 'entry'>,
  more: readonly number[] = [],
): ForgetPlan {
  const here = projection.exchanges();
  const ids = new Set(more);
  const wanted = new Set<string>();
  const matching = (fits: (id: number) => boolean): void => {
    for (const id of here) if (fits(id)) ids.add(id);
  };
  if ('ids' in what) for (const id of what.ids) ids.add(id);
  else if ('conversation' in what) for (const id of projection.eventsOf(what.conversation)) ids.add(id);
  else if ('cards' in what) for (const id of what.cards) wanted.add(id);
  else if ('workspace' in what) {
    matching((id) => log.entry(id)?.origin?.workspace === what.workspace);
    for (const card of cards.all()) if (card.workspace === what.workspace) wanted.add(card.id);
  } else if ('everything' in what) {
    matching(() => true);
    for (const card of cards.all()) wanted.add(card.id);
  } else {
    const inside = (time: number): boolean => time >= what.from && time < what.to;
    matching((id) => inside(log.entry(id)?.timestamp ?? Number.NaN));
    for (const card of cards.all()) if (inside(card.validFrom)) wanted.add(card.id);
  }
  const mentions = new Set(cards.mentionsFrom(ids));
  const gone = cards.withHistory([...wanted, ...cards.onlyIn(mentions)].filter((id) => cards.get(id) !== undefined));
  for (const event of cards.mentionsOf(gone)) mentions.add(event);
  for (const id of wanted) for (const source of sourcesOf(cards, id, gone)) ids.add(source);
  for (const id of ids) if (!here.has(id)) ids.delete(id);
  return { ids, mentions, cards: gone };
}

/** Exchanges of a card and of what it replaced. */
function sourcesOf(cards: CardProjection, id: string, gone: ReadonlySet<string>): number[] {
  return [...cards.withHistory([id])].filter((c) => gone.has(c)).flatMap((c) => cards.get(c)?.sources ?? []);
}

/** An erasure is noted before it is done: what a crash left undone is done now. */
export async function finishErasing(log: EventLog): Promise<void> {
  const left = new Set<number>();
  for (const { type, data } of log.entries()) {
    const ids = type === 'memory.forgotten' ? data?.['ids'] : undefined;
    if (!Array.isArray(ids)) continue;
    for (const id of ids) {
      const entry = typeof id === 'number' ? log.entry(id) : undefined;
      if (entry !== undefined && entry.erased !== true) left.add(entry.event_id);
    }
  }
  if (left.size > 0) await log.erase(left);
}

/** Erasures that were noted and of which nothing says that they are done: what was made from these must go once more. */
export function unfinishedErasures(log: EventLog, cards: CardProjection): Forgotten | undefined {
  const open = new Map<number, { readonly ids: number[]; readonly cards: string[] }>();
  for (const { type, data, event_id } of log.entries()) {
    if (type === 'memory.forgotten') open.set(event_id, { ids: numbers(data?.['ids']), cards: texts(data?.['cards']) });
    if (type === 'erasure.done') for (const id of numbers(data?.['of'])) open.delete(id);
  }
  if (open.size === 0) return undefined;
  const all = [...open.values()];
  return {
    ids: all.flatMap(({ ids }) => ids),
    // What was said again since then is remembered again.
    cards: all.flatMap((one) => one.cards).filter((id) => cards.get(id) === undefined),
    texts: [],
    of: [...open.keys()],
  };
}

/** Ids of erasures after which this model was to learn the rest again, and did not yet. */
export function unprovedErasures(log: EventLog, model: string): number[] {
  const open = new Set<number>();
  for (const { type, data, model: proved } of log.entries()) {
    if (type === 'erasure.done' && texts(data?.['rebuild']).includes(model))
      for (const id of numbers(data?.['of'])) open.add(id);
    if (type === 'erasure.proved' && proved === model) for (const id of numbers(data?.['of'])) open.delete(id);
  }
  return [...open];
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.filter((v): v is number => typeof v === 'number') : [];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : [];
}
