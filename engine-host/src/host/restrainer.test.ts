import { expect, test, vi } from 'vitest';
import type { HostState } from '#protocol/editor.ts';
import { NOTHING_KNOWN, type MachineState } from '../monitor/machineState.ts';
import { MachineWatch } from '../monitor/machineWatch.ts';
import { Restrainer } from './restrainer.ts';

/** A machine and an engine of which the test says everything. */
class Bench {
  state: HostState = 'ready';
  running = 0;
  now = 0;
  reading: MachineState = NOTHING_KNOWN;
  readonly told: unknown[] = [];
  readonly reasons: (string | undefined)[] = [];
  readonly machine = new MachineWatch({ read: () => Promise.resolve(this.reading) });
  readonly restrainer: Restrainer;
  #changed: () => void = () => undefined;

  constructor() {
    const queue = () => ({ running: this.running, waiting: 0, slots: 8, maxWaiting: 64 });
    const told = this.told;
    const stateNow = (): HostState => this.state;
    this.restrainer = new Restrainer({
      machine: this.machine,
      engine: {
        get state() {
          return stateNow();
        },
        get condition() {
          return { queue: queue() };
        },
        onStatus: (listener) => (this.#changed = listener),
        call: (method, params) => {
          told.push([method, params]);
          return Promise.reject(new Error('not asked for'));
        },
      },
      wish: 'auto',
      now: () => this.now,
      onChange: () => this.reasons.push(this.restrainer.restraint?.reason),
      onProblem: () => undefined,
    });
  }

  async look(reading: MachineState): Promise<void> {
    this.reading = reading;
    this.now += 30_000;
    if (this.machine.state === NOTHING_KNOWN) await this.machine.start();
    else await vi.advanceTimersByTimeAsync(30_000);
  }

  engine(state: HostState, running = 0): void {
    this.state = state;
    this.running = running;
    this.#changed();
  }
}

const NORMAL: MachineState = { ...NOTHING_KNOWN, thermal: { level: 'nominal', celsius: 60 } };
const HOT: MachineState = { ...NOTHING_KNOWN, thermal: { level: 'serious' } };
const SHORT: MachineState = { ...NORMAL, memory: { ...NORMAL.memory, pressure: 'warning' } };
const FULL = ['restrain', { duty: 1, memoryShort: false }];
const HALF = ['restrain', { duty: 0.5, memoryShort: false }];

test('an engine on a machine that is well, or says nothing, never hears of it', async () => {
  vi.useFakeTimers();
  const bench = new Bench();
  for (const reading of [NOTHING_KNOWN, NORMAL, NOTHING_KNOWN, NORMAL]) {
    await bench.look(reading);
    for (const running of [1, 3, 0]) bench.engine('ready', running);
    bench.engine('crashed');
    bench.engine('starting');
    bench.engine('ready');
  }
  expect([bench.told, bench.reasons, bench.restrainer.restraint]).toEqual([[], [], undefined]);
  bench.machine.stop();
  vi.useRealTimers();
});

test('heat is told once, to a new process again, and taken back', async () => {
  vi.useFakeTimers();
  const bench = new Bench();
  await bench.look(HOT);
  await bench.look(HOT);
  bench.engine('ready', 1);
  expect(bench.told).toEqual([HALF]);
  bench.engine('crashed');
  bench.engine('starting');
  await bench.look(HOT);
  expect(bench.told).toEqual([HALF]);
  bench.engine('loading');
  bench.engine('ready');
  expect(bench.told).toEqual([HALF, HALF]);
  await bench.look(NORMAL);
  expect(bench.told).toEqual([HALF, HALF, FULL]);
  expect(bench.reasons).toEqual(['The machine is hot; answers come at half speed.', undefined]);
  bench.machine.stop();
  vi.useRealTimers();
});

test('while memory is short every look gives some more back', async () => {
  vi.useFakeTimers();
  const bench = new Bench();
  await bench.look(SHORT);
  await bench.look(SHORT);
  const short = ['restrain', { duty: 1, memoryShort: true }];
  expect(bench.told).toEqual([short, short]);
  await bench.look(NORMAL);
  expect(bench.told).toEqual([short, short, FULL]);
  bench.machine.stop();
  vi.useRealTimers();
});
