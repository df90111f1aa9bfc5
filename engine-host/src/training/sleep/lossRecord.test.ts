import { expect, test } from 'vitest';
import { LossRecord } from './lossRecord.ts';

test('a short training is kept step by step', () => {
  const record = new LossRecord();
  record.add(1, 3, 4);
  record.add(2, 3, Number.NaN);
  record.add(3, 3, 2);
  expect(record.curve).toEqual({
    steps: 3,
    points: [
      [1, 4],
      [3, 2],
    ],
  });
});

test('a long one stays small, reaches the end and keeps its mean', () => {
  const record = new LossRecord();
  for (let step = 1; step <= 12_800; step++) record.add(step, 12_800, step);
  const { points } = record.curve;
  expect(points.length).toBeGreaterThan(150);
  expect(points.length).toBeLessThanOrEqual(400);
  expect(points.at(-1)![0]).toBe(12_800);
  expect(points.map(([step]) => step)).toEqual(points.map(([step]) => step).toSorted((a, b) => a - b));
  expect(points.reduce((sum, [, loss]) => sum + loss, 0) / points.length).toBeCloseTo(6400.5, 6);
});

test('a curve that was given away does not change', () => {
  const record = new LossRecord();
  record.add(1, 9, 1);
  const { points } = record.curve;
  record.add(2, 9, 1);
  expect(points).toHaveLength(1);
});
