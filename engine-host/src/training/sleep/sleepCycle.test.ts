import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FRESH_GATE, type GateDecision } from '../../monitor/policy.ts';
import { RunFolder, runId, type SleepRun } from './sleepRun.ts';
import { SleepCycle, type SleepGate, type SleepTransition, type SleepWork, type StepHooks } from './sleepCycle.ts';

const RUN: SleepRun = (() => {
  const parts = { model: '0123456789abcdef', events: [3, 1, 2], recipe: { seed: 1 }, attempt: 0 };
  return { id: runId(parts), modelPath: '/m.gguf', budgetMs: 1000, startedAt: 5, ...parts };
})();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-sleep-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

class FakeGate implements SleepGate {
  decision: GateDecision = { verdict: 'run', reason: 'Nothing hinders.', duty: 1, memory: FRESH_GATE };
  hinders: string[] = [];
  watched: boolean | undefined;
  readonly #listeners = new Set<(decision: GateDecision) => void>();
  onDecision(listener: (decision: GateDecision) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  watch(watching: boolean): void {
    this.watched = watching;
  }
  whyNotStart(): string[] {
    return this.hinders;
  }
  say(verdict: GateDecision['verdict'], duty = verdict === 'run' ? 1 : 0): void {
    this.decision = { verdict, reason: `The machine says ${verdict}.`, duty, memory: FRESH_GATE };
    for (const listener of this.#listeners) listener(this.decision);
  }
}

type Step = 'dream' | 'train' | 'evaluate';

/** Work whose steps end at once, except one that waits to be ended. */
class FakeWork implements SleepWork {
  readonly calls: string[] = [];
  hang: Step | undefined;
  broken: Step | undefined;
  hooks: StepHooks | undefined;
  promoted = true;
  plan(): Promise<SleepRun> {
    this.calls.push('plan');
    return Promise.resolve(RUN);
  }
  dream(_run: SleepRun, hooks: StepHooks): Promise<number> {
    return this.#step('dream', hooks, 4);
  }
  async train(_run: SleepRun, hooks: StepHooks): Promise<void> {
    await this.#step('train', hooks, 0);
  }
  evaluate(_run: SleepRun, hooks: StepHooks): Promise<{ promoted: boolean; words: string }> {
    return this.#step('evaluate', hooks, { promoted: this.promoted, words: 'Measured.' });
  }
  settle(_run: SleepRun, learnt: boolean): Promise<void> {
    this.calls.push(`settle ${learnt}`);
    return Promise.resolve();
  }
  async #step<T>(step: Step, hooks: StepHooks, value: T): Promise<T> {
    this.calls.push(step);
    this.hooks = hooks;
    if (this.broken === step) throw new Error(`no ${step} today`);
    if (this.hang === step)
      await new Promise((_resolve, reject) => {
        hooks.signal.addEventListener('abort', () => {
          this.calls.push(`${step} saved`);
          reject(hooks.signal.reason as Error);
        });
      });
    await hooks.valve.pass(0, hooks.signal);
    return value;
  }
}

interface Bed {
  readonly cycle: SleepCycle;
  readonly gate: FakeGate;
  readonly work: FakeWork;
  readonly log: SleepTransition[];
  readonly problems: unknown[];
  set(change: { due?: boolean; locked?: boolean; now?: number; forbidden?: string | undefined }): void;
  until(phase: string): Promise<void>;
}

function bed(hang?: Step): Bed {
  const gate = new FakeGate();
  const work = new FakeWork();
  work.hang = hang;
  const log: SleepTransition[] = [];
  const problems: unknown[] = [];
  const outside = { due: true, locked: false, now: 1e9, forbidden: undefined as string | undefined };
  const cycle = new SleepCycle({
    gate,
    work,
    runs: new RunFolder(folder),
    lock: () => {
      if (outside.locked) return undefined;
      outside.locked = true;
      return () => (outside.locked = false);
    },
    forbidden: () => outside.forbidden,
    due: () => ({ is: outside.due, words: outside.due ? 'Enough is waiting.' : 'Nothing to learn yet.' }),
    needBytes: () => 1,
    log: (transition) => Promise.resolve(log.push(transition)),
    onChange: () => undefined,
    onProblem: (error) => problems.push(error),
    now: () => outside.now,
  });
  return {
    cycle,
    gate,
    work,
    log,
    problems,
    set: (change) => Object.assign(outside, change),
    until: async (phase) => {
      for (let i = 0; i < 500 && cycle.status().phase !== phase; i += 1)
        await new Promise((done) => setTimeout(done, 2));
      expect(cycle.status().phase).toBe(phase);
    },
  };
}

const called = async (b: Bed, step: string): Promise<void> => {
  for (let i = 0; i < 500 && !b.work.calls.includes(step); i += 1) await new Promise((done) => setTimeout(done, 2));
  expect(b.work.calls).toContain(step);
};

test('a night: every step once, every transition in the log, nothing left behind', async () => {
  const b = bed();
  await b.cycle.start();
  b.set({ due: false });
  await b.until('awake');
  await b.cycle.close();
  expect(b.work.calls).toEqual(['plan', 'dream', 'train', 'evaluate', 'settle true']);
  // The next look speaks of the next sleep; how this one ended stays to be read.
  b.cycle.look();
  expect(b.cycle.status().last).toMatchObject({ promoted: true, words: 'Measured.' });
  expect(b.log.map(({ from, to }) => `${from} ${to}`)).toEqual([
    'awake drowsy',
    'drowsy dreaming',
    'dreaming training',
    'training evaluating',
    'evaluating awake',
  ]);
  expect(b.log.at(-1)).toMatchObject({ reason: 'Measured.', run: RUN.id });
  expect(await readdir(new RunFolder(folder).folder)).toEqual([]);
  expect(b.gate.watched).toBe(false);
  expect(b.cycle.needed).toBe(false);
  expect(b.problems).toEqual([]);
});

test.each(['dream', 'train', 'evaluate'] as const)(
  'killed in the middle of "%s", the next start goes on there',
  async (step) => {
    const first = bed(step);
    await first.cycle.start();
    await called(first, step);
    // No close: the process is gone. What it left of other nights goes, too.
    await writeFile(path.join(folder, 'sleep', 'orphan'), 'x');

    const second = bed();
    second.set({ due: false });
    await second.cycle.start();
    expect(second.cycle.needed).toBe(true);
    await called(second, 'settle true');
    const steps = ['dream', 'train', 'evaluate'];
    expect(second.work.calls).toEqual([...steps.slice(steps.indexOf(step)), 'settle true']);
    expect(second.log.find(({ to }) => to !== 'drowsy')?.run).toBe(RUN.id);
    await second.cycle.close();
    expect(await readdir(new RunFolder(folder).folder)).toEqual([]);
  },
);

test('what the user forbids does not begin by itself, and an interrupted night does not go on; asked for, it does', async () => {
  const first = bed('train');
  await first.cycle.start();
  await called(first, 'train');
  first.work.hooks!.onProgress({ done: 0.5, loss: 2, step: 1, steps: 2 });
  expect(first.cycle.curve).toEqual({ steps: 2, points: [[1, 2]] });

  const second = bed();
  second.set({ forbidden: 'Paused.' });
  await second.cycle.start();
  second.cycle.look();
  expect(second.cycle.status()).toMatchObject({ phase: 'awake', reason: 'Paused.' });
  expect(second.work.calls).toEqual([]);
  second.cycle.sleepNow();
  await called(second, 'settle true');
  expect(second.work.calls.slice(0, 2)).toEqual(['train', 'evaluate']);
  second.set({ forbidden: undefined, due: false });
  await second.cycle.close();
});

test('a torn, changed or foreign record counts as none', async () => {
  const runs = new RunFolder(folder);
  await runs.write(RUN, 'training');
  expect(await runs.read()).toMatchObject({ run: RUN, at: 'training' });
  const file = path.join(runs.folder, 'run.json');
  const text = await readFile(file, 'utf8');
  const bad = [
    text.slice(0, 40),
    text.replace('"events":[3', '"events":[4'),
    text.replace('training', 'x'),
    '[]',
    'null',
  ];
  for (const content of bad) {
    await writeFile(file, content);
    expect(await runs.read()).toBeUndefined();
  }
});

test('the name of a run follows from what it is made of, in any order of events', () => {
  expect(runId({ ...RUN, events: [1, 2, 3] })).toBe(RUN.id);
  const others: Partial<SleepRun>[] = [
    { events: [1, 2] },
    { model: 'fedcba9876543210' },
    { parent: 'a' },
    { recipe: { seed: 2 } },
    { attempt: 1 },
  ];
  const ids = others.map((change) => runId({ ...RUN, ...change }));
  expect(new Set([RUN.id, ...ids]).size).toBe(6);
});

test('the machine holds the work and lets it go on; both at once, with the reason', async () => {
  const b = bed('train');
  await b.cycle.start();
  await called(b, 'train');
  const valve = b.work.hooks?.valve;
  b.gate.say('pause');
  expect(valve?.held).toBe(true);
  expect(b.cycle.status()).toMatchObject({ held: true, reason: 'The machine says pause.' });
  b.gate.say('throttle', 0.5);
  expect(valve).toMatchObject({ held: false, duty: 0.5 });
  b.gate.say('abort');
  await b.until('awake');
  expect(b.work.calls).toContain('train saved');
  expect(b.cycle.status().reason).toBe('The machine says abort. What was done is kept.');
  await b.cycle.close();
  expect((await new RunFolder(folder).read())?.at).toBe('training');
});

test('a step that begins while the machine says no is held from its beginning', async () => {
  const b = bed('dream');
  await b.cycle.start();
  await called(b, 'dream');
  b.gate.say('pause');
  await b.cycle.close();
  const again = bed();
  again.gate.decision = { ...again.gate.decision, verdict: 'pause', reason: 'Unplugged.' };
  await again.cycle.start();
  await called(again, 'dream');
  await new Promise((done) => setTimeout(done, 20));
  expect(again.work.calls).toEqual(['dream']);
  again.gate.say('run');
  await called(again, 'settle true');
  await again.cycle.close();
});

test('asked for while nothing is due; woken in the middle; the lock is free afterwards', async () => {
  const b = bed('train');
  b.set({ due: false });
  await b.cycle.start();
  expect(b.cycle.status()).toMatchObject({ phase: 'awake', reason: 'Nothing to learn yet.' });
  b.cycle.sleepNow(1000);
  await called(b, 'train');
  b.cycle.wake();
  await b.until('awake');
  expect(b.cycle.status().reason).toBe('You woke it. What was done is kept.');
  await b.cycle.close();
  expect((await new RunFolder(folder).read())?.at).toBe('training');
});

test('one sleeper on a machine', async () => {
  const b = bed();
  b.set({ locked: true });
  await b.cycle.start();
  expect(b.cycle.status()).toMatchObject({ phase: 'drowsy', reason: 'Another Zell on this machine is asleep.' });
  expect(b.work.calls).toEqual([]);
  b.set({ locked: false });
  b.cycle.look();
  await called(b, 'settle true');
  await b.cycle.close();
});

test('a step that fails is tried again an hour later, three times in all', async () => {
  const b = bed();
  b.work.broken = 'train';
  await b.cycle.start();
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await b.until('awake');
    expect(b.cycle.status().reason).toMatch(/no train today/);
    expect(b.work.calls.filter((call) => call === 'train')).toHaveLength(attempt);
    if (attempt === 3) break;
    b.cycle.look();
    expect(b.cycle.status().phase).toBe('awake');
    b.set({ now: 1e9 + attempt * 3_600_000 });
    b.cycle.look();
  }
  expect(b.work.calls.at(-1)).toBe('settle false');
  await b.cycle.close();
  expect(await new RunFolder(folder).read()).toBeUndefined();
});

test.each(['dream', 'train', 'evaluate'] as const)(
  'a forgotten text ends "%s", and nothing of the night stays',
  async (step) => {
    const b = bed(step);
    await b.cycle.start();
    await called(b, step);
    b.set({ due: false });
    await b.cycle.drop();
    expect(b.cycle.status()).toMatchObject({
      phase: 'awake',
      reason: 'Something was forgotten; this night is dropped.',
    });
    expect(b.work.calls.at(-1)).toBe('settle false');
    expect(await readdir(new RunFolder(folder).folder)).toEqual([]);
    // It does not wait for an hour: the next night is another one.
    b.set({ due: true });
    b.work.hang = undefined;
    b.cycle.look();
    await called(b, 'settle true');
    await b.cycle.close();
  },
);

test('a night that waits to go on is dropped, too', async () => {
  const first = bed('train');
  await first.cycle.start();
  await called(first, 'train');
  const second = bed();
  second.gate.hinders = ['In use.'];
  await second.cycle.start();
  await second.cycle.drop();
  second.set({ due: false });
  second.cycle.look();
  expect(second.cycle.status().phase).toBe('awake');
  expect(await new RunFolder(folder).read()).toBeUndefined();
  await second.cycle.close();
});
