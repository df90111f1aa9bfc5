import { expect, test } from 'vitest';
import { LONGEST_MATCH, NgramIndex, WINDOW } from './ngramIndex.ts';

/** What a search through everything finds; `least` like tokens at least. */
function byHand(tokens: readonly number[]): { next: number; length: number } | undefined {
  let best: { next: number; length: number } | undefined;
  for (let next = tokens.length - 1; next >= 2; next--) {
    let length = 0;
    while (length < LONGEST_MATCH && length < next && tokens[next - 1 - length] === tokens[tokens.length - 1 - length])
      length++;
    if (length >= 2 && length > (best?.length ?? 0)) best = { next, length };
  }
  return best;
}

test('it finds what a search through everything finds, at every length of a growing text', () => {
  let state = 7;
  const random = (below: number): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % below;
  for (const alphabet of [3, 12, 40]) {
    const tokens: number[] = [];
    const index = new NgramIndex();
    while (tokens.length < 600) {
      // Now and then a copy of an earlier stretch.
      if (tokens.length > 60 && random(12) === 0) {
        const from = random(tokens.length - 50);
        tokens.push(...tokens.slice(from, from + 4 + random(45)));
      } else tokens.push(random(alphabet));
      const found = index.find(tokens);
      const right = byHand(tokens);
      // Of many places only the newest ones are compared.
      if (alphabet > 3) expect(found).toEqual(right);
      else expect(found?.length ?? 0).toBeLessThanOrEqual(right?.length ?? 0);
      if (found !== undefined)
        expect(tokens.slice(found.next - found.length, found.next)).toEqual(tokens.slice(-found.length));
    }
  }
});

test('one token, a new end, an empty list: nothing', () => {
  const index = new NgramIndex();
  expect(index.find([])).toBeUndefined();
  expect(index.find([4])).toBeUndefined();
  expect(index.find([4, 4])).toBeUndefined();
  expect(index.find([4, 4, 4])).toEqual({ next: 2, length: 2 });
  expect(new NgramIndex().find([1, 2, 3, 4])).toBeUndefined();
});

test('memory is bounded: what lies further back than the window is forgotten', () => {
  const index = new NgramIndex();
  const tokens = [1, 2, 3, 4, 5, 6, 7];
  for (let i = 0; i < WINDOW - 3; i++) tokens.push(1000 + i);
  tokens.push(...tokens.slice(0, 7));
  expect(index.find(tokens)).toBeUndefined();
  tokens.push(...tokens.slice(100, 106));
  expect(index.find(tokens)).toEqual({ next: 106, length: 6 });
});
