import { expect, test } from 'vitest';
import { TypingRhythm } from './typingRhythm.ts';

function typed(intervalMs: number): TypingRhythm {
  const rhythm = new TypingRhythm();
  for (let i = 0; i < 10; i++) rhythm.key(i * intervalMs);
  return rhythm;
}

test('the delay follows the typing and stays between 75 and 300 ms', () => {
  expect(typed(120).delay('a')).toBe(180);
  expect(typed(10).delay('a')).toBe(75);
  expect(typed(600).delay('a')).toBe(300);
});

test('after a trigger character it is shorter', () => {
  expect(typed(160).delay('.')).toBeLessThan(typed(160).delay('a'));
});

test('pauses for thinking are not typing', () => {
  const rhythm = typed(120);
  rhythm.key(60_000);
  expect(rhythm.delay('a')).toBe(180);
});

test('a slow engine is asked less often', () => {
  const rhythm = typed(80);
  rhythm.answered(2000);
  expect(rhythm.delay('a')).toBe(300);
});
