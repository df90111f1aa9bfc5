import { expect, test } from 'vitest';
import { corrected, NO_CORRECTION, withMeasured } from './correction.ts';
import { bestRate, expectedHits, predict } from './predict.ts';
import { SPEED, testProfile } from './testProfile.ts';

test('a mixture from the disk is as fast as its misses are read, and what is not hidden behind them', () => {
  const profile = testProfile();
  // 64 experts of 100 MB for each token; half of them from 3 GB/s, then memory at 20 GB/s that misses cross twice.
  const half = predict(profile, 0.5);
  expect(half?.diskSeconds).toBeCloseTo(3.2 / 3, 5);
  expect(half?.memorySeconds).toBeCloseTo((7.2 + 3.2) / 20, 5);
  expect(half?.tokensPerSecond).toBeCloseTo(1 / (3.2 / 3 + 0.5 * ((7.2 + 3.2) / 20)), 5);
  expect(half?.hitRate).toBe(0.5);
  expect(predict(profile, 0.8)?.tokensPerSecond).toBeGreaterThan(2 * (half?.tokensPerSecond ?? Infinity));
  // A prompt needs all experts once, and 156 of 256 are not there.
  expect(half?.promptTokensPerSecond).toBeLessThan(256 / ((25.6 * 156) / 256 / 3));
});

test('in memory there is no disk, and nothing is expected of what is refused', () => {
  const inMemory = predict(testProfile({ strategy: 'memory' }));
  expect(inMemory).toMatchObject({ diskSeconds: 0, memorySeconds: 7.2 / 20 });
  expect(inMemory?.tokensPerSecond).toBeCloseTo(20 / 7.2, 5);
  expect(inMemory).not.toHaveProperty('hitRate');
  expect(predict(testProfile({ strategy: 'refused' }))).toBeUndefined();
});

test('a dense model reads the same layers in every step, be it a token or a prompt', () => {
  const { experts: _, ...model } = testProfile().model;
  const { experts: __, ...rest } = testProfile({ strategy: 'dense' });
  const dense = predict({ ...rest, model: { ...model, streamedBytes: 9e9 } });
  expect(dense?.diskSeconds).toBeCloseTo(3, 5);
  expect(dense?.memorySeconds).toBeCloseTo(16.2 / 20, 5);
  expect(dense?.promptTokensPerSecond).toBeGreaterThan(10 * (dense?.tokensPerSecond ?? Infinity));
  expect(dense).not.toHaveProperty('hitRate');
});

test('many small experts are found in memory more often than a few large ones', () => {
  const experts = { layers: 32, perToken: 64, bytes: 1 };
  expect(expectedHits({ ...experts, count: 256, inMemory: 128 })).toBeCloseTo(0.57);
  expect(expectedHits({ ...experts, count: 32 * 128, inMemory: 16 * 128 })).toBeCloseTo(1 - 0.5 ** 5);
  expect(expectedHits({ ...experts, count: 256, inMemory: 256 })).toBe(1);
});

test('the fewest readers that keep the disk busy, and never one that is only as good as two', () => {
  expect(bestRate(SPEED.disk.random, true)).toMatchObject({ readers: 4 });
  expect(bestRate(SPEED.disk.random, false)).toMatchObject({ readers: 4, pastCache: false });
  const one = (readers: number, bytesPerSecond: number) => ({ pastCache: true, readers, bytesPerSecond });
  expect(bestRate([one(1, 500), one(2, 490), one(4, 500)], true)).toMatchObject({ readers: 2 });
  expect(bestRate([one(1, 500), one(2, 300), one(4, 200)], true)).toMatchObject({ readers: 1 });
  expect(bestRate([], true)).toBeUndefined();
});

test('measurements correct the prediction: the first one whole, later ones by and by', () => {
  const seen = (tokensPerSecond: number) => ({ at: 1, by: 'use' as const, tokens: 100, tokensPerSecond });
  const formula = { tokensPerSecond: 10, promptTokensPerSecond: 100 };
  const first = corrected(NO_CORRECTION, formula, seen(5));
  expect(first).toEqual({ answers: 0.5, prompts: 1, count: 1 });
  let now = first;
  for (let i = 0; i < 20; i++) {
    const next = corrected(now, formula, seen(20));
    expect(next.answers).toBeGreaterThan(now.answers);
    now = next;
  }
  expect(now.answers).toBeCloseTo(2, 2);
  // One accident neither stops nor doubles anything for ever.
  const after = corrected(now, formula, seen(0.0001));
  expect(after.answers).toBeGreaterThan(0.6);
  expect(corrected(now, formula, seen(Number.NaN)).answers).toBe(now.answers);
});

test('a profile learns its share of experts in memory, and forgets old measurements', () => {
  let profile = testProfile();
  for (let i = 0; i < 60; i++)
    profile = withMeasured(profile, { at: i, by: 'use', tokens: 64, tokensPerSecond: 1, hitRate: 0.6 });
  expect(profile.prediction?.hitRate).toBe(0.6);
  expect(profile.prediction?.tokensPerSecond).toBeCloseTo(1, 3);
  expect(profile.measured).toHaveLength(50);
  expect(profile.measured.at(-1)?.at).toBe(59);
});
