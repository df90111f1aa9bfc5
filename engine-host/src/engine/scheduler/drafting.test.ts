// Drafts change how many steps an answer takes, and nothing else; they are checked only where that pays.
import { expect, test } from 'vitest';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { GenerateTask } from '../inference/generateTask.ts';
import { FakeModel, type FakeModelOptions } from '../native/fakeModel.ts';
import { request } from '../native/fakeRequest.ts';
import { Scheduler } from './scheduler.ts';

/** Goes round in a circle of letters, whatever came before it; now and then something else. */
const circle = (history: readonly number[]): number =>
  history.length % 29 === 0 ? 33 : 97 + ((history.length * 7) % 11);

/** What a step of so many columns takes. */
type Cost = (columns: number, sequences: number) => number;

class Run {
  readonly model: FakeModel;
  readonly scheduler: Scheduler;
  readonly events: GenerateEvent[] = [];
  #clock = 0;

  constructor(options: FakeModelOptions = {}, cost: Cost = () => 1, draft = true) {
    this.model = new FakeModel({
      next: circle,
      ...options,
      duringStep: async (items) => {
        this.#clock += cost(
          items.reduce((sum, { tokens, propose = 0 }) => sum + tokens.length + propose, 0),
          items.length,
        );
        await options.duringStep?.(items);
      },
    });
    this.scheduler = new Scheduler(this.model, { now: () => this.#clock, flush: () => undefined, draft });
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

  /** What came, without how it came. */
  get said(): readonly unknown[] {
    return this.events.map((event) => {
      if (event.type !== 'done') return event;
      const { draftTokens: _tokens, draftAccepted: _accepted, ...rest } = event;
      return rest;
    });
  }

  /** Columns of the steps after the prompt. */
  get columns(): readonly number[] {
    return this.model.steps.slice(1).map((items) => items[0]?.tokens.length ?? 0);
  }
}

async function both(
  over: Partial<GenerateRequest>,
  options: FakeModelOptions = {},
  prompt?: string,
): Promise<[plain: Run, drafted: Run]> {
  const runs: [Run, Run] = [new Run(options), new Run(options)];
  for (const [i, run] of runs.entries()) {
    run.submit({ ...over, ...(i === 0 ? { draftTokens: 0 } : {}) }, prompt);
    await run.end();
    await run.scheduler.close();
    expect(run.model.openSequences).toBe(0);
  }
  return runs;
}

test('the text and its figures are the same, in fewer steps', async () => {
  const [plain, drafted] = await both({});
  expect(drafted.said).toEqual(plain.said);
  expect(plain.model.steps).toHaveLength(80);
  expect(drafted.model.steps.length).toBeLessThan(45);
  const end = await drafted.end();
  const { draftTokens, draftAccepted } = drafted.scheduler.stats();
  expect(end).toMatchObject({ draftTokens, draftAccepted });
  // Each step gives a token and those that were right; the prompt's own and the last one's may fall behind the end.
  expect(draftAccepted).toBeGreaterThanOrEqual(80 - drafted.model.steps.length);
  expect(draftTokens).toBe(drafted.columns.reduce((sum, columns) => sum + columns - 1, 0));
  expect(await plain.end()).not.toHaveProperty('draftTokens');
});

test('sampled text, log-probabilities and penalties, too', async () => {
  const sampling = { ...request('').sampling, temperature: 1, seed: 5, repeatPenalty: 1.2, repeatLastN: 16 };
  for (const options of [{}, { next: circle }]) {
    // Without `next` the model's letters depend on everything before them: few drafts are right.
    const model = options.next === undefined ? { next: undefined as never } : options;
    const [plain, drafted] = await both({ maxTokens: 200, logprobs: 2, sampling }, model, 'abcabcabc');
    expect(drafted.said).toEqual(plain.said);
    expect(Math.max(...drafted.columns)).toBeGreaterThan(1);
  }
});

test('a stop text in the middle of a right draft ends the answer there; what is kept is what was said', async () => {
  const [plain, drafted] = await both({ stop: [plainText(40).slice(35)] });
  expect(drafted.said).toEqual(plain.said);

  const run = new Run();
  run.submit({ stop: [plainText(40).slice(35)] });
  await run.end();
  const first = run.text;
  run.events.length = 0;
  run.submit({ maxTokens: 5, draftTokens: 0 }, `p${first}`);
  expect(await run.end()).toMatchObject({ type: 'done', cachedTokens: first.length + 1 });
  expect(run.text).toBe(plainText(first.length + 5).slice(first.length));
});

test('limits hold: so many tokens, the end of the context, little memory, a request that wants none or few', async () => {
  for (let maxTokens = 20; maxTokens < 30; maxTokens++) {
    const [plain, drafted] = await both({ maxTokens });
    expect(drafted.said).toEqual(plain.said);
    expect(await drafted.end()).toMatchObject({ finish: 'length', completionTokens: maxTokens });
  }
  const [plain, drafted] = await both({}, { contextLength: 50 });
  expect(drafted.said).toEqual(plain.said);
  const [tight, alike] = await both({ maxTokens: 38 }, { totalBlocks: 10 });
  expect(tight.events.at(-1)).toMatchObject({ type: 'done' });
  expect(alike.text).toBe(tight.text);

  const few = new Run();
  few.submit({ draftTokens: 2 });
  await few.end();
  expect(Math.max(...few.columns)).toBe(3);
  const off = new Run({}, () => 1, false);
  off.submit({});
  await off.end();
  expect(Math.max(...off.columns)).toBe(1);
});

test('a cancelled answer leaves at once, and its beginning is of use', async () => {
  const run = new Run();
  const task = run.submit({ maxTokens: 400 });
  await run.until(() => (run.model.steps.at(-1)?.[0]?.tokens.length ?? 0) > 1);
  run.scheduler.cancel(task);
  expect(await run.end()).toMatchObject({ type: 'done', finish: 'cancelled' });
  const said = run.text;
  run.events.length = 0;
  run.submit({ maxTokens: 3 }, `p${said}`);
  const end = await run.end();
  expect(end).toMatchObject({ type: 'done' });
  expect(end.type === 'done' && end.cachedTokens).toBeGreaterThanOrEqual(said.length);
  expect(run.text).toBe(plainText(said.length + 3).slice(said.length));
});

test('the width follows from measured times: one that loses is left, but for a rare look', async () => {
  const steps = async (cost: Cost): Promise<Run> => {
    const run = new Run({}, cost);
    run.submit({ maxTokens: 1200 });
    await run.end();
    expect(run.text).toBe(plainText(1200));
    return run;
  };
  // Everything is read for each step, however wide: long drafts.
  const streamed = await steps(() => 100);
  expect(Math.max(...streamed.columns)).toBeGreaterThan(12);
  expect(streamed.model.steps.length).toBeLessThan(250);
  // A column costs nearly as much as a step.
  const dear = await steps((columns) => 10 * columns);
  expect(dear.columns.filter((columns) => columns > 1).length).toBeLessThan(20);
  // Up to four columns for little, then another tile.
  const tiles = await steps((columns) => 10 + 8 * Math.floor((columns - 1) / 4));
  const wide = tiles.columns.slice(20).filter((columns) => columns > 1);
  expect(wide.length).toBeGreaterThan(40);
  expect(wide.filter((columns) => columns % 4 === 0).length / wide.length).toBeGreaterThan(0.7);
});

test('beside another answer nobody is held up: drafts only where columns are nearly free', async () => {
  const pair = async (cost: Cost, options: FakeModelOptions = {}): Promise<Run> => {
    const run = new Run(options, cost);
    run.submit({ maxTokens: 60 });
    await run.end();
    run.submit({ maxTokens: 200 }, 'pq');
    run.submit({ maxTokens: 200 }, 'qp');
    await run.until(() => run.events.filter((e) => e.type === 'done').length === 3);
    return run;
  };
  const widest = ({ model }: Run): number =>
    Math.max(
      ...model.steps
        .filter((i) => i.length === 2)
        .slice(2)
        .flatMap((i) => i.map((item) => item.tokens.length)),
    );
  expect(widest(await pair((columns) => 10 + columns))).toBe(1);
  expect(widest(await pair((columns) => 100 + columns / 10))).toBeGreaterThan(3);
  // Nor for drafts that are never right: two tokens that come again and again, with another one behind them each time.
  const misleading = (history: readonly number[]): number => {
    const { length } = history;
    if (history[1] !== 113 && history[2] !== 113) return circle(history);
    return length % 3 < 2 ? 97 + (length % 3) : 100 + ((Math.imul(length, 0x9e3779b1) >>> 16) % 150);
  };
  const { model } = await pair((columns) => 100 + columns / 10, { next: misleading });
  const drafted = model.steps.filter((items) => items.length === 2 && items.some(({ tokens }) => tokens.length > 1));
  expect(drafted.length).toBeLessThan(40);
});

/** Never says the same thing twice, so that nothing can be drafted from the text. */
const fresh = (length: number): number => {
  const mixed = Math.imul(length + 1, 0x9e3779b1);
  return 1 + ((Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b) >>> 8) % 255);
};
const freshText = (history: readonly number[]): number => fresh(history.length);
/** Right but for every fifth token. */
const nearly = ({ length }: readonly number[]): readonly number[] =>
  Array.from({ length: 20 }, (_, i) => ((length + i) % 5 === 0 ? 0 : fresh(length + i)));

test('a draft head guesses what the text does not say: the same text and figures in fewer steps', async () => {
  const sampling = { ...request('').sampling, temperature: 1, seed: 5 };
  for (const over of [{}, { maxTokens: 23 }, { sampling, logprobs: 2 }]) {
    const [plain, drafted] = await both(over, { next: freshText, guess: nearly });
    expect(drafted.said).toEqual(plain.said);
    expect(drafted.model.steps.length).toBeLessThan(plain.model.steps.length / 1.5);
    const { draftTokens, draftAccepted } = drafted.scheduler.stats();
    expect(draftAccepted).toBeGreaterThan(draftTokens / 6);
    expect(await drafted.end()).toMatchObject({ draftTokens, draftAccepted });
    expect(plain.scheduler.stats().draftTokens).toBe(0);
  }
  const [plain, drafted] = await both({}, { next: freshText, guess: nearly, contextLength: 50 });
  expect(drafted.said).toEqual(plain.said);
});

test('a draft head that loses is left, and one that is wrong', async () => {
  const guesses = async (cost: Cost, guess: typeof nearly): Promise<number> => {
    const run = new Run({ next: freshText, guess }, cost);
    run.submit({ maxTokens: 1200 });
    await run.end();
    return run.scheduler.stats().draftTokens;
  };
  expect(await guesses(() => 100, nearly)).toBeGreaterThan(800);
  // A guess costs as much as the step.
  expect(await guesses((columns) => 10 * columns, nearly)).toBeLessThan(120);
  expect(
    await guesses(
      (columns) => 100 + 5 * columns,
      () => [0, 0, 0],
    ),
  ).toBeLessThan(120);
  const off = new Run({ next: freshText, guess: nearly }, () => 1, false);
  off.submit({});
  await off.end();
  expect(off.scheduler.stats().draftTokens).toBe(0);
});

/** What the model says after the prompt 'p' (one token after BOS). */
function plainText(length: number): string {
  const history = [256, 112];
  for (let i = 0; i < length; i++) history.push(circle(history));
  return String.fromCharCode(...history.slice(2));
}
