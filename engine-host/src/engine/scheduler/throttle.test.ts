import { afterEach, expect, test, vi } from 'vitest';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { GenerateTask } from '../inference/generateTask.ts';
import { FakeModel } from '../native/fakeModel.ts';
import { request } from '../native/fakeRequest.ts';
import { Scheduler } from './scheduler.ts';

afterEach(() => vi.restoreAllMocks());

/** A model whose steps take 100 ms, of a clock that nobody waits for. */
class Bench {
  now = 0;
  readonly model = new FakeModel({
    duringStep: () => {
      this.now += 100;
      return Promise.resolve();
    },
  });
  readonly scheduler = new Scheduler(this.model, { draft: false, now: () => this.now, flush: () => undefined });

  submit(prompt: string, over: Partial<GenerateRequest> = {}): { task: GenerateTask; events: GenerateEvent[] } {
    const events: GenerateEvent[] = [];
    const asked = request(prompt, { maxTokens: 6, ...over });
    const task = new GenerateTask(
      this.model,
      asked,
      (event) => events.push(event),
      () => this.now,
    );
    this.scheduler.submit(task);
    return { task, events };
  }

  async idle(): Promise<void> {
    while (this.scheduler.queue().running + this.scheduler.queue().waiting > 0) await turn();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const textOf = (events: readonly GenerateEvent[]): string =>
  events.map((e) => (e.type === 'delta' ? e.text : '')).join('');

/** Every timer that is asked for fires at once; @returns how long each should have taken */
function timers(): number[] {
  const asked: number[] = [];
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, ms: number) => {
    asked.push(ms);
    setImmediate(work);
    return 0;
  }) as unknown as typeof setTimeout);
  return asked;
}

test('at full speed no timer is ever set, and a limit that was lifted leaves none', async () => {
  const asked = timers();
  const bench = new Bench();
  const before = bench.submit('one');
  await bench.idle();
  bench.scheduler.restrain({ duty: 0.5, memoryShort: false });
  bench.scheduler.restrain({ duty: 1, memoryShort: false });
  const after = bench.submit('one');
  await bench.idle();
  expect(asked).toEqual([]);
  expect(textOf(after.events)).toBe(textOf(before.events));
});

test('at half duty every step is followed by a rest as long as itself, but no longer than five seconds', async () => {
  const plain = new Bench();
  const { events } = plain.submit('one');
  await plain.idle();
  const asked = timers();
  const bench = new Bench();
  bench.scheduler.restrain({ duty: 0.5, memoryShort: false });
  const held = bench.submit('one');
  await bench.idle();
  // None behind the last: nobody is left who would wait.
  expect(asked).toEqual(Array.from({ length: bench.model.steps.length - 1 }, () => 100));
  expect(textOf(held.events)).toBe(textOf(events));
  bench.scheduler.restrain({ duty: 0.01, memoryShort: false });
  bench.submit('two', { maxTokens: 2 });
  await bench.idle();
  expect(Math.max(...asked)).toBe(5000);
});

test('a lifted limit ends the rest', async () => {
  const bench = new Bench();
  bench.scheduler.restrain({ duty: 0.001, memoryShort: false });
  const { events } = bench.submit('one');
  while (bench.model.steps.length === 0) await turn();
  await turn();
  bench.scheduler.restrain({ duty: 1, memoryShort: false });
  await bench.idle();
  expect(events.at(-1)).toMatchObject({ type: 'done', completionTokens: 6 });
});

test('paused, no step begins: requests wait, may be cancelled, and go on afterwards', async () => {
  const plain = new Bench();
  const expected = plain.submit('one');
  await plain.idle();
  const bench = new Bench();
  const first = bench.submit('one');
  while (bench.model.steps.length < 3) await turn();
  bench.scheduler.restrain({ duty: 0, memoryShort: false });
  for (let i = 0; i < 5; i++) await turn();
  const steps = bench.model.steps.length;
  const second = bench.submit('two');
  for (let i = 0; i < 20; i++) await turn();
  expect(bench.model.steps).toHaveLength(steps);
  bench.scheduler.cancel(second.task);
  expect(second.events.at(-1)).toMatchObject({ type: 'done', finish: 'cancelled' });
  expect(bench.scheduler.queue()).toMatchObject({ running: 1, waiting: 0 });
  bench.scheduler.restrain({ duty: 1, memoryShort: false });
  await bench.idle();
  expect(textOf(first.events)).toBe(textOf(expected.events));
});

test('cancelled while paused, the last request leaves an idle scheduler that can close', async () => {
  const bench = new Bench();
  bench.scheduler.restrain({ duty: 0, memoryShort: false });
  const { task, events } = bench.submit('one');
  for (let i = 0; i < 5; i++) await turn();
  bench.scheduler.cancel(task);
  await bench.scheduler.close();
  expect(events.at(-1)).toMatchObject({ type: 'done', finish: 'cancelled' });
  expect(bench.model.steps).toHaveLength(0);
});

test('short of memory, batch work is not begun while others are served, and known prefixes go', async () => {
  const bench = new Bench();
  for (const prompt of ['alpha', 'beta', 'gamma', 'delta']) bench.submit(prompt);
  await bench.idle();
  await turn();
  const held = bench.model.kvUsage().used;
  expect(held).toBeGreaterThan(0);
  bench.scheduler.restrain({ duty: 1, memoryShort: true });
  for (let i = 0; i < 5; i++) await turn();
  const less = bench.model.kvUsage().used;
  expect(less).toBeGreaterThan(0);
  expect(less).toBeLessThan(held);
  const batch = bench.submit('batch', { priority: 'batch' });
  const chat = bench.submit('chat', { priority: 'chat' });
  while (chat.events.at(-1)?.type !== 'done') await turn();
  for (let i = 0; i < 20; i++) await turn();
  expect(batch.events).toEqual([]);
  expect(bench.scheduler.queue()).toMatchObject({ running: 0, waiting: 1 });
  bench.scheduler.restrain({ duty: 1, memoryShort: false });
  await bench.idle();
  expect(batch.events.at(-1)).toMatchObject({ type: 'done', completionTokens: 6 });
});
