import { expect, test } from 'vitest';
import type { Card } from '#protocol/memory.ts';
import { extractCards } from '../dreaming/extractCards.ts';
import { RecallIndex } from './recallIndex.ts';

const SAID = [
  'My manager is Priya Raman.',
  'We use Playwright for end-to-end tests.',
  'Our staging server is called pumpkin.',
  'the billing service lives in Frankfurt',
  'My favourite café is Chez Zoë.',
];
const NOW = 1_700_000_000_000;
const cardsFrom = (said: readonly string[]): Card[] =>
  said.flatMap((prompt, i) => extractCards([{ eventId: i + 1, timestamp: NOW + i, prompt }], []));

function indexOf(cards: readonly Card[]): RecallIndex {
  const index = new RecallIndex();
  index.follow(cards);
  return index;
}
const values = (index: RecallIndex, query: string): string[] => index.search(query, NOW).map(({ card }) => card.value);

test('what is asked finds what was told, best first', () => {
  const index = indexOf(cardsFrom(SAID));
  expect(values(index, 'Who is my manager?')[0]).toBe('Priya Raman');
  expect(values(index, 'which tool runs the end-to-end tests?')[0]).toBe('Playwright');
  expect(values(index, 'is the staging server up?')[0]).toBe('pumpkin');
  expect(values(index, 'What is the capital of France?')).toEqual([]);
});

test.each([
  ['a beginning', 'is play good?', 'Playwright'],
  ['a slip', 'who is my managr', 'Priya Raman'],
  ['no accents', 'the cafe of Zoe', 'Chez Zoë'],
  ['decomposed accents', 'the cafe\u0301', 'Chez Zoë'],
  ['another form', 'where do the services of billing run', 'Frankfurt'],
])('%s is found', (_, query, value) => {
  expect(values(indexOf(cardsFrom(SAID)), query)[0]).toBe(value);
});

test('a telling word is evidence; one that most cards have is little', () => {
  const names = ['Aro', 'Bex', 'Cim', 'Dol', 'Eno', 'Fyr', 'Gup', 'Hok', 'Ivo', 'Jax'];
  const index = indexOf(cardsFrom([...names.map((name, i) => `Our project lead number ${i} is ${name}.`), ...SAID]));
  const evidence = (query: string): number => index.search(query, NOW)[0]?.evidence ?? 0;
  expect(evidence('who is my manager')).toBeGreaterThan(0.9);
  expect(evidence('about a project')).toBeLessThan(0.5);
  expect(evidence('who is my managr')).toBeLessThan(evidence('who is my manager'));
});

test('among equals the newer comes first, and a correction before both', () => {
  const [card] = cardsFrom(['My manager is Priya Raman.']);
  const old = { ...card!, id: 'a'.repeat(16), validFrom: NOW - 300 * 86_400_000 };
  const young = { ...card!, id: 'b'.repeat(16) };
  const corrected = { ...young, id: 'c'.repeat(16), kind: 'correction' as const };
  const found = indexOf([old, young, corrected]).search('manager', NOW);
  expect(found.map(({ card: { id } }) => id[0])).toEqual(['c', 'b', 'a']);
});

test('it follows what comes, changes and goes', () => {
  const cards = cardsFrom(SAID);
  const index = indexOf(cards);
  expect(index.words).toBeGreaterThan(cards.length);
  index.follow(cards.slice(1));
  expect(values(index, 'Who is my manager?')).toEqual([]);
  expect(index.size).toBe(cards.length - 1);
  const renamed = { ...cards[2]!, subject: 'the old box', statement: 'The old box is pumpkin.' };
  index.follow([renamed]);
  expect(values(index, 'staging server')).toEqual([]);
  expect(values(index, 'the old box')).toEqual(['pumpkin']);
  index.follow([]);
  // Nothing of them stays, not even as words.
  expect([index.size, index.words]).toEqual([0, 0]);
});
