import { expect, test } from 'vitest';
import type { MachineState } from './machineState.ts';
import { NOTHING_KNOWN } from './machineState.ts';
import { decide, DEFAULT_THRESHOLDS, FRESH_GATE, whyNotStart, type GateContext, type GateMemory } from './policy.ts';

const GIB = 1024 ** 3;

const CALM: MachineState = {
  thermal: { level: 'nominal', celsius: 50, throttleCount: 3 },
  power: { source: 'ac', percent: 90, saver: false },
  memory: { availableBytes: 8 * GIB, totalBytes: 16 * GIB, someStalled: 0, fullStalled: 0 },
  load: 0.1,
  inputIdleMs: 3_600_000,
  diskFreeBytes: 100 * GIB,
};
const CONTEXT: GateContext = {
  now: 1_000_000,
  requests: 0,
  lastRequestAt: undefined,
  asked: false,
  onBattery: false,
  fullSpeed: false,
};

test.each<[string, Partial<MachineState>, string, RegExp]>([
  ['a calm machine', {}, 'run', /Nothing hinders/],
  ['75 °C', { thermal: { level: 'nominal', celsius: 75 } }, 'throttle', /warm \(75 °C\)/],
  ['fair', { thermal: { level: 'fair' } }, 'throttle', /warm/],
  ['85 °C', { thermal: { level: 'nominal', celsius: 85 } }, 'pause', /too hot \(85 °C\)/],
  ['a serious level beside a low temperature', { thermal: { level: 'serious', celsius: 40 } }, 'pause', /too hot/],
  ['95 °C', { thermal: { level: 'nominal', celsius: 95 } }, 'abort', /far too hot/],
  ['critical', { thermal: { level: 'critical' } }, 'abort', /far too hot/],
  ['no thermal sensor', { thermal: { level: undefined } }, 'throttle', /no thermal sensor/],
  ['unplugged', { power: { source: 'battery', percent: 99 } }, 'pause', /battery \(99 %\)/],
  ['a battery that does not say its charge', { power: { source: 'battery' } }, 'pause', /on its battery\./],
  ['nothing known of power', { power: { source: undefined } }, 'run', /Nothing/],
  ['battery saver', { power: { source: 'ac', saver: true } }, 'pause', /saving energy/],
  ['stalled', { memory: { ...CALM.memory, fullStalled: 1.5 } }, 'pause', /waiting for memory/],
  ['1 % stalled is borne', { memory: { ...CALM.memory, fullStalled: 1 } }, 'run', /Nothing/],
  ['memory warning', { memory: { ...CALM.memory, pressure: 'warning' } }, 'pause', /memory pressure/],
  ['memory critical', { memory: { ...CALM.memory, pressure: 'critical' } }, 'abort', /critical memory/],
  ['9 % of memory free', { memory: { availableBytes: 9, totalBytes: 100 } }, 'abort', /memory are free/],
  ['10 % of memory free', { memory: { availableBytes: 10, totalBytes: 100 } }, 'run', /Nothing/],
  ['little disk', { diskFreeBytes: 1.9 * GIB }, 'abort', /1\.9 GiB are free on the disk/],
])('%s', (_name, change, verdict, reason) => {
  const decision = decide({ ...CALM, ...change }, FRESH_GATE, CONTEXT);
  expect(decision.verdict).toBe(verdict);
  expect(decision.reason).toMatch(reason);
  expect(decision.duty).toBe({ run: 1, throttle: 0.5, pause: 0, abort: 0 }[verdict]);
});

test('a machine of which nothing is known works at half duty, as if on mains', () => {
  expect(decide(NOTHING_KNOWN, FRESH_GATE, CONTEXT)).toMatchObject({ verdict: 'throttle', duty: 0.5 });
  expect(whyNotStart(NOTHING_KNOWN, FRESH_GATE, CONTEXT, GIB)).toEqual([]);
});

test('of several reasons the worst one counts', () => {
  const state: MachineState = { ...CALM, power: { source: 'battery' }, thermal: { level: 'critical' } };
  expect(decide(state, FRESH_GATE, CONTEXT).verdict).toBe('abort');
});

test('a rising count of thermal throttling pauses; the count itself does not', () => {
  const first = decide(CALM, FRESH_GATE, CONTEXT);
  expect(first.verdict).toBe('run');
  const hotter: MachineState = { ...CALM, thermal: { level: 'nominal', celsius: 60, throttleCount: 4 } };
  expect(decide(hotter, first.memory, CONTEXT)).toMatchObject({ verdict: 'pause' });
});

test('a well charged battery will do when the user allows it', () => {
  const context = { ...CONTEXT, onBattery: true };
  const on = (percent: number): string =>
    decide({ ...CALM, power: { source: 'battery', percent } }, FRESH_GATE, context).verdict;
  expect([on(80), on(79)]).toEqual(['run', 'pause']);
});

test('a user who vouches for a machine without a sensor has full speed there, and nowhere else', () => {
  const context = { ...CONTEXT, fullSpeed: true };
  expect(decide({ ...CALM, thermal: { level: undefined } }, FRESH_GATE, context)).toMatchObject({
    verdict: 'run',
    duty: 1,
  });
  expect(decide({ ...CALM, thermal: { level: 'fair' } }, FRESH_GATE, context).verdict).toBe('throttle');
});

test('work goes on only after 120 s without a hindrance, and starts anew when it comes back', () => {
  const unplugged: MachineState = { ...CALM, power: { source: 'battery' } };
  let memory: GateMemory = FRESH_GATE;
  const at = (seconds: number, state: MachineState): string => {
    const decision = decide(state, memory, { ...CONTEXT, now: seconds * 1000 });
    memory = decision.memory;
    return decision.verdict;
  };
  expect(at(0, unplugged)).toBe('pause');
  expect(at(119, CALM)).toBe('pause');
  expect(at(119.5, unplugged)).toBe('pause');
  expect(at(239, CALM)).toBe('pause');
  expect(at(239.5, CALM)).toBe('run');
});

test('what is over says how long it still counts', () => {
  const { memory } = decide({ ...CALM, power: { source: 'battery' } }, FRESH_GATE, CONTEXT);
  const later = decide(CALM, memory, { ...CONTEXT, now: CONTEXT.now + 100_000 });
  expect(later.reason).toMatch(/battery\. That is over; 20 s more/);
});

test('one hindrance that ends does not hide another that ended later', () => {
  const bad = decide({ ...CALM, power: { source: 'battery' } }, FRESH_GATE, { ...CONTEXT, now: 0, requests: 1 });
  const asked = { ...CONTEXT, asked: true };
  const still = decide(CALM, bad.memory, { ...asked, now: 6000 });
  expect(still.verdict).toBe('pause');
  expect(decide(CALM, still.memory, { ...asked, now: 120_000 }).verdict).toBe('run');
});

test('a request pauses at once; work that the user asked for goes on 5 s after it, other work 120 s', () => {
  const during = decide(CALM, FRESH_GATE, { ...CONTEXT, requests: 1 });
  expect(during).toMatchObject({ verdict: 'pause', reason: 'A request is being answered.' });
  const now = CONTEXT.now + 5000;
  expect(decide(CALM, during.memory, { ...CONTEXT, now, asked: true }).verdict).toBe('run');
  expect(decide(CALM, during.memory, { ...CONTEXT, now }).verdict).toBe('pause');
});

test.each<[string, Partial<MachineState>, Partial<GateContext>, RegExp]>([
  ['input 9 minutes ago', { inputIdleMs: 9 * 60_000 }, {}, /in use; it has to be idle for 10 minutes/],
  ['a request 9 minutes ago', {}, { lastRequestAt: 1_000_000 - 9 * 60_000 }, /in use/],
  ['a busy processor', { load: 0.5 }, {}, /50 % of the processor/],
  [
    'memory below 1.5 times the need and 1 GiB',
    { memory: { ...CALM.memory, availableBytes: 3.9 * GIB } },
    {},
    /4\.0 GiB/,
  ],
  ['some stalls', { memory: { ...CALM.memory, someStalled: 5 } }, {}, /waiting for memory/],
  ['warmth', { thermal: { level: 'fair' } }, {}, /warm/],
  ['battery', { power: { source: 'battery' } }, {}, /battery/],
])('%s keeps work from starting', (_name, state, context, reason) => {
  const reasons = whyNotStart({ ...CALM, ...state }, FRESH_GATE, { ...CONTEXT, ...context }, 2 * GIB);
  expect(reasons.join(' ')).toMatch(reason);
});

test('a calm, idle machine may start; an asked start waits neither for idleness nor for a quiet processor', () => {
  expect(whyNotStart(CALM, FRESH_GATE, CONTEXT, 2 * GIB)).toEqual([]);
  const busy: MachineState = { ...CALM, inputIdleMs: 0, load: 1 };
  expect(whyNotStart(busy, FRESH_GATE, { ...CONTEXT, asked: true }, 2 * GIB)).toEqual([]);
  const unplugged: MachineState = { ...busy, power: { source: 'battery' } };
  expect(whyNotStart(unplugged, FRESH_GATE, { ...CONTEXT, asked: true }, 2 * GIB)).toHaveLength(1);
});

test('the defaults are those that the documentation states', () => {
  expect(DEFAULT_THRESHOLDS).toMatchObject({ clearMs: 120_000, idleMs: 600_000, duty: 0.5, abortAvailable: 0.1 });
});
