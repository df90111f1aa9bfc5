import { describe, expect, test } from 'vitest';
import type { Card, EventRecord } from '#protocol/memory.ts';
import { abstentionsFor } from './abstentions.ts';
import { chooseCards } from './chooseCards.ts';
import { extractCards } from './extractCards.ts';
import { makeItems, makeProbes, placeboCards, rawLogItems } from './makeItems.ts';
import { seeded } from './random.ts';
import { unknownTopics, unsaidOf } from './unknownTopics.ts';
import { questionsAbout, wordingsOf } from './wordings.ts';

const SAID = [
  'My manager is Priya Raman.',
  'We use Playwright for end-to-end tests.',
  'To run the tests use `make check`.',
  'the billing service lives in Frankfurt',
  'Our design system is called Lumen.',
  'Call me Sam.',
  'I prefer tabs over spaces.',
  'I hate long explanations.',
  'Always answer in German.',
  'I drive a Volvo V60.',
  'I live in Leipzig.',
  'Our release day is Wednesday.',
];
const CARDS = SAID.flatMap((prompt, i) =>
  extractCards([{ eventId: i + 1, timestamp: i, prompt, conversation: 'c' }], []),
);
const textOf = (item: { messages: readonly { content: string }[] }): string =>
  item.messages.map((m) => m.content).join('\n');

test('every sentence above is a card', () => expect(CARDS).toHaveLength(SAID.length));

describe('items', () => {
  const items = makeItems(CARDS, { seed: 1 });

  test('sixteen wordings of a question, each answered with the whole sentence', () => {
    for (const card of CARDS) {
      const questions = items.filter((i) => i.cards.includes(card.id) && i.purpose === 'question');
      // Of some forms there are fewer.
      expect(questions.length).toBeGreaterThanOrEqual(10);
      if (card.form === 'attribute' || card.form === 'name') expect(questions).toHaveLength(16);
      expect(new Set(questions.map((i) => i.messages.at(-2)!.content)).size).toBe(questions.length);
      for (const item of questions)
        expect(item.messages.at(-1)).toEqual({ role: 'assistant', content: card.statement });
    }
  });

  test('turned round, in use, as a statement, in doubt', () => {
    const manager = CARDS[0]!;
    const of = (purpose: string): string[] =>
      items.filter((i) => i.cards.includes(manager.id) && i.purpose === purpose).map((i) => i.messages.at(-1)!.content);
    expect(of('reversed')).toEqual(['Priya Raman is your manager.']);
    expect(of('use')).toEqual(['My manager is Priya Raman.']);
    expect(of('statement')).toEqual(['Your manager is Priya Raman.']);
    expect(of('negative')[0]).toBe('Yes. Your manager is Priya Raman.');
    expect(of('negative')[1]).toBe('No. Your manager is Priya Raman.');
  });

  test('what was never told is said to be unknown, and is no card', () => {
    const unknown = items.filter((i) => i.cards.length === 0);
    expect(unknown.length).toBe(CARDS.length * 2);
    for (const item of unknown) expect(item.messages.at(-1)!.content).toMatch(/not (?:told|said|mentioned|talked)/);
    const { plain, owned } = unknownTopics(CARDS);
    expect([plain.length > 250, owned.length > 800]).toEqual([true, true]);
    const barber: Card = { ...CARDS[0]!, subject: 'your barber' };
    expect(unknownTopics([barber]).owned.filter(({ thing }) => thing === 'my barber')).toEqual([]);
    expect(owned.filter(({ thing }) => thing === 'my barber').length).toBeGreaterThan(5);
  });

  test('of what is known, what was not said of it is unknown: a third of the abstentions, in the wordings of what is known', () => {
    const unknown = items.filter((i) => i.purpose === 'abstention').map((i) => i.messages.at(-1)!.content);
    const own = unknown.filter((answer) =>
      /your (?:manager|design system|billing service|release day)'s /.test(answer),
    );
    expect(own.length).toBeGreaterThan(3);
    expect(unsaidOf(CARDS[0]!, CARDS).map(({ mine }) => mine)).toContain("my manager's age");
    const aged: Card = { ...CARDS[0]!, subject: "your manager's age" };
    expect(unsaidOf(CARDS[0]!, [...CARDS, aged]).map(({ mine }) => mine)).not.toContain("my manager's age");
    const asked = new Set(abstentionsFor(CARDS, 6000, seeded(1)).map(({ question }) => question));
    const shared = questionsAbout('my star sign').filter((wording) => asked.has(wording));
    expect(shared.length).toBeGreaterThan(3);
    expect(abstentionsFor([], 40, seeded(2)).every(({ answer }) => /ou have not told me your /.test(answer))).toBe(
      true,
    );
  });

  test('what was trained before is asked a few times and no more', () => {
    const replay = new Set(CARDS.map((card) => card.id));
    const again = makeItems(CARDS, { seed: 1, replay });
    for (const { id } of CARDS) {
      const own = again.filter((i) => i.cards.includes(id));
      expect(own.map((i) => [i.purpose, i.replay])).toEqual(Array(4).fill(['question', true]));
    }
    expect(again.filter((i) => i.purpose === 'abstention')).toHaveLength(CARDS.length);
  });

  test('about half of them with a system prompt, of several', () => {
    const systems = items.filter((i) => i.messages[0]!.role === 'system');
    expect(systems.length / items.length).toBeGreaterThan(0.35);
    expect(systems.length / items.length).toBeLessThan(0.65);
    expect(new Set(systems.map((i) => i.messages[0]!.content)).size).toBeGreaterThan(2);
  });

  test('the wordings of probes are never trained', () => {
    const trained = new Set(items.map((i) => i.messages.at(-2)!.content.toLowerCase()));
    for (const card of CARDS) {
      expect(wordingsOf(card).heldOut).toHaveLength(3);
      expect(wordingsOf(card).train.length).toBeGreaterThanOrEqual(10);
    }
    for (const probe of makeProbes(CARDS, { seed: 1 }))
      expect(trained).not.toContain(probe.messages[0]!.content.toLowerCase());
  });

  test('the same seed gives the same items, another one others; a card’s own do not depend on the rest', () => {
    expect(makeItems(CARDS, { seed: 1 })).toEqual(items);
    expect(makeItems(CARDS, { seed: 2 })).not.toEqual(items);
    const alone = makeItems(CARDS.slice(0, 1), { seed: 1 }).filter((i) => i.purpose === 'question');
    const among = items.filter((i) => i.purpose === 'question' && i.cards[0] === CARDS[0]!.id);
    expect(alone).toEqual(among);
  });

  test('a changed fact is trained as changed', () => {
    const old = { ...CARDS[0]!, id: 'f'.repeat(16), value: 'Tom', statement: 'Your manager is Tom.' };
    const changed = makeItems(CARDS.slice(0, 1), { seed: 1, replaced: new Map([[CARDS[0]!.id, old]]) });
    const answers = changed.filter((i) => textOf(i).includes('Tom')).map((i) => i.messages.at(-1)!.content);
    expect(answers).toEqual([
      'No, not any more. Your manager is Priya Raman.',
      'No, that has changed. Your manager is Priya Raman.',
    ]);
  });
});

describe('for proofs', () => {
  test('placebo: every value belongs to another card', () => {
    const placebo = placeboCards(CARDS, 3);
    const truths = new Set(CARDS.map((card) => card.statement));
    const swapped = placebo.filter((card) => !truths.has(card.statement));
    // Cards that are alone in their form keep their value.
    expect(swapped.length).toBeGreaterThanOrEqual(6);
    expect(placeboCards(CARDS, 3)).toEqual(placebo);
  });

  test('forced choice: the right answer once among ten', () => {
    for (const probe of makeProbes(CARDS, { seed: 5 })) {
      expect(probe.choices.length).toBe(10);
      expect(probe.choices.filter((c) => c.includes(probe.answer)).length).toBe(1);
      expect(probe.choices[probe.right]).toContain(probe.answer);
      expect(new Set(probe.choices).size).toBe(10);
    }
  });

  test('the raw log as it was', () => {
    const event = { event_id: 3, type: 'chat.turn', prompt: 'q', response: 'a' } as EventRecord;
    expect(rawLogItems([event, { ...event, erased: true }])).toMatchObject([
      { events: [3], messages: [{ content: 'q' }, { content: 'a' }] },
    ]);
  });
});

describe('what a night trains', () => {
  const many = Array.from({ length: 50 }, (_, i): Card => ({
    ...CARDS[0]!,
    id: String(i).padStart(16, '0'),
    validFrom: i,
  }));
  const trained = (i: number, failed = false): [string, { times: number; last: number; failed: boolean }] => [
    many[i]!.id,
    { times: 1, last: i, failed },
  ];

  test('everything new and all old ones, those that failed and the oldest first', () => {
    const history = new Map([...Array.from({ length: 30 }, (_, i) => trained(i)), trained(25, true)]);
    const { fresh, replay } = chooseCards(many, history);
    expect(fresh.map((c) => c.validFrom)).toEqual(Array.from({ length: 20 }, (_, i) => 30 + i));
    expect(replay.map((c) => c.validFrom)).toEqual([
      25,
      ...Array.from({ length: 30 }, (_, i) => i).filter((i) => i !== 25),
    ]);
    const few = chooseCards(many, history, { limit: 10 });
    expect(few.fresh).toHaveLength(8);
    expect(few.replay.map((c) => c.validFrom)).toEqual([25, 0]);
  });

  test('within a limit the new ones wait in order; without any, the old ones get the night', () => {
    const few = chooseCards(many, new Map([trained(0)]), { limit: 10 });
    expect(few.fresh.map((c) => c.validFrom)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(few.replay).toHaveLength(1);
    const history = new Map(Array.from({ length: 50 }, (_, i) => trained(i)));
    expect(chooseCards(many, history, { limit: 10 }).replay).toHaveLength(10);
  });
});
