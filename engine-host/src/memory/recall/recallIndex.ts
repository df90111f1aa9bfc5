/** The search over memories: by words, their beginnings, and words with a slip in them. It follows the cards and costs what changed. */
import MiniSearch, { type SearchResult } from 'minisearch';
import type { Card, CardKind } from '#protocol/memory.ts';
import { splitWords, termOf } from './words.ts';

export interface Found {
  readonly card: Card;
  /** Only compares cards of one search. */
  readonly score: number;
  /** How much of what is asked speaks for this card: about 1 for one telling word, less for one that many cards have. */
  readonly evidence: number;
}

/** Shorter words have too many neighbours. */
const LEAST_PREFIX = 4;
const LEAST_FUZZY = 5;
/** Edits for each letter of a word. */
const FUZZY = 0.2;
const PREFIX_WORTH = 0.7;
const FUZZY_WORTH = 0.5;

/** What was put right or decided is asked for more often than a habit. */
const KIND_BOOST: Readonly<Record<CardKind, number>> = {
  correction: 1.15,
  decision: 1.1,
  fact: 1,
  preference: 1,
  style: 0.9,
};
const RECENCY_BOOST = 0.3;
const RECENT_MS = 30 * 86_400_000;

export class RecallIndex {
  readonly #rows = new Map<string, Card>();
  readonly #index = new MiniSearch<Card>({
    fields: ['subject', 'statement'],
    tokenize: splitWords,
    processTerm: termOf,
  });
  #held: readonly Card[] | undefined;

  get size(): number {
    return this.#rows.size;
  }

  /** Different words that it knows. */
  get words(): number {
    return this.#index.termCount;
  }

  cards(): Card[] {
    return [...this.#rows.values()];
  }

  /** Holds these cards and no others from now on. The same array again costs nothing. */
  follow(cards: readonly Card[]): void {
    if (cards === this.#held) return;
    this.#held = cards;
    const gone = new Set(this.#rows.keys());
    for (const card of cards) {
      gone.delete(card.id);
      this.#put(card);
    }
    for (const id of gone) this.#remove(id);
  }

  /** Best first. @param now milliseconds since the epoch: what is newer comes first among equals */
  search(query: string, now: number): Found[] {
    const results = this.#index.search(query, {
      boost: { subject: 1.5 },
      prefix: (term) => term.length >= LEAST_PREFIX,
      fuzzy: (term) => (term.length >= LEAST_FUZZY ? FUZZY : false),
      weights: { prefix: PREFIX_WORTH, fuzzy: FUZZY_WORTH },
      boostDocument: (id) => this.#boost(id as string, now),
    });
    const frequency = new Map<string, number>();
    for (const { queryTerms } of results)
      for (const term of queryTerms) frequency.set(term, (frequency.get(term) ?? 0) + 1);
    return results.flatMap((result) => {
      const card = this.#rows.get(result.id as string);
      return card === undefined ? [] : [{ card, score: result.score, evidence: this.#evidence(result, frequency) }];
    });
  }

  #evidence({ queryTerms, terms }: SearchResult, frequency: ReadonlyMap<string, number>): number {
    let sum = 0;
    for (const asked of queryTerms) {
      const worth = terms.includes(asked)
        ? 1
        : terms.some((term) => term.startsWith(asked))
          ? PREFIX_WORTH
          : FUZZY_WORTH;
      sum += worth * (Math.log(1 + this.size / (frequency.get(asked) ?? 1)) / Math.log(1 + this.size));
    }
    return sum;
  }

  #boost(id: string, now: number): number {
    const card = this.#rows.get(id);
    if (card === undefined) return 1;
    const age = Math.max(0, now - card.validFrom);
    return KIND_BOOST[card.kind] * (1 + RECENCY_BOOST * Math.exp(-age / RECENT_MS));
  }

  #put(card: Card): void {
    const known = this.#rows.get(card.id);
    if (known !== undefined && (known.subject !== card.subject || known.statement !== card.statement))
      this.#remove(card.id);
    if (!this.#index.has(card.id)) this.#index.add(card);
    this.#rows.set(card.id, card);
  }

  /** Its words go from the index, too: nothing of a forgotten card stays in memory. */
  #remove(id: string): void {
    const card = this.#rows.get(id);
    if (card === undefined) return;
    this.#index.remove(card);
    this.#rows.delete(id);
  }
}
