import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutWindow } from './cutWindow.ts';

const never = new AbortController().signal;
/** About a token for three characters, as code has. */
const count = async (text: string): Promise<number> => Math.ceil(text.length / 3);
const lines = (n: number, from = 0): string =>
  Array.from({ length: n }, (_, i) => `line ${from + i} of the file\n`).join('');

test('a window within the budget stays whole', async () => {
  expect(await cutWindow({ prefix: 'abc\ndef', suffix: 'ghi' }, 1024, count, never)).toEqual({
    prefix: 'abc\ndef',
    suffix: 'ghi',
  });
});

test('both sides are cut at line starts, the prefix keeps its end', async () => {
  const cut = await cutWindow({ prefix: `${lines(2000)}here `, suffix: lines(2000) }, 1024, count, never);
  expect(cut.prefix.startsWith('line ')).toBe(true);
  expect(cut.prefix.endsWith('here ')).toBe(true);
  expect(cut.suffix.startsWith('line 0 ')).toBe(true);
  expect(cut.suffix.endsWith('\n')).toBe(true);
  expect((await count(cut.prefix)) + (await count(cut.suffix))).toBeLessThanOrEqual(1024);
  // Three quarters before the cursor, less a page at most.
  expect(await count(cut.prefix)).toBeGreaterThan(400);
});

test('the cut stays where it is while the user types a word', async () => {
  const text = lines(3000);
  const before = await cutWindow({ prefix: text, suffix: '' }, 512, count, never);
  const after = await cutWindow({ prefix: `${text}const`, suffix: '' }, 512, count, never);
  expect(after.prefix).toBe(`${before.prefix}const`);
});

test('a single endless line is cut inside it', async () => {
  const cut = await cutWindow({ prefix: 'x'.repeat(60_000), suffix: '' }, 256, count, never);
  expect(cut.prefix.length).toBeGreaterThan(256);
  expect(await count(cut.prefix)).toBeLessThanOrEqual(256);
});

test('whatever the text: within the budget, an end of the prefix, a beginning of the suffix, no half characters', async () => {
  const text = fc
    .array(fc.constantFrom('a', ' ', '\n', '😀', 'word ', '{\n'), { maxLength: 3000 })
    .map((p) => p.join(''));
  await fc.assert(
    fc.asyncProperty(text, text, fc.integer({ min: 16, max: 600 }), async (prefix, suffix, budget) => {
      const cut = await cutWindow({ prefix, suffix }, budget, count, never);
      expect((await count(cut.prefix)) + (await count(cut.suffix))).toBeLessThanOrEqual(budget);
      expect(prefix.endsWith(cut.prefix)).toBe(true);
      expect(suffix.startsWith(cut.suffix)).toBe(true);
      // Throws on half a character.
      encodeURIComponent(cut.prefix + cut.suffix);
    }),
    { numRuns: 60 },
  );
});
