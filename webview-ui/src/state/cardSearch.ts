/** Cards that fit what is typed: all words stand somewhere in them, in any order. Thousands are searched between two key strokes. */
import type { Card } from '#protocol/memory.ts';

export class CardSearch {
  readonly #cards: readonly { readonly card: Card; readonly text: string }[];

  constructor(cards: readonly Card[]) {
    this.#cards = cards.map((card) => ({ card, text: plain(`${card.subject} ${card.statement} ${card.kind}`) }));
  }

  /** In the order of the cards. */
  find(query: string): Card[] {
    const words = plain(query).split(' ').filter(Boolean);
    return this.#cards.flatMap(({ card, text }) => (words.every((word) => text.includes(word)) ? card : []));
  }
}

function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
