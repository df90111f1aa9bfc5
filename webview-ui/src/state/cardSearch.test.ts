import { expect, test } from 'vitest';
import type { Card } from '#protocol/memory.ts';
import { CardSearch } from './cardSearch.ts';

const card = (id: string, subject: string, statement: string): Card => ({
  id,
  subject,
  statement,
  value: 'x',
  kind: 'fact',
  form: 'note',
  scope: 'global',
  sources: [],
  validFrom: 1,
  by: 'template',
});
const CARDS = [
  card('a', 'your manager', 'Your manager is Priya Raman.'),
  card('b', 'the Billing  service', 'It runs in Frankfurt.'),
  card('c', 'indentation', 'You prefer TABS over spaces.'),
];
const found = (query: string): string[] => new CardSearch(CARDS).find(query).map(({ id }) => id);

test('all words, in any order, anywhere, whatever their case', () => {
  expect(found('raman manager')).toEqual(['a']);
  expect(found('billing frank')).toEqual(['b']);
  expect(found('tabs')).toEqual(['c']);
  expect(found('priya frankfurt')).toEqual([]);
});

test('nothing typed is everything, in the order that was given', () => {
  expect(found('')).toEqual(['a', 'b', 'c']);
  expect(found('  ')).toEqual(['a', 'b', 'c']);
  expect(found('your')).toEqual(['a']);
});

test('ten thousand cards are searched between two key strokes', () => {
  const search = new CardSearch(
    Array.from({ length: 10_000 }, (_, i) => card(`${i}`, `thing ${i}`, `It is number ${i}.`)),
  );
  const started = performance.now();
  expect(search.find('number 9999')).toHaveLength(1);
  expect(performance.now() - started).toBeLessThan(100);
});
