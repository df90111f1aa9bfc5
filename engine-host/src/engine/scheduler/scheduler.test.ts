import { expect, test } from 'vitest';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { GenerateTask } from '../inference/generateTask.ts';
import type { StepItem } from '../native/binding.ts';
import { FakeModel, type FakeModelOptions } from '../native/fakeModel.ts';
import { request } from '../native/fakeRequest.ts';
import { AGEING_MS } from './entry.ts';
import { FIRST_SLICE, MOST_ALONE_MS, MOST_GAP_MS } from './pace.ts';
import { Scheduler } from './scheduler.ts';

interface Run {
  readonly events: GenerateEvent[];
  readonly task: GenerateTask;
  /** Steps that had run when it ended. */
  endedAtStep: number;
}

class Bench {
  readonly model: FakeModel;
  readonly scheduler: Scheduler;
  now = 0;
  /** What each flush was told. */
  readonly flushes: (number | undefined)[] = [];

  constructor(model: FakeModelOptions = {}, limits: { slots?: number; maxWaiting?: number } = {}) {
    this.model = new FakeModel(model);
    this.scheduler = new Scheduler(this.model, {
      draft: false,
      ...limits,
      now: () => this.now,
      flush: (nextMs) => this.flushes.push(nextMs),
    });
  }

  submit(prompt: string, over: Partial<GenerateRequest> = {}): Run {
    const events: GenerateEvent[] = [];
    const emit = (event: GenerateEvent): void => {
      events.push(event);
      if (event.type === 'done' || event.type === 'failed') run.endedAtStep = this.model.steps.length;
    };
    const task = new GenerateTask(this.model, request(prompt, { maxTokens: 5, ...over }), emit, () => this.now);
    const run: Run = { events, task, endedAtStep: -1 };
    this.scheduler.submit(task);
    return run;
  }

  async idle(): Promise<void> {
    while (this.scheduler.queue().running + this.scheduler.queue().waiting > 0) await tick();
    // One more turn hands the last sequence to the kept ones.
    await tick();
  }

  async steps(count: number): Promise<void> {
    const until = this.model.steps.length + count;
    while (this.model.steps.length < until) await tick();
  }
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const textOf = (run: Run): string => run.events.map((e) => (e.type === 'delta' ? e.text : '')).join('');
const endOf = (run: Run): GenerateEvent | undefined => run.events.at(-1);
const cachedOf = (run: Run): number | undefined =>
  run.events.flatMap((e) => (e.type === 'accepted' ? [e.cachedTokens] : []))[0];

async function alone(prompt: string, over: Partial<GenerateRequest> = {}): Promise<string> {
  const bench = new Bench();
  const run = bench.submit(prompt, over);
  await bench.idle();
  return textOf(run);
}

test('running sequences share every step, and a text does not depend on its neighbours', async () => {
  const bench = new Bench();
  const runs = ['one', 'two', 'three'].map((p) => bench.submit(p, { maxTokens: 8 }));
  await bench.idle();
  expect(bench.model.steps).toHaveLength(8);
  expect(bench.model.steps.every((s) => s.length === 3)).toBe(true);
  for (const [i, prompt] of ['one', 'two', 'three'].entries())
    expect(textOf(runs[i]!)).toBe(await alone(prompt, { maxTokens: 8 }));
});

test('nothing runs when there is nothing to do', async () => {
  const bench = new Bench();
  bench.submit('a');
  await bench.idle();
  const steps = bench.model.steps.length;
  for (let i = 0; i < 20; i++) await tick();
  expect(bench.model.steps).toHaveLength(steps);
});

/** A model whose steps take 8 ms and half a millisecond for every token. */
function timed(options: FakeModelOptions = {}): Bench {
  const parts: { bench?: Bench } = {};
  const bench = new Bench({
    ...options,
    duringStep: async (items) => {
      if (parts.bench !== undefined) parts.bench.now += msOf(items.map((i) => i.tokens.length));
    },
  });
  parts.bench = bench;
  return bench;
}
const msOf = (counts: readonly number[]): number => 8 + 0.5 * counts.reduce((sum, n) => sum + n, 0);

test('prompts are evaluated in slices that fit into the time which a running answer may wait', async () => {
  const bench = timed();
  const long = 'x'.repeat(600);
  const first = bench.submit(long, { maxTokens: 40 });
  await bench.steps(8);
  const second = bench.submit(`y${long}`, { maxTokens: 1 });
  await bench.idle();
  const sizes = bench.model.steps.map((s) => s.map((i) => i.tokens.length));
  expect(sizes[0]).toEqual([FIRST_SLICE]);
  const single = sizes.filter((s) => s.length === 1).map(msOf);
  expect(Math.max(...single)).toBeLessThanOrEqual(MOST_ALONE_MS);
  const beside = sizes.filter((s) => s.length === 2);
  expect(Math.max(...beside.map(msOf))).toBeLessThanOrEqual(MOST_GAP_MS);
  // And they use that time: 601 tokens in few steps.
  expect(beside.length).toBeLessThan(15);
  expect(textOf(first)).toBe(await alone(long, { maxTokens: 40 }));
  expect(endOf(second)).toMatchObject({ type: 'done', promptTokens: 602 });
});

test('a long prompt goes on although short ones keep coming', async () => {
  const bench = timed({ totalBlocks: 8192 });
  const long = bench.submit('x'.repeat(600), { maxTokens: 1 });
  for (let i = 0; i < 400 && endOf(long)?.type !== 'done'; i++) {
    bench.submit(`${String(i).padStart(4, '0')}${'y'.repeat(40)}`, { maxTokens: 1 });
    await bench.steps(1);
  }
  expect(endOf(long)).toMatchObject({ type: 'done' });
  await bench.idle();
});

test('a short prompt is not held up by a long one of its class', async () => {
  const bench = new Bench();
  const long = bench.submit('x'.repeat(4000), { maxTokens: 1 });
  await bench.steps(1);
  const short = bench.submit('y', { maxTokens: 1 });
  await bench.idle();
  expect(short.endedAtStep).toBeLessThanOrEqual(3);
  expect(long.endedAtStep).toBeGreaterThan(5);
});

test('the queue is full: one more is refused at once, with the numbers', async () => {
  const bench = new Bench({}, { slots: 1, maxWaiting: 2 });
  for (const prompt of ['a', 'b', 'c']) bench.submit(prompt, { priority: 'api' });
  expect(() => bench.submit('d', { priority: 'api' })).toThrow(
    expect.objectContaining({ code: 'busy', details: { slots: 1, waiting: 3, retryAfterSeconds: 1 } }),
  );
  // Somebody at a screen still gets in; places for them are limited too.
  bench.submit('e', { priority: 'chat' });
  expect(() => bench.submit('f', { priority: 'chat' })).toThrow(expect.objectContaining({ code: 'busy' }));
  await bench.idle();
  expect(endOf(bench.submit('d', { priority: 'api' }))).toBeUndefined();
  await bench.idle();
});

test('whoever is refused learns after how many seconds a slot will be free', async () => {
  const bench = new Bench({ duringStep: async () => void (bench.now += 1000) }, { slots: 2, maxWaiting: 0 });
  bench.submit('a', { maxTokens: 9, priority: 'api' });
  await bench.idle();
  for (const prompt of ['b', 'c']) bench.submit(prompt, { priority: 'api' });
  expect(() => bench.submit('d', { priority: 'api' })).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ retryAfterSeconds: 5 }) as unknown }),
  );
  await bench.idle();
});

test('waiting requests are served by class', async () => {
  const bench = new Bench({}, { slots: 1 });
  bench.submit('x', { priority: 'completion' });
  const order = (['learning', 'batch', 'api', 'chat', 'completion'] as const).map((priority) =>
    bench.submit(priority, { priority }),
  );
  await bench.idle();
  const ends = order.map((r) => r.endedAtStep);
  expect(ends).toEqual([...ends].sort((a, b) => b - a));
});

test('a request that has waited long goes before newer ones of a better class', async () => {
  const bench = new Bench({}, { slots: 1 });
  bench.submit('x', { priority: 'completion' });
  const old = bench.submit('old', { priority: 'learning' });
  await bench.steps(1);
  bench.now += 4 * AGEING_MS;
  const fresh = bench.submit('new', { priority: 'api' });
  await bench.idle();
  expect(old.endedAtStep).toBeLessThan(fresh.endedAtStep);
});

test('an urgent request takes the slot of a less urgent one, which later goes on to the same text', async () => {
  const bench = new Bench({}, { slots: 1 });
  const batch = bench.submit('batch', { priority: 'batch', maxTokens: 30 });
  await bench.steps(5);
  const urgent = bench.submit('urgent', { priority: 'completion', maxTokens: 3 });
  await bench.idle();
  expect(urgent.endedAtStep).toBeLessThan(12);
  expect(textOf(batch)).toBe(await alone('batch', { maxTokens: 30 }));
  expect(batch.events.filter((e) => e.type === 'accepted')).toHaveLength(1);
  // Its KV stayed: nothing was evaluated twice, and the urgent one shares its BOS.
  expect(bench.model.steps.flat().reduce((n, i) => n + i.tokens.length, 0)).toBe(6 + 29 + 6 + 2);
});

test('a cancelled request ends at once, and the next step is without it', async () => {
  const seen: (GenerateEvent | undefined)[] = [];
  const parts: { bench?: Bench; victim?: Run } = {};
  const bench = new Bench({
    duringStep: async () => {
      const { bench, victim } = parts;
      if (bench?.model.steps.length !== 3 || victim === undefined) return;
      bench.scheduler.cancel(victim.task);
      seen.push(endOf(victim));
      expect(bench.scheduler.queue().running).toBe(1);
    },
  });
  const victim = bench.submit('victim', { maxTokens: 50 });
  Object.assign(parts, { bench, victim });
  const other = bench.submit('other', { maxTokens: 10 });
  await bench.idle();
  expect(seen).toMatchObject([{ type: 'done', finish: 'cancelled' }]);
  expect(victim.events.filter((e) => e.type === 'done')).toHaveLength(1);
  const [sequence] = bench.model.cancelledSequences;
  expect(bench.model.steps[2]!.map((i) => i.sequence)).toContain(sequence);
  for (const step of bench.model.steps.slice(3)) expect(step.map((i) => i.sequence)).not.toContain(sequence);
  expect(textOf(other)).toBe(await alone('other', { maxTokens: 10 }));
});

test('a waiting request can be cancelled; a finished one is ignored', async () => {
  const bench = new Bench({}, { slots: 1 });
  const first = bench.submit('a');
  const waiting = bench.submit('b');
  bench.scheduler.cancel(waiting.task);
  expect(endOf(waiting)).toMatchObject({ type: 'done', finish: 'cancelled' });
  await bench.idle();
  bench.scheduler.cancel(first.task);
  expect(first.events.filter((e) => e.type === 'done')).toHaveLength(1);
});

test('the next turn of a conversation evaluates only what is new', async () => {
  const bench = new Bench();
  const first = bench.submit('Hello there.', { maxTokens: 6 });
  await bench.idle();
  const turn = `Hello there.${textOf(first)} And now?`;
  const second = bench.submit(turn, { maxTokens: 6 });
  await bench.idle();
  // BOS, 12 characters, and the answer but for its last token, which was never evaluated.
  expect(cachedOf(second)).toBe(1 + 12 + 5);
  expect(textOf(second)).toBe(await alone(turn, { maxTokens: 6 }));
});

test('the same prompt again recomputes only its last token; both stay reusable', async () => {
  const bench = new Bench();
  const first = bench.submit('Same prompt', { maxTokens: 6 });
  await bench.idle();
  const second = bench.submit('Same prompt', { maxTokens: 6 });
  await bench.idle();
  expect(cachedOf(second)).toBe(11);
  expect(textOf(second)).toBe(textOf(first));
  expect(bench.model.openSequences).toBe(1);
});

test('a prefix is taken from a running sequence too', async () => {
  const bench = new Bench();
  bench.submit('A long shared beginning, one', { maxTokens: 30 });
  await bench.steps(3);
  const second = bench.submit('A long shared beginning, two', { maxTokens: 5 });
  await bench.idle();
  expect(cachedOf(second)).toBe(1 + 'A long shared beginning, '.length);
  expect(textOf(second)).toBe(await alone('A long shared beginning, two'));
});

test('a cancelled request leaves its prefix for the next one', async () => {
  const bench = new Bench();
  const first = bench.submit('function add(a, b', { maxTokens: 50 });
  await bench.steps(4);
  bench.scheduler.cancel(first.task);
  await bench.idle();
  const second = bench.submit('function add(a, b)', { maxTokens: 5 });
  await bench.idle();
  expect(cachedOf(second)).toBe(18);
  expect(textOf(second)).toBe(await alone('function add(a, b)'));
});

test('the sampler sees the whole prompt, reused or not', async () => {
  const bench = new Bench();
  bench.submit('abc');
  await bench.idle();
  bench.submit('abc');
  await bench.idle();
  expect(bench.model.samplerHistories[1]).toEqual(bench.model.samplerHistories[0]);
});

test('known prefixes give way when blocks run out, the oldest first', async () => {
  const bench = new Bench({ totalBlocks: 20, blockTokens: 4 });
  for (const prompt of ['a', 'b', 'c', 'd']) {
    bench.submit(prompt.repeat(16), { maxTokens: 4 });
    await bench.idle();
  }
  const again = bench.submit(`${'d'.repeat(16)}!`, { maxTokens: 1 });
  const gone = bench.submit('a'.repeat(16), { maxTokens: 1 });
  await bench.idle();
  expect(cachedOf(again)).toBe(17);
  expect(cachedOf(gone)).toBeLessThan(17);
  expect(endOf(gone)).toMatchObject({ type: 'done' });
});

test('running sequences that outgrow the memory take turns, to the same text', async () => {
  const bench = new Bench({ totalBlocks: 12, blockTokens: 4 });
  const prompts = ['first', 'second', 'third'];
  const runs = prompts.map((p) => bench.submit(p, { maxTokens: 30 }));
  await bench.idle();
  for (const [i, prompt] of prompts.entries()) {
    expect(endOf(runs[i]!)).toMatchObject({ type: 'done', finish: 'length' });
    expect(textOf(runs[i]!)).toBe(await alone(prompt, { maxTokens: 30 }));
  }
  expect(runs[0]!.endedAtStep).toBeLessThan(runs[2]!.endedAtStep);
});

test('a request that can never fit is refused at once, with the numbers', async () => {
  const bench = new Bench({ totalBlocks: 8, blockTokens: 4 });
  expect(() => bench.submit('x'.repeat(40))).toThrow(
    expect.objectContaining({ code: 'out_of_memory', details: { tokens: 41, capacity: 32 } }),
  );
  const small = bench.submit('y');
  await bench.idle();
  expect(textOf(small)).toBe(await alone('y'));
});

test('an answer that outgrows the memory even alone fails with out_of_memory, and the others go on', async () => {
  const bench = new Bench({ totalBlocks: 8, blockTokens: 4 });
  const big = bench.submit('x'.repeat(28), { maxTokens: 50 });
  const small = bench.submit('y');
  await bench.idle();
  expect(endOf(big)).toMatchObject({ type: 'failed', error: { code: 'out_of_memory' } });
  expect(textOf(small)).toBe(await alone('y'));
});

test('requests that begin alike compute that beginning once, even while it is being computed', async () => {
  const bench = timed();
  const shared = 'You are a careful assistant. '.repeat(20);
  const runs = ['one', 'two', 'three', 'four'].map((end) => bench.submit(shared + end, { maxTokens: 8 }));
  await bench.idle();
  const evaluated = bench.model.steps.flat().reduce((sum, item) => sum + item.tokens.length, 0);
  // The beginning once, then of each its own end (at most 5 tokens) and 7 sampled tokens.
  expect(evaluated).toBeLessThan(1 + shared.length + 4 * (5 + 7));
  for (const [i, end] of ['one', 'two', 'three', 'four'].entries())
    expect(textOf(runs[i]!)).toBe(await alone(shared + end, { maxTokens: 8 }));
  expect(runs.slice(1).map((run) => cachedOf(run))).toEqual([1, 1, 1].map((n) => shared.length + n));
});

test('whoever waits for the beginning of another request goes on when that is cancelled, from where it was', async () => {
  const bench = timed();
  const shared = 'z'.repeat(1000);
  const first = bench.submit(`${shared}1`);
  const second = bench.submit(`${shared}2`);
  await bench.steps(3);
  expect(second.events).toEqual([]);
  bench.scheduler.cancel(first.task);
  await bench.idle();
  expect(cachedOf(second)).toBeGreaterThan(2 * FIRST_SLICE);
  expect(textOf(second)).toBe(await alone(`${shared}2`));
});

test('a beginning that somebody urgent waits for is computed with his urgency', async () => {
  const bench = timed();
  const shared = 's'.repeat(1200);
  const batch = bench.submit(`${shared}1`, { priority: 'batch', maxTokens: 1 });
  const chat = bench.submit(`c${shared}`, { priority: 'chat', maxTokens: 1 });
  await bench.steps(2);
  const urgent = bench.submit(`${shared}2`, { priority: 'completion', maxTokens: 1 });
  await bench.idle();
  expect(urgent.endedAtStep).toBeLessThan(chat.endedAtStep);
  expect(batch.endedAtStep).toBeLessThan(chat.endedAtStep);
});

test('a step that fails takes its requests with it and nothing else', async () => {
  let broken = true;
  const bench = new Bench({
    duringStep: async () => {
      if (broken) throw Object.assign(new Error('the disk is gone'), { code: 'io' });
    },
  });
  const first = bench.submit('a');
  await bench.idle();
  expect(endOf(first)).toEqual({ type: 'failed', error: { code: 'io', message: 'the disk is gone' } });
  broken = false;
  const second = bench.submit('a');
  await bench.idle();
  expect(endOf(second)).toMatchObject({ type: 'done' });
});

test('a sampler that the engine refuses fails its request only', async () => {
  const bench = new Bench();
  const setSampler = bench.model.setSampler.bind(bench.model);
  bench.model.setSampler = (sequence, params, history) => {
    if (params.topK === 7) throw Object.assign(new Error('no'), { code: 'invalid_request' });
    setSampler(sequence, params, history);
  };
  const bad = bench.submit('a', { sampling: { ...request('').sampling, topK: 7 } });
  const good = bench.submit('b');
  await bench.idle();
  expect(endOf(bad)).toMatchObject({ type: 'failed', error: { code: 'invalid_request' } });
  expect(endOf(good)).toMatchObject({ type: 'done' });
});

test('exclusive work has the model to itself, between the steps of a running answer', async () => {
  const bench = new Bench();
  const run = bench.submit('a', { maxTokens: 10 });
  await bench.steps(2);
  const during = await bench.scheduler.exclusive(4, async (model) => {
    const sequence = model.createSequence();
    const items: StepItem[] = [{ sequence, tokens: Int32Array.of(1), want: {} }];
    await model.step(items);
    model.freeSequence(sequence);
    return bench.model.steps.length;
  });
  await bench.idle();
  expect(during).toBeGreaterThan(2);
  expect(textOf(run)).toBe(await alone('a', { maxTokens: 10 }));
  await expect(bench.scheduler.exclusive(4, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
});

test('closing finishes what there is, refuses the rest and leaves no sequence behind', async () => {
  const bench = new Bench({}, { slots: 1 });
  const runs = [bench.submit('a'), bench.submit('b')];
  const closed = bench.scheduler.close();
  expect(() => bench.submit('c')).toThrow(expect.objectContaining({ code: 'busy' }));
  await closed;
  for (const run of runs) expect(endOf(run)).toMatchObject({ type: 'done' });
  expect(bench.model.openSequences).toBe(0);
});

test('the counters add up', async () => {
  const bench = new Bench();
  bench.submit('abc', { maxTokens: 4 });
  bench.submit('de', { maxTokens: 2 });
  await bench.idle();
  expect(bench.scheduler.stats()).toMatchObject({
    promptTokens: 7,
    completionTokens: 6,
    steps: 4,
    stepSequences: 6,
    queue: { running: 0, waiting: 0, slots: 8, maxWaiting: 64 },
    kvBlocksTotal: 1024,
  });
});

test('a flush follows every step, and comes before the next one is done', async () => {
  const bench = new Bench();
  bench.submit('a', { maxTokens: 6 });
  await bench.idle();
  expect(bench.flushes.length).toBeGreaterThanOrEqual(bench.model.steps.length + 1);
});

test('a flush is told how long a step of answers alone takes, and nothing beside a prompt', async () => {
  const bench = new Bench({
    duringStep: () => {
      bench.now += 7;
      return Promise.resolve();
    },
  });
  bench.submit('a', { maxTokens: 6 });
  await bench.idle();
  // The prompt, the first plain step, which nobody has measured, then four of them.
  expect(bench.flushes.slice(0, 6)).toEqual([undefined, undefined, 7, 7, 7, 7]);
  const before = bench.flushes.length;
  bench.submit('bc', { maxTokens: 2 });
  await bench.idle();
  expect(bench.flushes.slice(before, before + 2)).toEqual([undefined, 7]);
});
