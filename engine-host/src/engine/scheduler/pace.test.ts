import { expect, test } from 'vitest';
import { FIRST_SLICE, LEAST_SLICE, MOST_ALONE_MS, MOST_GAP_MS, MOST_SHARED_MS, MOST_SLICE, Pace } from './pace.ts';

/** Runs steps of a machine that takes `ms(decode, prefill)`; the last is what it settled at. */
function settle(ms: (decode: number, prefill: number) => number, decode: number): { slice: number; ms: number } {
  const pace = new Pace();
  for (let i = 0; i < 5; i++) pace.measured(decode, 0, ms(decode, 0));
  let slice = 0;
  for (let i = 0; i < 40; i++) {
    const next = pace.slice(decode);
    pace.measured(decode, next, ms(decode, next));
    if (next > 0) slice = next;
  }
  return { slice, ms: ms(decode, slice) };
}

test('nothing measured: a cautious slice', () => {
  expect(new Pace().slice(0)).toBe(FIRST_SLICE);
  expect(new Pace().slice(3)).toBe(FIRST_SLICE);
});

test('a fast model fills the gap, a slow one gets two decode steps', () => {
  const fast = settle((d, p) => 6 + d + 0.4 * p, 2);
  expect(fast.ms).toBeLessThanOrEqual(MOST_GAP_MS);
  expect(fast.ms).toBeGreaterThan(MOST_GAP_MS / 2);
  // The token's way to its reader takes time and scatters.
  expect(fast.ms).toBeLessThanOrEqual(MOST_GAP_MS - 15);
  const slow = settle((d, p) => 300 + 4 * d + 12 * p, 1);
  expect(slow.ms).toBeLessThanOrEqual(2 * 304);
  expect(slow.slice).toBeGreaterThan(LEAST_SLICE);
});

test('costs that are not straight are found by trying', () => {
  // The first columns beside a decode step cost nearly nothing, later ones much more.
  const { ms, slice } = settle((_d, p) => Math.max(60, 4 * p), 1);
  expect(ms).toBeLessThanOrEqual(120);
  expect(slice).toBeGreaterThanOrEqual(16);
});

test('a dear first token does not hide that the next ones are cheap', () => {
  // Another kernel begins beside the first prefill token; then each costs little.
  const { ms, slice } = settle((_d, p) => (p === 0 ? 55 : 75 + 0.3 * p), 1);
  expect(ms).toBeLessThanOrEqual(110);
  expect(slice).toBeGreaterThanOrEqual(16);
});

test('slices have a least and a most', () => {
  expect(settle(() => 1, 1).slice).toBe(MOST_SLICE);
  expect(settle((_d, p) => 20 + 100 * p, 1).slice).toBe(LEAST_SLICE);
});

test('without running answers a step stays short enough for whoever comes next, if somebody may come', () => {
  const { ms, slice } = settle((_d, p) => 5 + p, 0);
  expect(ms).toBeLessThanOrEqual(MOST_SHARED_MS);
  expect(slice).toBeGreaterThan(32);
  const pace = new Pace();
  for (let i = 0; i < 40; i++) pace.measured(0, pace.slice(0, false), 5 + pace.slice(0, false));
  expect(pace.slice(0, false)).toBeGreaterThan(2 * pace.slice(0, true));
  expect(5 + pace.slice(0, false)).toBeLessThanOrEqual(MOST_ALONE_MS);
});

test('times that scatter keep the limit in 95 of 100 steps', () => {
  let state = 7;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const pace = new Pace();
  const noisy = (prefill: number): number => (15 + 0.5 * prefill) * (1 + 0.3 * random());
  for (let i = 0; i < 5; i++) pace.measured(4, 0, noisy(0));
  let over = 0;
  let plain = 0;
  for (let i = 0; i < 1000; i++) {
    const slice = pace.slice(4);
    const ms = noisy(slice);
    if (ms > MOST_GAP_MS) over++;
    if (slice === 0) plain++;
    pace.measured(4, slice, ms);
  }
  expect(over).toBeLessThan(50);
  expect(plain).toBeGreaterThan(30);
});

test('a machine that becomes slower for everything slows the slices down by less than the steps', () => {
  const pace = new Pace();
  let load = 1;
  const ms = (prefill: number): number => load * (30 + 0.5 * prefill);
  const run = (steps: number): number => {
    let slice = 0;
    for (let i = 0; i < steps; i++) {
      const next = pace.slice(1);
      pace.measured(1, next, ms(next));
      if (next > 0) slice = next;
    }
    return slice;
  };
  const before = run(100);
  load = 4;
  // Two plain steps are now 240 ms: there is as much room as before.
  expect(run(400)).toBeGreaterThanOrEqual(before / 2);
});

test('one stall is soon forgotten', () => {
  const pace = new Pace();
  const step = (ms?: number): number => {
    const slice = pace.slice(1);
    pace.measured(1, slice, ms ?? 10 + 0.5 * slice);
    return slice;
  };
  for (let i = 0; i < 50; i++) step();
  const before = Math.max(step(), step());
  step(12_000);
  for (let i = 0; i < 30; i++) step();
  expect(Math.max(step(), step())).toBeGreaterThan(before * 0.7);
});

test('weights from the disk are read once for as much of a prompt as there is', () => {
  const pace = new Pace(true);
  expect(pace.slice(0)).toBe(MOST_SLICE);
  pace.measured(0, MOST_SLICE, 5000);
  expect(pace.slice(0, true)).toBe(MOST_SLICE);
  // Running answers still wait for two of their steps at most.
  expect(pace.slice(1)).toBe(FIRST_SLICE);
});
