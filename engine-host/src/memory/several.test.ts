import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { several } from './several.ts';

test('as many at once as allowed, results in the order of the things', async () => {
  let running = 0;
  let most = 0;
  const results = await several([30, 1, 20, 1, 10], 2, async (ms, index) => {
    most = Math.max(most, ++running);
    await sleep(ms);
    running -= 1;
    return index * 10;
  });
  expect(results).toEqual([0, 10, 20, 30, 40]);
  expect(most).toBe(2);
  expect(await several([], 4, () => Promise.resolve(1))).toEqual([]);
});

test('a failure ends it: what runs is waited for, nothing else begins', async () => {
  const began: number[] = [];
  let ended = 0;
  const all = several([1, 2, 3, 4], 2, async (n) => {
    began.push(n);
    await sleep(n === 1 ? 1 : 20);
    if (n === 1) throw new Error('one');
    ended += 1;
  });
  await expect(all).rejects.toThrow('one');
  expect(began).toEqual([1, 2]);
  expect(ended).toBe(1);
});
