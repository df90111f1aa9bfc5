import { expect, test } from 'vitest';
import { Guesses, MOST_GUESSES } from './guesses.ts';

test('it goes on as after the newest place with the longest like end', () => {
  const guesses = new Guesses();
  // 2 3 stands twice; 1 2 3 once, further back.
  expect(guesses.next([1, 2, 3, 4, 5, 6, 9, 2, 3, 7, 8, 1, 2, 3], 9)).toEqual([4, 5, 6]);
  expect(guesses.next([9, 2, 3, 4, 5, 2, 3, 7, 8, 1, 1, 2, 3], 2)).toEqual([7, 8]);
  expect(guesses.next([5, 1, 5, 2, 5], 9)).toEqual([2, 5]);
  expect(guesses.next([4, 4], 9)).toEqual([4]);
});

test('a new end, no room, or a text of one token: no guess', () => {
  const guesses = new Guesses();
  expect(guesses.next([1, 2, 3], 9)).toEqual([]);
  expect(guesses.next([1], 9)).toEqual([]);
  expect(guesses.next([1, 2, 1], 0)).toEqual([]);
  expect(guesses.next([1, 2, 1], 1)).toHaveLength(1);
});

test('who guesses wrong waits, tries again, and goes on when it pays again', () => {
  const guesses = new Guesses();
  const text = [1, 2, 3, 4, 5, 1];
  let attempts = 0;
  for (let i = 0; i < 60; i++) {
    if (guesses.next(text, 9).length === 0) continue;
    attempts++;
    guesses.judged(0);
  }
  expect(attempts).toBeGreaterThan(5);
  expect(attempts).toBeLessThan(20);
  while (guesses.next(text, 9).length === 0);
  for (let i = 0; i < 3; i++) guesses.judged(MOST_GUESSES);
  for (let i = 0; i < 5; i++) expect(guesses.next(text, 9)).toHaveLength(MOST_GUESSES);
});
