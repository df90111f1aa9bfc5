import { expect, test } from 'vitest';
import { LossSeries } from './lossSeries.ts';

test('what was known and what comes make one curve, each step once', () => {
  const series = new LossSeries();
  series.load({
    steps: 10,
    points: [
      [1, 4],
      [2, 3],
    ],
  });
  expect(series.push(2, 10, 3)).toBe(false);
  expect(series.push(5, 10, 2)).toBe(true);
  expect(series.push(6, 10, Number.NaN)).toBe(false);
  expect(series.push(undefined, undefined, undefined)).toBe(false);
  const [steps, losses, smooth] = series.columns;
  expect([steps, losses]).toEqual([
    [1, 2, 5],
    [4, 3, 2],
  ]);
  expect(smooth[0]).toBe(4);
  expect(smooth[2]).toBeGreaterThan(2);
  expect([series.first, series.last, series.steps]).toEqual([[1, 4], [5, 2], 10]);
});

test('a training that goes on from its checkpoint writes over what it does again', () => {
  const series = new LossSeries();
  for (let step = 1; step <= 8; step++) series.push(step, 10, step);
  series.push(4, 10, 0.5);
  expect(series.columns[0]).toEqual([1, 2, 3, 4]);
  expect(series.last).toEqual([4, 0.5]);
});
