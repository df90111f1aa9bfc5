import { expect, test } from 'vitest';
import type { Card } from '#protocol/memory.ts';
import { extractCards } from './dreaming/extractCards.ts';
import { newestOf, recallCards, searchCards } from './recall.ts';

const SAID = [
  'My manager is Priya Raman.',
  'We use Playwright for end-to-end tests.',
  'Our staging server is called pumpkin.',
  'the billing service lives in Frankfurt',
  'I drive a Volvo V60.',
];
const CARDS: Card[] = SAID.flatMap((prompt, i) => extractCards([{ eventId: i + 1, timestamp: i, prompt }], []));
const found = (question: string): string[] => searchCards(question, CARDS).map((card) => card.value);

test('what is asked finds what was told, best first; nothing finds nothing', () => {
  expect(found('Who is my manager?')[0]).toBe('Priya Raman');
  expect(found('which tool runs the end-to-end tests?')[0]).toBe('Playwright');
  expect(found('is the staging server up?')[0]).toBe('pumpkin');
  expect(found('What is the capital of France?')).toEqual([]);
  expect(recallCards('What is the capital of France?', CARDS, undefined)).toBeUndefined();
});

test('a block stays within its budget and says what is in it', () => {
  const recalled = recallCards('my manager and the staging server and the tests', CARDS, undefined, 40)!;
  expect(recalled.text.length).toBeLessThanOrEqual(160);
  expect(recalled.cards.length).toBeGreaterThan(0);
  for (const card of recalled.cards) expect(recalled.text).toContain(card.statement);
});

test('a memory of another workspace stays there; wishes about answers go with every question', () => {
  const [server] = extractCards(
    [{ eventId: 1, timestamp: 1, prompt: 'Our staging server is called pumpkin', workspace: '0011223344556677' }],
    [],
  );
  expect(recallCards('the staging server', [server!], 'ffffffffffffffff')).toBeUndefined();
  expect(recallCards('the staging server', [server!], '0011223344556677')!.cards).toEqual([server]);
  const rules = extractCards([{ eventId: 1, timestamp: 1, prompt: 'Always answer in German. Call me Sam.' }], []);
  expect(recallCards('What is 2 + 2?', rules, undefined)!.text).toContain('Always answer in German.');
});

test('what was put right a minute ago counts before the night', () => {
  const later = extractCards([{ eventId: 9, timestamp: 9, prompt: 'My manager is now Tom.' }], CARDS);
  expect(searchCards('manager', newestOf(CARDS, later)).map((card) => card.value)).toEqual(['Tom']);
});
