import { expect, test } from 'vitest';
import { NOTHING_KNOWN, type MachineState } from './machineState.ts';
import { restraintFor, type RestraintMemory, type ThrottleWish } from './restraint.ts';

const GIB = 1024 ** 3;
const NORMAL: MachineState = {
  ...NOTHING_KNOWN,
  thermal: { level: 'nominal', celsius: 92, throttleCount: 4000 },
  power: { source: 'ac', percent: 100, saver: false },
  memory: { availableBytes: 8 * GIB, totalBytes: 16 * GIB, someStalled: 40, fullStalled: 2, pressure: 'normal' },
  load: 3,
};
const hot = (celsius: number): MachineState => ({ ...NORMAL, thermal: { level: 'nominal', celsius } });

/** One machine, looked at again and again. */
function machine(wish: ThrottleWish = 'auto'): (state: MachineState, now: number) => string {
  let memory: RestraintMemory = {};
  return (state, now) => {
    const next = restraintFor(state, memory, now, wish);
    memory = next.memory;
    const { restraint } = next;
    return restraint === undefined ? 'full' : `${restraint.duty}${restraint.memoryShort ? ' short' : ''}`;
  };
}

test('what is unknown or normal restrains nothing, however busy the machine is', () => {
  for (const wish of ['auto', 'battery', 'never'] as const)
    for (const state of [
      NOTHING_KNOWN,
      NORMAL,
      hot(96),
      { ...NORMAL, thermal: { level: 'fair' as const } },
      { ...NORMAL, power: { source: undefined } },
      { ...NORMAL, memory: { availableBytes: GIB, totalBytes: undefined } },
    ])
      expect(restraintFor(state, {}, 1e6, wish)).toEqual({ restraint: undefined, memory: {} });
});

test('hot means half speed, far too hot none; the reason says how hot', () => {
  expect(restraintFor(hot(98.4), {}, 0, 'auto').restraint).toEqual({
    duty: 0.5,
    memoryShort: false,
    reason: 'The machine is hot (98 °C); answers come at half speed.',
  });
  expect(restraintFor(hot(106), {}, 0, 'auto').restraint?.reason).toContain('far too hot (106 °C); answers wait');
  const named = (level: 'serious' | 'critical'): string => machine()({ ...NORMAL, thermal: { level } }, 0);
  expect([named('serious'), named('critical')]).toEqual(['0.5', '0']);
  expect(machine('never')({ ...hot(110), power: { source: 'battery', saver: true } }, 0)).toBe('full');
});

test('what got better counts after it stayed so, and clearly', () => {
  const look = machine();
  expect(look(hot(98), 0)).toBe('0.5');
  expect(look(hot(94), 60_000)).toBe('0.5'); // not five degrees cooler
  expect(look(hot(91), 70_000)).toBe('0.5');
  expect(look(hot(91), 79_000)).toBe('0.5');
  expect(look(hot(91), 80_000)).toBe('full');
  expect(look(hot(96), 81_000)).toBe('full');
  expect(look(hot(105), 90_000)).toBe('0');
  expect(look(hot(99), 100_000)).toBe('0');
  expect(look(hot(99), 111_000)).toBe('0.5');
});

test('a sensor that falls silent does not hold the machine back for ever', () => {
  const look = machine();
  expect(look(hot(106), 0)).toBe('0');
  expect(look(NOTHING_KNOWN, 30_000)).toBe('full');
});

test('energy saving counts, the battery alone only on wish', () => {
  const battery: MachineState = { ...NORMAL, power: { source: 'battery', percent: 90 } };
  const saver: MachineState = { ...NORMAL, power: { source: 'ac', saver: true } };
  expect([machine()(battery, 0), machine()(saver, 0)]).toEqual(['full', '0.5']);
  expect([machine('battery')(battery, 0), machine('battery')(saver, 0)]).toEqual(['0.5', '0.5']);
});

test('short of memory batch work waits, whatever the user wishes of heat', () => {
  const memory = { availableBytes: 8 * GIB, totalBytes: 16 * GIB };
  for (const state of [
    { ...NORMAL, memory: { ...memory, availableBytes: 0.4 * GIB } },
    { ...NORMAL, memory: { ...memory, fullStalled: 11 } },
    { ...NORMAL, memory: { ...memory, pressure: 'warning' as const } },
  ])
    for (const wish of ['auto', 'never'] as const) expect(machine(wish)(state, 0)).toBe('1 short');
  const both = restraintFor({ ...hot(99), memory: { ...memory, pressure: 'critical' } }, {}, 0, 'auto').restraint;
  expect(both).toMatchObject({ duty: 0.5, memoryShort: true });
  expect(both?.reason).toMatch(/hot .*half speed\. The system reports memory pressure; batch work waits\.$/);
});
