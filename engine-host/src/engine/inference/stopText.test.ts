import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StopTextMatcher } from './stopText.ts';

function run(stops: readonly string[], pieces: readonly string[]): { text: string; stop?: string } {
  const matcher = new StopTextMatcher(stops);
  let text = '';
  for (const piece of pieces) {
    const match = matcher.push(piece);
    text += match.text;
    if (match.stop !== undefined) return { text, stop: match.stop };
  }
  return { text: text + matcher.flush() };
}

test('a stop text split over pieces is found, and no part of it comes out', () => {
  const matcher = new StopTextMatcher(['<|end|>']);
  expect(matcher.push('hello <|')).toEqual({ text: 'hello ' });
  expect(matcher.push('end')).toEqual({ text: '' });
  expect(matcher.push('|> more')).toEqual({ text: '', stop: '<|end|>' });
});

test('a beginning that leads nowhere comes out late, and whole', () => {
  const matcher = new StopTextMatcher(['<|end|>']);
  expect(matcher.push('a <|')).toEqual({ text: 'a ' });
  expect(matcher.push('x')).toEqual({ text: '<|x' });
});

test('what may still begin a stop text belongs to the answer when it ends otherwise', () => {
  expect(run(['stop'], ['no sto'])).toEqual({ text: 'no sto' });
});

test('the stop text that is complete first wins, and the longest of those that end together', () => {
  expect(run(['xabc', 'ab'], ['xabc'])).toEqual({ text: 'x', stop: 'ab' });
  expect(run(['b', 'ab'], ['xab'])).toEqual({ text: 'x', stop: 'ab' });
});

test('without stop texts, or with an empty one, everything passes at once', () => {
  expect(new StopTextMatcher([]).push('abc')).toEqual({ text: 'abc' });
  expect(new StopTextMatcher(['']).push('abc')).toEqual({ text: 'abc' });
});

test('the result does not depend on how the text was cut', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 });
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), { maxLength: 3 }),
      letters,
      fc.array(fc.nat({ max: 30 }), { maxLength: 6 }),
      (stops, text, cuts) => {
        const at = [0, ...cuts.filter((c) => c <= text.length).sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((end, i) => text.slice(at[i], end));
        const whole = run(stops, [text]);
        expect(run(stops, pieces)).toEqual(whole);
        expect(run(stops, text.match(/./g) ?? [])).toEqual(whole);
        for (const stop of stops) if (whole.stop !== undefined) expect(whole.text.includes(stop)).toBe(false);
      },
    ),
  );
});
