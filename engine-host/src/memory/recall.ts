/** Memories for the question at hand: what a night has not taught yet is looked up. Local, by words, within a budget of tokens. */
import type { Card } from '#protocol/memory.ts';
import { topicKey } from './dreaming/cardId.ts';

/** A block for the model, and what is in it. */
export interface Recalled {
  readonly text: string;
  readonly cards: readonly Card[];
}

const HEAD = 'What the user told you in earlier conversations ("you" and "your" mean the user):';
/** Tokens of the block at most, by the rule of thumb of four characters for one. */
const BUDGET = 256;
const MOST = 8;
/** How to answer and what to call the user matters always, whatever is asked. */
const ALWAYS = new Set<Card['form']>(['address']);

/** Function words, which fit everything. */
const STOP = new Set(
  `a about above after again all also always am an and any are as at be because been before being but by can could did do does doing done for
  from had has have he her here hers him his how i if in into is it its just know like me more most my need no not now of off on once only or
  other our out over own please same she should so some such tell than that the their them then there these they this those through to too
  under until up us use used uses using very want was we were what when where which while who whom why will with would write you your make
  give show name called remember said say told does get work`.split(/\s+/),
);

/** Cards of which newer ones, not dreamed yet, say something else are left out. */
export function newestOf(held: readonly Card[], recent: readonly Card[]): Card[] {
  const byTopic = new Map<string, Card>();
  for (const card of [...held, ...recent]) byTopic.set(topicKey(card), card);
  return [...byTopic.values()];
}

/** The best that fit; a memory of another workspace never does. @returns undefined when nothing fits */
export function recallCards(
  question: string,
  cards: readonly Card[],
  workspace: string | undefined,
  budget = BUDGET,
): Recalled | undefined {
  const here = cards.filter((card) => card.scope === 'global' || card.workspace === workspace);
  const chosen: Card[] = [];
  let left = budget * 4 - HEAD.length;
  for (const card of [
    ...searchCards(question, here),
    ...here.filter((c) => ALWAYS.has(c.form) || c.kind === 'style'),
  ]) {
    if (chosen.length >= MOST || chosen.includes(card) || card.statement.length + 3 > left) continue;
    chosen.push(card);
    left -= card.statement.length + 3;
  }
  if (chosen.length === 0) return undefined;
  return { text: [HEAD, ...chosen.map((card) => `- ${card.statement}`)].join('\n'), cards: chosen };
}

/** Best first: rare common words count most; a card without any is none. */
export function searchCards<T extends Card>(query: string, cards: readonly T[]): T[] {
  const asked = new Set(wordsOf(query));
  const documents = cards.map((card) => ({ card, words: new Set(wordsOf(`${card.subject} ${card.statement}`)) }));
  const frequency = new Map<string, number>();
  for (const { words } of documents) for (const word of words) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const scored = documents.map(({ card, words }) => {
    let score = 0;
    for (const word of asked) if (words.has(word)) score += Math.log(1 + documents.length / (frequency.get(word) ?? 1));
    return { card, score: score / Math.sqrt(4 + words.size) };
  });
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || b.card.validFrom - a.card.validFrom)
    .map(({ card }) => card);
}

function wordsOf(text: string): string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return words
    .filter((word) => word.length > 1 && !STOP.has(word))
    .map((word) => word.replace(/(?:ing|ies|es|s|ed)$/, '') || word);
}
