import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NOTHING_KNOWN, type MachineState } from './machineState.ts';
import { MachineWatch } from './machineWatch.ts';
import { Monitor } from './monitor.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const CALM: MachineState = { ...NOTHING_KNOWN, thermal: { level: 'nominal' }, power: { source: 'ac' } };

async function started(): Promise<{ monitor: Monitor; set: (state: MachineState) => void; heard: string[] }> {
  let state = CALM;
  const machine = new MachineWatch({ read: () => Promise.resolve(state) });
  const monitor = new Monitor({ machine, now: () => Date.now() });
  const heard: string[] = [];
  monitor.onDecision(({ verdict }) => heard.push(verdict));
  await monitor.start();
  return { monitor, set: (next) => (state = next), heard };
}

test('nothing may run before the machine was looked at', () => {
  const monitor = new Monitor({ machine: new MachineWatch({ read: () => Promise.resolve(CALM) }), now: () => 0 });
  expect(monitor.decision.verdict).toBe('pause');
});

test('while work runs, unplugging and the battery saver are noticed within ten seconds', async () => {
  for (const power of [{ source: 'battery' }, { source: 'ac', saver: true }] as const) {
    const { monitor, set, heard } = await started();
    monitor.watch(true);
    set({ ...CALM, power });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(heard).toEqual(['run', 'pause']);
    monitor.stop();
  }
});

test('a request pauses before the call returns, and counts as use afterwards', async () => {
  const { monitor, heard } = await started();
  monitor.requests(1);
  expect(monitor.decision).toMatchObject({ verdict: 'pause', reason: 'A request is being answered.' });
  await vi.advanceTimersByTimeAsync(300_000);
  monitor.requests(0);
  expect(monitor.decision.verdict).toBe('pause');
  await vi.advanceTimersByTimeAsync(160_000);
  expect(monitor.decision.verdict).toBe('run');
  expect(heard[0]).toBe('run');
  expect(monitor.whyNotStart(0, false).join()).toMatch(/in use/);
  expect(monitor.whyNotStart(0, true)).toEqual([]);
});

test('a stopped monitor is silent', async () => {
  const { monitor, set, heard } = await started();
  monitor.stop();
  set({ ...CALM, power: { source: 'battery' } });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(heard).toEqual(['run']);
});
