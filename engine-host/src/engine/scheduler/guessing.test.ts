// Guesses of a completion's next tokens change how many steps an answer takes, and nothing else.
import { expect, test } from 'vitest';
import type { GenerateEvent, GenerateRequest } from '#protocol/engine.ts';
import { GenerateTask } from '../inference/generateTask.ts';
import { MOST_GUESSES } from '../inference/guesses.ts';
import { FakeModel, type FakeModelOptions } from '../native/fakeModel.ts';
import { request } from '../native/fakeRequest.ts';
import { Scheduler } from './scheduler.ts';

/** Goes round in a circle of letters, whatever came before it; now and then something else. */
const circle = (history: readonly number[]): number =>
  history.length % 29 === 0 ? 33 : 97 + ((history.length * 7) % 11);

class Run {
  readonly model: FakeModel;
  readonly scheduler: Scheduler;
  readonly events: GenerateEvent[] = [];

  constructor(options: FakeModelOptions = {}) {
    this.model = new FakeModel({ next: circle, ...options });
    this.scheduler = new Scheduler(this.model, { now: () => 0, flush: () => undefined });
  }

  submit(over: Partial<GenerateRequest>, prompt = 'p'): GenerateTask {
    const asked = request(prompt, { maxTokens: 80, ...over });
    const task = new GenerateTask(
      this.model,
      asked,
      (event) => this.events.push(event),
      () => 0,
    );
    this.scheduler.submit(task);
    return task;
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise((resolve) => setImmediate(resolve));
  }

  async end(): Promise<GenerateEvent> {
    await this.until(() => this.events.some((e) => e.type === 'done' || e.type === 'failed'));
    await new Promise((resolve) => setImmediate(resolve));
    return this.events.find((e) => e.type === 'done' || e.type === 'failed') as GenerateEvent;
  }

  get text(): string {
    return this.events.map((e) => (e.type === 'delta' ? e.text : '')).join('');
  }

  get columns(): number {
    return Math.max(...this.model.steps.slice(1).map((items) => items[0]!.tokens.length));
  }
}

async function both(
  over: Partial<GenerateRequest>,
  options: FakeModelOptions = {},
): Promise<[plain: Run, guessed: Run]> {
  const runs: [Run, Run] = [new Run(options), new Run(options)];
  for (const [i, run] of runs.entries()) {
    run.submit({ ...over, priority: i === 0 ? 'chat' : 'completion' });
    await run.end();
    await run.scheduler.close();
    expect(run.model.openSequences).toBe(0);
  }
  return runs;
}

test('the text and its figures are the same, in fewer steps', async () => {
  const [plain, guessed] = await both({});
  expect(guessed.text).toBe(plain.text);
  expect(guessed.events.at(-1)).toEqual(plain.events.at(-1));
  expect(guessed.events.filter((e) => e.type === 'delta')).toEqual(plain.events.filter((e) => e.type === 'delta'));
  expect(plain.model.steps).toHaveLength(80);
  expect(guessed.model.steps.length).toBeLessThan(50);
  expect([plain.columns, guessed.columns]).toEqual([1, 1 + MOST_GUESSES]);
});

test('sampled text, too', async () => {
  const options: FakeModelOptions = {};
  const runs = await Promise.all(
    (['chat', 'completion'] as const).map(async (priority) => {
      const model = new FakeModel(options);
      const scheduler = new Scheduler(model, { now: () => 0, flush: () => undefined });
      let text = '';
      const sampling = { ...request('').sampling, temperature: 1, seed: 5 };
      scheduler.submit(
        new GenerateTask(
          model,
          request('abcabc', { maxTokens: 200, priority, sampling }),
          (event) => (text += event.type === 'delta' ? event.text : ''),
          () => 0,
        ),
      );
      await scheduler.close();
      return { text, steps: model.steps };
    }),
  );
  expect(runs[1]!.text).toBe(runs[0]!.text);
  expect(runs[1]!.steps.some((items) => items[0]!.tokens.length > 1)).toBe(true);
});

test('a stop text in the middle of right guesses ends the answer there; what is kept is what was said', async () => {
  const [plain, guessed] = await both({ stop: [plainText(40).slice(35)] });
  expect(guessed.text).toBe(plain.text);
  expect(guessed.events.at(-1)).toEqual(plain.events.at(-1));

  const run = new Run();
  run.submit({ priority: 'completion', stop: [plainText(40).slice(35)] });
  await run.end();
  const first = run.text;
  run.events.length = 0;
  run.submit({ priority: 'chat', maxTokens: 5 }, `p${first}`);
  expect(await run.end()).toMatchObject({ type: 'done', cachedTokens: first.length + 1 });
  expect(run.text).toBe(plainText(first.length + 5).slice(first.length));
});

test('limits hold: so many tokens, the end of the context, little memory', async () => {
  for (let maxTokens = 20; maxTokens < 30; maxTokens++) {
    const [plain, guessed] = await both({ maxTokens });
    expect(guessed.text).toBe(plain.text);
    expect(guessed.events.at(-1)).toMatchObject({ finish: 'length', completionTokens: maxTokens });
  }
  const [plain, guessed] = await both({}, { contextLength: 50 });
  expect(guessed.events.at(-1)).toEqual(plain.events.at(-1));
  const [tight, alike] = await both({ maxTokens: 38 }, { totalBlocks: 10 });
  expect(tight.events.at(-1)).toMatchObject({ type: 'done' });
  expect(alike.text).toBe(tight.text);
});

test('beside another answer nobody guesses; a cancelled one leaves at once, and its beginning is of use', async () => {
  const run = new Run();
  run.submit({ priority: 'completion' });
  run.submit({ priority: 'chat' }, 'q');
  await run.until(() => run.model.steps.length > 40);
  expect(run.model.steps.slice(2, 40).every((items) => items.every((i) => i.tokens.length === 1))).toBe(true);

  const other = new Run();
  const task = other.submit({ priority: 'completion', maxTokens: 400 });
  await other.until(() => (other.model.steps.at(-1)?.[0]?.tokens.length ?? 0) > 1);
  other.scheduler.cancel(task);
  expect(await other.end()).toMatchObject({ type: 'done', finish: 'cancelled' });
  const said = other.text;
  other.events.length = 0;
  other.submit({ priority: 'chat', maxTokens: 3 }, `p${said}`);
  const end = await other.end();
  expect(end).toMatchObject({ type: 'done' });
  expect(end.type === 'done' && end.cachedTokens).toBeGreaterThanOrEqual(said.length);
  expect(other.text).toBe(plainText(said.length + 3).slice(said.length));
});

/** What the model says after the prompt 'p' (one token after BOS). */
function plainText(length: number): string {
  const history = [256, 112];
  for (let i = 0; i < length; i++) history.push(circle(history));
  return String.fromCharCode(...history.slice(2));
}
