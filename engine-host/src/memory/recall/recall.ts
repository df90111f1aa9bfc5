/** Memories for the question at hand: what no night has taught yet is looked up. Local, by words, within a budget of tokens. */
import type { Card } from '#protocol/memory.ts';
import type { HeldCard } from '../cards/cardProjection.ts';
import { trainingOf } from '../cards/cardTraining.ts';
import { topicKey } from '../dreaming/cardId.ts';
import { ownWords } from '../dreaming/ownWords.ts';
import type { Journal } from '../journal.ts';
import { RecallIndex, type Found } from './recallIndex.ts';
import { RecentCards } from './recentCards.ts';

/** A block for the model, and what is in it. */
export interface Recalled {
  readonly text: string;
  readonly cards: readonly Card[];
}

export interface RecallQuestion {
  readonly question: string;
  /** What the user said in this conversation: it is in the prompt already, so nothing is recalled from it. */
  readonly said?: readonly string[];
  /** Hash of the workspace it is asked in. */
  readonly workspace?: string;
  /** Hash of the model, when the adapter that it learnt answers: what that adapter was taught is not looked up. */
  readonly model?: string;
}

const HEAD = 'What the user told you in earlier conversations ("you" and "your" mean the user):';
/** Characters for one token, by rule of thumb. */
const TOKEN_CHARS = 4;
const MOST = 8;
const MOST_QUESTION_CHARS = 2000;
/** Less than this says nothing: a question about something else gets no memory. */
const LEAST_EVIDENCE = 0.35;
/** Far behind the best one is noise. */
const LEAST_OF_BEST = 0.25;

export class Recall {
  readonly #journal: Journal;
  readonly #recent: RecentCards;
  readonly #index = new RecallIndex();
  /** Ids of cards in the adapter that answers with a model. */
  #taught: (model: string) => ReadonlySet<string> = () => new Set();

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#recent = new RecentCards(journal);
    this.#index.follow(journal.cards.valid());
  }

  /** Tells which cards the adapter in force was taught. */
  useTaught(taught: (model: string) => ReadonlySet<string>): void {
    this.#taught = taught;
  }

  /** Those that fit, within `budget` tokens; undefined when there is none. Never throws. */
  async block(asked: RecallQuestion, budget: number): Promise<Recalled | undefined> {
    const recent = await this.#recent.cards();
    this.#index.follow(this.#newest(recent));
    const known = this.#knownByHeart(asked.model);
    const here = (card: Card): boolean =>
      (card.scope === 'global' || card.workspace === asked.workspace) &&
      !known.has(card.id) &&
      !this.#isSaid(card, asked);
    // Code that goes with a question is full of words that nobody asked about.
    const question = ownWords(asked.question).slice(0, MOST_QUESTION_CHARS);
    const found = telling(this.#index.search(question, this.#journal.now())).filter(here);
    return blockOf([...found, ...this.#forEveryQuestion().filter(here)], budget);
  }

  /** Cards that hold now and fit, best first. */
  search(query: string): HeldCard[] {
    const { cards, now } = this.#journal;
    this.#index.follow(cards.valid());
    return this.#index.search(query, now()).flatMap(({ card }) => cards.get(card.id) ?? []);
  }

  /** A card that no night has made yet, but recall has. */
  async recentCard(id: string): Promise<Card | undefined> {
    return (await this.#recent.cards()).find((card) => card.id === id);
  }

  /** After an erasure: nothing of what went stays in memory. */
  async forgotten(): Promise<void> {
    this.#index.follow(this.#newest(await this.#recent.cards()));
  }

  /** Without the cards of which recent ones say something else. The same array as long as nothing is recent. */
  #newest(recent: readonly Card[]): readonly Card[] {
    const { cards } = this.#journal;
    if (recent.length === 0) return cards.valid();
    const newer = new Map<string, Card>();
    const replaced = new Set<string>();
    for (const card of recent) {
      const topic = topicKey(card);
      for (const id of [newer.get(topic)?.id, cards.about(topic), card.supersedes])
        if (id !== undefined) replaced.add(id);
      replaced.delete(card.id);
      newer.set(topic, card);
    }
    const news = [...newer.values()].filter((card) => !replaced.has(card.id));
    const ids = new Set(news.map((card) => card.id));
    return [...cards.valid().filter((card) => !replaced.has(card.id) && !ids.has(card.id)), ...news];
  }

  /** How to answer and what to call the user matters always, whatever is asked. */
  #forEveryQuestion(): Card[] {
    return this.#index.cards().filter((card) => card.form === 'address' || card.kind === 'style');
  }

  /** What was trained and then not found by its probe is not known by heart. */
  #knownByHeart(model: string | undefined): ReadonlySet<string> {
    const taught = model === undefined ? undefined : this.#taught(model);
    if (model === undefined || taught === undefined || taught.size === 0) return new Set();
    const history = trainingOf(this.#journal.log.entries(), model);
    return new Set([...taught].filter((id) => history.get(id)?.failed !== true));
  }

  #isSaid(card: Card, { said = [] }: RecallQuestion): boolean {
    return (
      card.sources.length > 0 &&
      card.sources.every((source) => {
        const prompt = this.#recent.promptOf(source)?.trim();
        return prompt !== undefined && said.some((text) => text.trim() === prompt);
      })
    );
  }
}

function telling(found: readonly Found[]): Card[] {
  const best = found[0]?.score ?? 0;
  return found
    .filter(({ score, evidence }) => evidence >= LEAST_EVIDENCE && score >= best * LEAST_OF_BEST)
    .map(({ card }) => card);
}

function blockOf(cards: readonly Card[], budget: number): Recalled | undefined {
  const chosen: Card[] = [];
  let left = budget * TOKEN_CHARS - HEAD.length;
  for (const card of new Set(cards)) {
    const cost = card.statement.length + 3;
    if (chosen.length >= MOST || cost > left) continue;
    chosen.push(card);
    left -= cost;
  }
  if (chosen.length === 0) return undefined;
  return { text: [HEAD, ...chosen.map((card) => `- ${card.statement}`)].join('\n'), cards: chosen };
}
