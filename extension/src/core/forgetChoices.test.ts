import { expect, test } from 'vitest';
import type { Card, MemoryEvent } from '#protocol/memory.ts';
import { forgetChoices, forgetRequests, forgottenWords } from './forgetChoices.ts';

const card = (id: string, statement: string, value: string): Card => ({
  id,
  statement,
  value,
  subject: 'your dog',
  kind: 'fact',
  form: 'attribute',
  scope: 'global',
  sources: [1],
  validFrom: 1,
  by: 'template',
});
const event = (event_id: number, prompt: string, response: string): MemoryEvent => ({
  v: 1,
  event_id,
  timestamp: 1,
  type: 'chat.turn',
  model: 'm',
  prompt,
  response,
  tokens: 1,
  consolidated: false,
});

test('what says it word for word is chosen beforehand, what only sounds like it is not', () => {
  const choices = forgetChoices('my dog  is called Rex', {
    cards: [card('a', 'Your dog is Rex.', 'Rex'), card('b', 'Your dog eats twice a day.', 'twice a day')],
    events: [event(7, `Hello. ${'x'.repeat(200)} My dog is\ncalled Rex, by the way.`, 'Fine.')],
  });
  expect(choices.map(({ picked }) => picked)).toEqual([true, false, true]);
  expect(choices[2]?.label).toContain('My dog is called Rex');
  expect(choices[2]?.label.length).toBeLessThan(130);
});

test('the choice becomes one request for cards and one for exchanges', () => {
  const choices = forgetChoices('Rex', { cards: [card('a', 'Rex.', 'Rex')], events: [event(7, 'Rex', '')] });
  expect(forgetRequests(choices)).toEqual([{ cards: ['a'] }, { ids: [7] }]);
  expect(forgetRequests(choices.slice(0, 1))).toEqual([{ cards: ['a'] }]);
  expect(forgetRequests([])).toEqual([]);
});

test('what went is said in words', () => {
  expect(forgottenWords(2, 1)).toBe('2 memories and 1 exchange');
  expect(forgottenWords(0, 3)).toBe('3 exchanges');
  expect(forgottenWords(0, 0)).toBe('nothing');
});
