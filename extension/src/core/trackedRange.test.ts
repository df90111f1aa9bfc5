import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moveRange } from './trackedRange.ts';

const range = { start: 10, end: 20 };

test('edits before it move it, edits behind it do not', () => {
  expect(moveRange(range, { offset: 0, length: 2, inserted: 5 })).toEqual({ start: 13, end: 23 });
  expect(moveRange(range, { offset: 20, length: 0, inserted: 5 })).toEqual(range);
  expect(moveRange(range, { offset: 10, length: 0, inserted: 5 })).toEqual({ start: 15, end: 25 });
});

test('edits inside change its length', () => {
  expect(moveRange(range, { offset: 12, length: 3, inserted: 1 })).toEqual({ start: 10, end: 18 });
  expect(moveRange(range, { offset: 10, length: 10, inserted: 0 })).toEqual({ start: 10, end: 10 });
});

test('an edit across a border keeps the part that was inside', () => {
  expect(moveRange(range, { offset: 5, length: 10, inserted: 2 })).toEqual({ start: 7, end: 12 });
  expect(moveRange(range, { offset: 15, length: 10, inserted: 7 })).toEqual({ start: 10, end: 15 });
});

test('the range never turns round', () => {
  const small = fc.integer({ min: 0, max: 40 });
  fc.assert(
    fc.property(small, small, small, (offset, length, inserted) => {
      const moved = moveRange(range, { offset, length, inserted });
      expect(moved.end).toBeGreaterThanOrEqual(moved.start);
    }),
  );
});
