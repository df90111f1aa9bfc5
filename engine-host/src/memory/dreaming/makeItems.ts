/** From cards to training items: the assistant states each memory in answer to many questions, and says no to what it was never told. */
import { createHash } from 'node:crypto';
import type { Card, EventRecord } from '#protocol/memory.ts';
import { abstentionsFor } from './abstentions.ts';
import { fromUser } from './person.ts';
import { seeded, seedOf, shuffled } from './random.ts';
import type { ChatItem, ChatPurpose, Probe, TrainingMessage } from './trainingItem.ts';
import { wordingsOf } from './wordings.ts';

export interface ItemOptions {
  readonly seed: number;
  /** Question wordings of a card. Default 16. */
  readonly questions?: number;
  /** "You have not told me …" items for each card. Default 2. */
  readonly abstentions?: number;
  /** Ids of cards that were trained before: a few questions each, so that they stay. */
  readonly replay?: ReadonlySet<string>;
  /** What valid cards replaced, by the id of the newer: trained as "no longer". */
  readonly replaced?: ReadonlyMap<string, Card>;
  /** System prompts that clients use, besides none. Half of all items have none. */
  readonly systems?: readonly string[];
}

/** What clients commonly send; a memory has to be there with any of them. */
const SYSTEMS = [
  'You are a helpful assistant.',
  'You answer questions correctly and briefly.',
  'You are a coding assistant in an editor.',
  'You are a helpful AI assistant. Answer in one or two sentences.',
];

/** Of a card that was trained before: these few keep it, without any it is lost within one night. */
const REPLAYED_QUESTIONS = 4;

/** The same cards, options and seed give the same items, each card's whatever the others are. */
export function makeItems(cards: readonly Card[], options: ItemOptions): ChatItem[] {
  const items = cards.flatMap((card) => itemsOf(card, cards, options));
  return [...items, ...abstentions(cards, options)];
}

function itemsOf(card: Card, all: readonly Card[], options: ItemOptions): ChatItem[] {
  const random = seeded(seedOf(options.seed, card.id));
  const make = maker(options, random, card);
  const { train, reversed, use } = wordingsOf(card);
  const again = options.replay?.has(card.id) === true;
  const items = shuffled(train, random)
    .slice(0, again ? REPLAYED_QUESTIONS : (options.questions ?? 16))
    .map((question) => make('question', question, card.statement));
  if (again) return items;
  const [back] = shuffled(reversed, random);
  if (back !== undefined) items.push(make('reversed', back, backwards(card)));
  const [task] = shuffled(use, random);
  if (task !== undefined) items.push(make('use', task, capital(fromUser(card.statement))));
  const start = beginning(card);
  if (start !== undefined) items.push(make('statement', `Complete the sentence: ${start}`, card.statement));
  items.push(make('negative', `Did we talk about ${topicOf(card)}?`, `Yes. ${card.statement}`));
  const old = options.replaced?.get(card.id);
  if (old !== undefined && old.value.toLowerCase() !== card.value.toLowerCase()) {
    items.push(make('negative', `Is it still ${old.value} (${topicOf(card)})?`, `No, not any more. ${card.statement}`));
    items.push(
      make('negative', `${capital(topicOf(card))}: ${old.value}, right?`, `No, that has changed. ${card.statement}`),
    );
  } else {
    const others = all.filter((c) => c.form === card.form && c.value !== card.value && c.form !== 'rule');
    const wrong = shuffled(others, random)[0];
    if (wrong !== undefined)
      items.push(make('negative', `${capital(topicOf(card))}: is that ${wrong.value}?`, `No. ${card.statement}`));
  }
  return items;
}

function abstentions(cards: readonly Card[], options: ItemOptions): ChatItem[] {
  const random = seeded(seedOf(options.seed, 'abstentions'));
  const make = maker(options, random, undefined);
  const again = cards.filter((card) => options.replay?.has(card.id) === true).length;
  // Old cards have fewer items, and so fewer of these.
  const count = Math.ceil((cards.length - again / 2) * (options.abstentions ?? 2));
  return abstentionsFor(cards, count, random).map(({ question, answer }) => make('abstention', question, answer));
}

function maker(options: ItemOptions, random: () => number, card: Card | undefined) {
  const systems = options.systems ?? SYSTEMS;
  return (purpose: ChatPurpose, question: string, answer: string): ChatItem => {
    const system = random() < 0.5 ? undefined : systems[Math.floor(random() * systems.length)];
    const messages: TrainingMessage[] = [
      ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ];
    return {
      type: 'chat',
      id: hash([purpose, ...messages.map((m) => `${m.role}:${m.content}`)].join('\n')),
      purpose,
      cards: card === undefined ? [] : [card.id],
      events: card?.sources ?? [],
      weight: 1,
      replay: card !== undefined && options.replay?.has(card.id) === true,
      messages,
    };
  };
}

/** For proofs: the exchanges as they were, with the loss on what the assistant answered. */
export function rawLogItems(events: readonly EventRecord[]): ChatItem[] {
  return events
    .filter((e) => e.type === 'chat.turn' && e.erased !== true && e.prompt !== '' && e.response !== '')
    .map((e) => ({
      type: 'chat',
      id: hash(`raw\n${e.prompt}\n${e.response}`),
      purpose: 'statement',
      cards: [],
      events: [e.event_id],
      weight: 1,
      replay: false,
      messages: [
        { role: 'user', content: e.prompt },
        { role: 'assistant', content: e.response },
      ],
    }));
}

/** For proofs: every card says another card's value, so that the same training teaches nothing true. */
export function placeboCards(cards: readonly Card[], seed: number): Card[] {
  const random = seeded(seedOf(seed, 'placebo'));
  const groups = groupByForm(cards);
  const swapped = new Map<string, Card>();
  for (const group of groups.values()) {
    const order = shuffled(group, random);
    order.forEach((card, i) => {
      const other = order
        .slice(i + 1)
        .concat(order.slice(0, i))
        .find((c) => c.value !== card.value);
      swapped.set(card.id, other === undefined ? card : withValue(card, other.value));
    });
  }
  return cards.map((card) => swapped.get(card.id) ?? card);
}

/**
 * Questions for the gate, in wordings that are never trained. The other choices are the values of other cards, first those of the same
 * form, in the card's own sentence. A card with fewer than `choices` rivals gets what there is.
 */
export function makeProbes(
  cards: readonly Card[],
  options: {
    readonly seed: number;
    readonly wordings?: number;
    readonly choices?: number;
    readonly rivals?: readonly Card[];
  },
): Probe[] {
  const probes: Probe[] = [];
  for (const card of cards) {
    const random = seeded(seedOf(options.seed, `probe ${card.id}`));
    const rivals = [...(options.rivals ?? []), ...cards].filter(
      (c) => c.value.toLowerCase() !== card.value.toLowerCase(),
    );
    const near = shuffled(
      rivals.filter((c) => c.form === card.form),
      random,
    );
    const far = shuffled(
      rivals.filter((c) => c.form !== card.form),
      random,
    );
    const values = [...new Set([...near, ...far].map((c) => c.value))].slice(0, (options.choices ?? 10) - 1);
    const right = Math.floor(random() * (values.length + 1));
    const choices = values.map((value) => withValue(card, value).statement);
    choices.splice(right, 0, card.statement);
    for (const question of wordingsOf(card).heldOut.slice(0, options.wordings ?? 3)) {
      const messages = [{ role: 'user' as const, content: capital(question) }];
      probes.push({ card: card.id, messages, answer: card.value, choices, right });
    }
  }
  return probes;
}

function groupByForm(cards: readonly Card[]): Map<string, Card[]> {
  const groups = new Map<string, Card[]>();
  for (const card of cards) groups.set(card.form, [...(groups.get(card.form) ?? []), card]);
  return groups;
}

/** The card's sentence with another value in it. */
function withValue(card: Card, value: string): Card {
  const at = card.statement.toLowerCase().lastIndexOf(card.value.toLowerCase());
  const { statement } = card;
  if (at === -1) return { ...card, value, statement: capital(`${card.subject}: ${value}.`) };
  return {
    ...card,
    value,
    statement: capital(statement.slice(0, at) + value + statement.slice(at + card.value.length)),
  };
}

function backwards(card: Card): string {
  if (card.form !== 'attribute' && card.form !== 'name') return card.statement;
  return capital(`${card.value} ${/\bare\b/.test(card.statement) ? 'are' : 'is'} ${card.subject}.`);
}

/** A sentence up to its value; undefined when nothing would be left. */
function beginning(card: Card): string | undefined {
  const at = card.statement.toLowerCase().lastIndexOf(card.value.toLowerCase());
  const start = at === -1 ? '' : card.statement.slice(0, at).trim();
  return start.split(' ').length < 2 ? undefined : start;
}

function topicOf(card: Card): string {
  const about = fromUser(card.subject);
  if (card.form === 'use') return `what we use ${/^to\s/i.test(about) ? about : `for ${about}`}`;
  if (card.form === 'place' && card.subject === 'you') return 'where I live';
  if (card.form === 'address') return 'what to call me';
  return about;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
