import { expect, test } from 'vitest';
import { StepTimes } from './stepTimes.ts';

test('between measured widths on their line, beyond them as steep as before, never falling', () => {
  const times = new StepTimes();
  expect(times.ms(1)).toBeUndefined();
  times.measured(1, 10);
  expect(times.ms(1)).toBe(10);
  expect(times.ms(2)).toBeGreaterThan(10);
  times.measured(9, 18);
  expect(times.widths).toBe(2);
  expect(times.ms(5)).toBeCloseTo(14);
  expect(times.ms(17)).toBeCloseTo(26);
  const falling = new StepTimes();
  falling.measured(1, 10);
  falling.measured(4, 8);
  expect(falling.ms(8)).toBe(8);
});

test('it follows a new pace, and one stall changes little', () => {
  const times = new StepTimes();
  for (let i = 0; i < 5; i++) times.measured(1, 10);
  times.measured(1, 5000);
  expect(times.ms(1)).toBeLessThan(15);
  for (let i = 0; i < 40; i++) times.measured(1, 20);
  expect(times.ms(1)).toBeCloseTo(20, 0);
});
