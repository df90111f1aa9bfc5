import { expect, test } from 'vitest';
import { pauseChoices } from './pauseChoices.ts';

test('a pause lasts minutes, an hour, till the next morning, or has no end', () => {
  const now = new Date(2026, 4, 31, 22, 10).getTime();
  const [quarter, hour, tomorrow, open] = pauseChoices(now);
  expect(quarter?.until).toBe(now + 900_000);
  expect(hour?.until).toBe(now + 3_600_000);
  expect(new Date(tomorrow!.until!)).toEqual(new Date(2026, 5, 1, 8, 0));
  expect(tomorrow?.detail).toMatch(/^Until \S+, .*8/);
  expect(quarter?.detail).not.toContain(',');
  expect(open).toMatchObject({ label: 'Until I resume', until: undefined });
});

test('before the morning "tomorrow" is the day after all the same', () => {
  const night = new Date(2026, 0, 1, 2, 0).getTime();
  expect(new Date(pauseChoices(night)[2]!.until!)).toEqual(new Date(2026, 0, 2, 8, 0));
});
