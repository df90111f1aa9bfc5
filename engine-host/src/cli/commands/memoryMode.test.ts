import { expect, test } from 'vitest';
import { pauseEnd } from './memoryMode.ts';

const NOW = new Date(2026, 4, 31, 22, 30).getTime();

test('a pause ends after minutes, after hours, at midnight, or never', () => {
  expect(pauseEnd('15m', NOW)).toBe(NOW + 900_000);
  expect(pauseEnd('1h', NOW)).toBe(NOW + 3_600_000);
  expect(pauseEnd('tomorrow', NOW)).toBe(new Date(2026, 5, 1).getTime());
  expect(pauseEnd(undefined, NOW)).toBeUndefined();
});

test.each(['', '0m', 'm', '15', '1d', '-1h', 'soon'])('%j is no time', (time) => {
  expect(() => pauseEnd(time, NOW)).toThrow(/Say how long/);
});
