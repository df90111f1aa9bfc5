// Keys and values belong to the adapters that they were computed with.
import { expect, test } from 'vitest';
import type { AdapterScale, GenerateEvent } from '#protocol/generation.ts';
import { GenerateTask } from '../inference/generateTask.ts';
import { FakeModel } from '../native/fakeModel.ts';
import { request } from '../native/fakeRequest.ts';
import { Scheduler } from './scheduler.ts';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const PROMPT = 'the same beginning of every prompt';

class Bench {
  readonly model = new FakeModel();
  readonly scheduler = new Scheduler(this.model, { now: () => 0, flush: () => undefined });

  async load(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.model.loadAdapter(`/${i}.gguf`);
  }

  submit(adapters: readonly AdapterScale[], prompt = PROMPT, maxTokens = 5): GenerateEvent[] {
    const events: GenerateEvent[] = [];
    const wanted = request(prompt, { maxTokens });
    this.scheduler.submit(
      new GenerateTask(
        this.model,
        wanted,
        (e) => events.push(e),
        () => 0,
        adapters,
      ),
    );
    return events;
  }

  async ask(adapters: readonly AdapterScale[], prompt = PROMPT): Promise<{ text: string; cached: number }> {
    const events = this.submit(adapters, prompt);
    await this.idle();
    return { text: textOf(events), cached: cachedOf(events) };
  }

  async idle(): Promise<void> {
    while (this.scheduler.queue().running + this.scheduler.queue().waiting > 0) await tick();
    for (let i = 0; i < 3; i++) await tick();
  }
}

const textOf = (events: readonly GenerateEvent[]): string => {
  expect(events.at(-1)?.type).toBe('done');
  return events.map((e) => (e.type === 'delta' ? e.text : '')).join('');
};
const cachedOf = (events: readonly GenerateEvent[]): number =>
  events.flatMap((e) => (e.type === 'accepted' ? [e.cachedTokens] : []))[0] ?? -1;

const ONE = [{ id: 0, scale: 1 }];
const HALF = [{ id: 0, scale: 0.5 }];
const TWO = [
  { id: 0, scale: 1 },
  { id: 1, scale: 1 },
];

test('a kept beginning serves the same adapters with the same scales only', async () => {
  const bench = new Bench();
  await bench.load(2);
  const texts = new Set<string>();
  for (const adapters of [[], ONE, HALF, TWO]) {
    const first = await bench.ask(adapters);
    expect(first.cached).toBe(0);
    const again = await bench.ask(adapters);
    expect(again.cached).toBe(PROMPT.length);
    expect(again.text).toBe(first.text);
    texts.add(first.text);
  }
  expect(texts.size).toBe(4);
});

test('a running beginning does so too', async () => {
  const bench = new Bench();
  await bench.load(1);
  const running = bench.submit(ONE, PROMPT, 50);
  while (running.length < 5) await tick();
  const other = bench.submit([]);
  const same = bench.submit(ONE);
  await bench.idle();
  expect(cachedOf(other)).toBe(0);
  expect(cachedOf(same)).toBe(PROMPT.length);
  expect(textOf(other)).not.toBe(textOf(same));
});

test('an unloaded adapter serves whom it serves, and nothing is kept for it', async () => {
  const bench = new Bench();
  await bench.load(2);
  await bench.ask(ONE);
  await bench.ask(TWO);
  await bench.ask([]);
  expect(bench.model.openSequences).toBe(3);
  const whole = (await bench.ask([{ id: 1, scale: 1 }])).text;
  const running = bench.submit([{ id: 1, scale: 1 }], PROMPT, 5);
  while (running.length < 3) await tick();
  bench.model.unloadAdapter(1);
  bench.scheduler.dropAdapter(1);
  await bench.idle();
  expect(textOf(running)).toBe(whole);
  // Without any, and with adapter 0.
  expect(bench.model.openSequences).toBe(2);
  const late = bench.submit([{ id: 1, scale: 1 }]);
  await bench.idle();
  expect(late.at(-1)).toMatchObject({ type: 'failed', error: { code: 'not_found' } });
});
