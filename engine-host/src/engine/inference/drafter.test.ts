import { expect, test } from 'vitest';
import { Acceptance } from './acceptance.ts';
import { Drafter, MOST_DRAFTED } from './drafter.ts';

const source = Array.from({ length: 120 }, (_, i) => 1000 + i);

test('a draft goes on as the text did, as far as is asked and known', () => {
  const tokens = [...source, 5, ...source.slice(0, 10)];
  expect(new Drafter().next(tokens, 99)?.tokens).toEqual(source.slice(10, 10 + MOST_DRAFTED));
  expect(new Drafter().next(tokens, 3)?.tokens).toEqual(source.slice(10, 13));
  expect(new Drafter().next(tokens, 0)).toBeUndefined();
  expect(new Drafter().next([7, 8, 9, 7, 8], 9)?.tokens).toEqual([9, 7, 8]);
  expect(new Drafter().next([7, 8, 9, 7, 5], 9)).toBeUndefined();
});

test('behind a token that was changed in a copy it goes on with the copy', () => {
  const drafter = new Drafter();
  const tokens = [...source, ...source.slice(0, 20)];
  drafter.next(tokens, 9);
  tokens.push(3);
  expect(drafter.next(tokens, 4)?.tokens).toEqual(source.slice(21, 25));
  // Not behind a second one that differs.
  tokens.push(4);
  expect(drafter.next(tokens, 4)).toBeUndefined();
});

test('what came tells how much of a draft is right, whether it was checked or not', () => {
  const right = new Drafter();
  const wrong = new Drafter();
  const copy = [...source, 5, ...source.slice(0, 10)];
  const other = [...copy];
  const before = right.next(copy, 8)?.expected(8) ?? 0;
  wrong.next(other, 8);
  for (let i = 10; i < 60; i++) {
    copy.push(1000 + i);
    right.next(copy, 8);
    other.push(1000 + i, 6, ...source.slice(0, 12));
    wrong.next(other, 8);
  }
  expect(right.next(copy, 8)?.expected(8)).toBeGreaterThan(before);
  expect(wrong.next(other, 8)?.expected(8)).toBeLessThan(before);
  // A shorter draft cannot have more right ones.
  expect(right.next(copy, 2)?.expected(8)).toBeLessThanOrEqual(2);
});

test('first and later tokens count apart', () => {
  const shares = new Acceptance(0.5, 0.5);
  expect(shares.expected(1)).toBeCloseTo(0.5);
  expect(shares.expected(2)).toBeCloseTo(0.75);
  // Half of the drafts fail at once, the others are right to their end.
  for (let i = 0; i < 200; i++) shares.observed(i % 2 === 0 ? 0 : 8, i % 2 === 1);
  expect(shares.expected(8)).toBeGreaterThan(3.3);
  expect(shares.expected(8)).toBeLessThan(4.7);
  for (let i = 0; i < 200; i++) shares.observed(0, false);
  expect(shares.expected(8)).toBeLessThan(0.01);
  for (let i = 0; i < 200; i++) shares.observed(8, true);
  expect(shares.expected(8)).toBeGreaterThan(7.9);
});
