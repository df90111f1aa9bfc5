import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FAKE_MEMORY, FakeModel } from './native/fakeModel.ts';
import { spareForCopy, Weights } from './weights.ts';

const GIB = 1024 ** 3;
const MACHINE = {
  totalBytes: 16 * GIB,
  availableBytes: 12 * GIB,
  lastLevelCacheBytes: 32 * 1024 ** 2,
  largePages: true,
};

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('auto copies what no cache holds, while the copy, the file and a margin fit', () => {
  expect(spareForCopy('auto', 4 * GIB, MACHINE)).toBe(6 * GIB);
  expect(spareForCopy('auto', 5 * GIB, MACHINE)).toBe(7 * GIB);
  expect(spareForCopy('auto', 5 * GIB + 1, MACHINE)).toBeUndefined();
  expect(spareForCopy('auto', 32 * 1024 ** 2, MACHINE)).toBeUndefined();
  expect(spareForCopy('auto', GIB, { ...MACHINE, largePages: false })).toBeUndefined();
  expect(spareForCopy('auto', GIB, { ...MACHINE, lastLevelCacheBytes: 0 })).toBeUndefined();
  expect(spareForCopy('auto', 3 * GIB, { ...MACHINE, totalBytes: 64 * GIB })).toBeUndefined();
});

test('a wish is followed', () => {
  expect(spareForCopy('mapped', 4 * GIB, MACHINE)).toBeUndefined();
  expect(spareForCopy('resident', 11 * GIB, MACHINE)).toBe(GIB / 2);
});

test('the copy begins some time after loading', async () => {
  const model = new FakeModel();
  const weights = new Weights(model, 'resident', FAKE_MEMORY);
  await vi.advanceTimersByTimeAsync(1000);
  expect(model.copies).toEqual([]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(model.copies).toEqual([GIB / 2]);
  await weights.settled;
});

test('a copy that fails is no error', async () => {
  const model = new FakeModel();
  model.moveWeightsToMemory = () => Promise.reject(new Error('too little memory'));
  const weights = new Weights(model, 'resident', FAKE_MEMORY);
  await vi.advanceTimersByTimeAsync(2000);
  await weights.settled;
});

test('nothing is copied for a model that was closed before, or where it does not pay', async () => {
  const model = new FakeModel();
  const closed = new Weights(model, 'resident', FAKE_MEMORY);
  closed.close();
  await closed.settled;
  await new Weights(model, 'auto', FAKE_MEMORY).settled;
  await vi.advanceTimersByTimeAsync(5000);
  expect(model.copies).toEqual([]);
});
