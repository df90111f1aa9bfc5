/** Where a piece of text is remembered: what somebody who wants it forgotten chooses from. */
import type { Card, MemoryEvent } from '#protocol/memory.ts';
import type { Journal } from './journal.ts';

const MOST_EVENTS = 200;
const MOST_CARDS = 50;
/** Exchanges that are read at a time. */
const BATCH = 500;
/** Characters of the text that the search for cards about it looks at. */
const SEARCHED = 500;

/**
 * Exchanges in which it stands word for word (case and white space do not count), newest first; cards that say it first, then cards that
 * share rare words with it.
 */
export async function findText(
  journal: Journal,
  search: (query: string) => readonly Card[],
  text: string,
): Promise<{ readonly cards: Card[]; readonly events: MemoryEvent[] }> {
  const wanted = plain(text);
  if (wanted === '') return { cards: [], events: [] };
  const held = [...journal.cards.valid()];
  const says = (card: Card): boolean =>
    plain(card.statement).includes(wanted) || (card.value.length > 2 && wanted.includes(plain(card.value)));
  const cards = new Set([...held.filter(says).reverse(), ...search(text.slice(0, SEARCHED))]);

  const model = journal.newestModel();
  const ids = [...journal.projection.exchanges()].reverse();
  const events: MemoryEvent[] = [];
  for (let at = 0; at < ids.length && events.length < MOST_EVENTS; at += BATCH) {
    const records = await journal.events(ids.slice(at, at + BATCH), model);
    events.push(...records.filter((r) => plain(r.prompt).includes(wanted) || plain(r.response).includes(wanted)));
  }
  return { cards: [...cards].slice(0, MOST_CARDS), events: events.slice(0, MOST_EVENTS) };
}

function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
