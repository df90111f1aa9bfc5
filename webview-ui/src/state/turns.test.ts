import { expect, test } from 'vitest';
import type { ChatTurn } from '#protocol/webview.ts';
import { isAnswering, withDelta } from './turns.ts';

const turn: ChatTurn = { id: '1', role: 'assistant', text: 'abc', state: 'streaming' };

test('a delta continues the text', () => {
  expect(withDelta(turn, 3, 'de')?.text).toBe('abcde');
});

test('a delta that is known already changes nothing', () => {
  expect(withDelta(turn, 1, 'bc')).toBe(turn);
});

test('a gap asks for the whole', () => {
  expect(withDelta(turn, 4, 'e')).toBeUndefined();
});

test('answering', () => {
  expect(isAnswering([turn])).toBe(true);
  expect(isAnswering([{ ...turn, state: 'done' }])).toBe(false);
});
