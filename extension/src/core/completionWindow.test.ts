import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutWindow } from './completionWindow.ts';

const bytes = (text: string): number => Buffer.byteLength(text);

test('a small text is kept whole', () => {
  expect(cutWindow('a\nb', 'c\nd', { prefixBytes: 100, suffixBytes: 100 })).toEqual({ prefix: 'a\nb', suffix: 'c\nd' });
});

test('whole lines are kept on both sides', () => {
  const window = cutWindow('first\nsecond\nthird', 'rest\nnext\nlast', { prefixBytes: 14, suffixBytes: 11 });
  expect(window).toEqual({ prefix: 'second\nthird'.slice(0, 12), suffix: 'rest\nnext\n' });
});

test('a line longer than the limit is cut inside', () => {
  const window = cutWindow('x'.repeat(50), 'y'.repeat(50), { prefixBytes: 10, suffixBytes: 10 });
  expect(window).toEqual({ prefix: 'x'.repeat(10), suffix: 'y'.repeat(10) });
});

/** One to four bytes of UTF-8 each. */
const text = fc.array(fc.constantFrom('a', '\n', 'é', '€', '😀'), { maxLength: 40 }).map((chars) => chars.join(''));

test('the limits hold in bytes, the cut never splits a character, and the cursor stays where it is', () => {
  fc.assert(
    fc.property(text, text, fc.integer({ min: 0, max: 40 }), (before, after, limit) => {
      const { prefix, suffix } = cutWindow(before, after, { prefixBytes: limit, suffixBytes: limit });
      expect(before.endsWith(prefix) && after.startsWith(suffix)).toBe(true);
      expect(bytes(prefix)).toBeLessThanOrEqual(limit);
      expect(bytes(suffix)).toBeLessThanOrEqual(limit);
      expect(/^[\udc00-\udfff]/.test(prefix)).toBe(false);
      expect(/[\ud800-\udbff]$/.test(suffix)).toBe(false);
    }),
  );
});
