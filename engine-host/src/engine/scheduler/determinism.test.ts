// Whatever runs beside a request, its text is the same: random neighbours, classes, cancellations, shared beginnings, little memory.
import { expect, test } from 'vitest';
import { PRIORITIES, type GenerateEvent } from '#protocol/generation.ts';
import { GenerateTask } from '../inference/generateTask.ts';
import { FakeModel, type FakeModelOptions } from '../native/fakeModel.ts';
import { request } from '../native/fakeRequest.ts';
import { Scheduler } from './scheduler.ts';

const BEGINNINGS = ['', 'You are kind. '.repeat(4), 'You are kind. '.repeat(9), 'function add(a, b) {\n'.repeat(5)];

interface Ask {
  readonly prompt: string;
  readonly seed: number;
  readonly maxTokens: number;
}

/** Repeats itself for 40 tokens, in a way that hangs on the prompt and on everything before. */
function repetitive(history: readonly number[]): number {
  const part = Math.floor(history.length / 40);
  let hash = part;
  for (const token of history.slice(0, part * 40)) hash = (Math.imul(hash, 31) + token) >>> 0;
  return 97 + ((hash + (history.length % 5)) % 26);
}

/** The answer of a fresh model without neighbours and drafts. */
async function alone(ask: Ask, options: FakeModelOptions): Promise<string> {
  const model = new FakeModel({ ...options, blockTokens: 8 });
  const scheduler = new Scheduler(model, { now: () => 0, flush: () => undefined, draft: false });
  const text = { value: '' };
  scheduler.submit(
    taskOf(
      model,
      ask,
      'chat',
      (t) => (text.value += t),
      () => undefined,
    ),
  );
  await scheduler.close();
  return text.value;
}

function taskOf(
  model: FakeModel,
  { prompt, seed, maxTokens }: Ask,
  priority: (typeof PRIORITIES)[number],
  onText: (text: string) => void,
  onEnd: (event: GenerateEvent) => void,
): GenerateTask {
  const sampling = { ...request('').sampling, temperature: 1, seed };
  return new GenerateTask(
    model,
    request(prompt, { maxTokens, priority, sampling }),
    (event) => {
      if (event.type === 'delta') onText(event.text);
      if (event.type === 'done' || event.type === 'failed') onEnd(event);
    },
    () => 0,
  );
}

for (const seed of [1, 2, 3, 4]) {
  // The last one drafts much beside others: a step of many tokens takes hardly longer there.
  const drafts = seed === 4;
  const options = drafts ? { next: repetitive } : {};
  test(`random neighbours, pauses, reuse, cancellations and drafts change no text (seed ${seed})`, async () => {
    let state = seed;
    const random = (n: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % n;
    let now = 0;
    const parks = new Map<number, number>();
    /** Sequences that were in a step since they got their memory. */
    const inSteps = new Set<number>();
    const model = new FakeModel({
      ...options,
      // Room for about three of the requests: they drive each other out all the time.
      totalBlocks: 40,
      blockTokens: 8,
      duringStep: async (items) => {
        for (const { sequence } of items) inSteps.add(sequence);
        const perToken = drafts ? 0.01 : 0.1 + random(10) / 10;
        now += 3 + items.reduce((sum, i) => sum + i.tokens.length, 0) * perToken;
      },
    });
    const truncate = model.truncateSequence.bind(model);
    model.truncateSequence = (sequence, length) => {
      if (length === 0 && inSteps.delete(sequence)) parks.set(sequence, (parks.get(sequence) ?? 0) + 1);
      truncate(sequence, length);
    };
    const scheduler = new Scheduler(model, { slots: 4, maxWaiting: 200, now: () => now, flush: () => undefined });
    const runs: { ask: Ask; text: string; end?: GenerateEvent; cancelled: boolean; task: GenerateTask }[] = [];
    let cached = 0;
    for (let i = 0; i < 100; i++) {
      const beginning = BEGINNINGS[random(BEGINNINGS.length)]!;
      const ask = {
        prompt: `${beginning}${'abc'[random(3)]!.repeat(random(20))}?`,
        seed: random(3),
        maxTokens: 1 + random(60),
      };
      const run: (typeof runs)[number] = {
        ask,
        text: '',
        cancelled: false,
        task: taskOf(
          model,
          ask,
          PRIORITIES[random(PRIORITIES.length)]!,
          (text) => (run.text += text),
          (event) => {
            run.end = event;
            if (event.type === 'done') cached += event.cachedTokens;
          },
        ),
      };
      scheduler.submit(run.task);
      runs.push(run);
      for (let wait = random(12); wait > 0; wait--) await new Promise((resolve) => setImmediate(resolve));
      const victim = runs[runs.length - 1 - random(Math.min(8, runs.length))]!;
      if (random(6) === 0 && victim.end === undefined) {
        victim.cancelled = true;
        scheduler.cancel(victim.task);
      }
    }
    await scheduler.close();
    for (const { ask, text, end, cancelled } of runs) {
      const expected = await alone(ask, options);
      if (cancelled) expect(expected.startsWith(text)).toBe(true);
      else {
        expect(end).toMatchObject({ type: 'done' });
        expect(text).toBe(expected);
      }
    }
    // The test would prove little if nothing of this had happened.
    expect(parks.size).toBeGreaterThan(1);
    // Nobody is driven out again and again.
    expect(Math.max(...parks.values())).toBeLessThanOrEqual(3);
    if (drafts) expect(scheduler.stats().draftAccepted).toBeGreaterThan(300);
    expect(cached).toBeGreaterThan(1000);
    expect(runs.filter((r) => r.cancelled).length).toBeGreaterThan(2);
    expect(model.openSequences).toBe(0);
  });
}
