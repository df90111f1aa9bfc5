import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NOTHING_KNOWN } from './machineState.ts';
import { MachineWatch } from './machineWatch.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

async function started(): Promise<{ watch: MachineWatch; looks: () => number }> {
  let looks = 0;
  const watch = new MachineWatch({ read: () => Promise.resolve({ ...NOTHING_KNOWN, load: ++looks }) });
  await watch.start();
  return { watch, looks: () => looks };
}

test('the hastiest of those who ask sets the pace, for everybody', async () => {
  const { watch, looks } = await started();
  let heard = 0;
  const forget = watch.onLook(({ load }) => (heard = load ?? 0));
  await vi.advanceTimersByTimeAsync(60_000);
  expect([looks(), heard, watch.state.load]).toEqual([3, 3, 3]);
  const [a, b] = [{}, {}];
  watch.every(a, 10_000);
  watch.every(b, 4000);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(looks()).toBe(8);
  watch.every(b, undefined);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(looks()).toBe(11);
  forget();
  watch.every(a, undefined);
  await vi.advanceTimersByTimeAsync(30_000);
  expect([looks(), heard]).toEqual([12, 11]);
  watch.stop();
  await vi.advanceTimersByTimeAsync(90_000);
  expect(looks()).toBe(12);
});

test('whoever changes his mind all the time puts off no look', async () => {
  const { watch, looks } = await started();
  const who = {};
  for (let i = 0; i < 60; i++) {
    watch.every(who, i % 2 === 0 ? 10_000 : undefined);
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(looks()).toBeGreaterThanOrEqual(6);
  watch.stop();
});

test('a start that others waited for before is not repeated', async () => {
  const { watch, looks } = await started();
  await watch.start();
  expect(looks()).toBe(1);
  watch.stop();
});
