import { expect, test } from 'vitest';
import { leftWords, whenWords } from './times.ts';

test('the time left is as exact as it can be', () => {
  expect(leftWords(3000)).toBe('less than a minute left');
  expect(leftWords(190_000)).toBe('about 3 min left');
  expect(leftWords(3_600_000)).toBe('about 1 h left');
  expect(leftWords(5_400_000)).toBe('about 1 h 30 min left');
});

test('a time of today or yesterday has its hour, an older one its date', () => {
  const now = new Date(2026, 4, 2, 12, 0).getTime();
  expect(whenWords(new Date(2026, 4, 2, 9, 5).getTime(), now)).toMatch(/^today, 0?9.05/);
  expect(whenWords(new Date(2026, 4, 1, 23, 0).getTime(), now)).toMatch(/^yesterday, /);
  expect(whenWords(new Date(2026, 1, 3).getTime(), now)).not.toContain('2026');
  expect(whenWords(new Date(2025, 1, 3).getTime(), now)).toContain('2025');
});
