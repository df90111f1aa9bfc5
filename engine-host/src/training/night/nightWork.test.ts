import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdapterInfo, PromptPart } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { Card } from '#protocol/memory.ts';
import { ZellError } from '#protocol/errors.ts';
import type { TrainerItem, TrainNumerics, TrainPlan, TrainProgress } from '#protocol/trainer.ts';
import { testCard } from '../../memory/cards/testCard.ts';
import type { CardTraining } from '../../memory/cards/cardTraining.ts';
import { AdapterStore } from '../adapters/adapterStore.ts';
import type { AdapterEngine } from '../adapters/autoAdapter.ts';
import { writeGgufAdapter } from '../adapters/ggufAdapter.ts';
import { ErasureProofs, type ErasureProof } from '../erasure/erasureProofs.ts';
import { UNKNOWN_TOPICS } from '../gate/slices.ts';
import type { NativeTrainer } from '../nativeTrainer.ts';
import { RunFolder, type SleepRun } from '../sleep/sleepRun.ts';
import type { StepHooks } from '../sleep/sleepCycle.ts';
import { Valve } from '../sleep/valve.ts';
import { carryOver, itemsInTime, readLesson } from './lesson.ts';
import { NightWork, type NightMemory, type NightParts } from './nightWork.ts';

const MODEL = { modelHash: '0123456789abcdef', path: '/m.gguf' } as ModelInfo;
const NAMES = ['manager', 'lead', 'dentist', 'tester', 'designer', 'architect'];
const VALUES = ['Priya Raman', 'Bo Ek', 'Ana Cruz', 'Lev Orlov', 'Mia Sato', 'Jon Hale'];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-night-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function card(i: number): Card {
  return testCard(i, `your ${NAMES[i] ?? ''}`, VALUES[i] ?? '');
}

/** A trainer that computes nothing, counts, and writes a file that the store takes. */
class FakeTrainer implements NativeTrainer {
  static checkpoints: string[] = [];
  readonly plan: TrainPlan;
  readonly refuses: ZellError | undefined;
  constructor(numerics: TrainNumerics, refuses?: ZellError) {
    this.plan = { numerics } as TrainPlan;
    this.refuses = refuses;
  }
  items: readonly TrainerItem[] = [];
  done = 0;
  dieAt = Infinity;
  addItems(items: readonly TrainerItem[]): void {
    this.items = [...this.items, ...items];
  }
  steps(): number {
    return 5;
  }
  run(steps: number, onProgress: (progress: TrainProgress) => void): Promise<TrainProgress> {
    if (this.done + steps > this.dieAt) return Promise.reject(new Error('killed'));
    this.done += steps;
    const nothing = { anchorLoss: 0, learningRate: 0, gradientNorm: 0, totalTokens: 0 };
    const progress = { step: this.done, steps: 5, loss: 1, tokens: 100, stepMs: 10, ...nothing };
    onProgress(progress);
    return Promise.resolve(progress);
  }
  pause(): void {}
  resume(): void {}
  saveCheckpoint(file: string): Promise<void> {
    FakeTrainer.checkpoints.push(file);
    return writeFile(file, String(this.done));
  }
  loadCheckpoint(): Promise<void> {
    if (this.refuses !== undefined) return Promise.reject(this.refuses);
    this.done = 3;
    return Promise.resolve();
  }
  async saveAdapter(file: string): Promise<{ sha256: string }> {
    const metadata = new Map<string, string | number>([
      ['general.type', 'adapter'],
      ['adapter.type', 'lora'],
      ['adapter.lora.alpha', 32],
    ]);
    await writeFile(file, writeGgufAdapter(metadata, []));
    return { sha256: '' };
  }
  adapterHash(): Promise<string> {
    return Promise.resolve('');
  }
  baseDistributions(): ReturnType<NativeTrainer['baseDistributions']> {
    return Promise.resolve({ top: 1, ids: new Int32Array(1), logprobs: new Float32Array(1) });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What the world around a night is like; tests change it. */
interface Outside {
  /** The arithmetic that this processor is fastest at. */
  fastest: TrainNumerics;
  /** What trainers say to every checkpoint. */
  refuses: ZellError | undefined;
  /** Of the model. */
  parameters: number;
  dieAt: number;
  learns: boolean;
  /** There are conversations that wait. */
  said: boolean;
  /** The cards are those of another model. */
  foreign: boolean;
  /** Something was forgotten whose proof is missing. */
  erased: boolean;
}

interface Bed extends Outside {
  readonly work: NightWork;
  readonly store: AdapterStore;
  readonly marked: { ids: readonly number[]; cards: readonly string[] }[];
  readonly trainers: FakeTrainer[];
  readonly hooks: StepHooks;
  readonly erasures: ErasureProofs;
  readonly proofs: readonly ErasureProof[];
  readonly forget: (card: string) => void;
  /** For each dreaming, whether a model took part. */
  readonly dreamers: readonly boolean[];
  readonly begunAgain: readonly string[];
}

function bed(): Bed {
  const store = new AdapterStore({ folder: path.join(folder, 'lora'), log: () => Promise.resolve() });
  const marked: Bed['marked'] = [];
  const trainers: FakeTrainer[] = [];
  const outside: Outside = {
    fastest: 'bf16x3',
    refuses: undefined,
    parameters: 135e6,
    dieAt: Infinity,
    learns: true,
    said: true,
    foreign: false,
    erased: false,
  };
  const begunAgain: string[] = [];
  const dreamers: boolean[] = [];
  const proofs: ErasureProof[] = [];
  const erasures = new ErasureProofs({
    open: () => (outside.erased && proofs.length === 0 ? [7] : []),
    log: (_model, proof) => Promise.resolve(proofs.push(proof)),
  });
  const forget = (id: string): void => void (cards = cards.filter((c) => c.id !== id));
  let loaded: AdapterInfo[] = [];
  let cards = NAMES.map((_name, i) => card(i));
  const history = new Map<string, CardTraining>();
  const memory: NightMemory = {
    dream: (_signal, model) => {
      dreamers.push(model !== undefined);
      return Promise.resolve({ conversations: 6, cards: 6 });
    },
    cards: () => cards,
    replacedCards: () => new Map(),
    cardHistory: () => history,
    cardsOfOthers: () => (outside.foreign ? cards : []),
    forModel: () => ({
      log: () => Promise.resolve(undefined),
      getLatestEventId: () => 6,
      fetchUnconsolidated: () => Promise.resolve([]),
      sampleConsolidated: () => Promise.resolve([]),
      markConsolidated: (ids, sleep) => {
        marked.push({ ids, cards: sleep?.cards ?? [] });
        for (const id of sleep?.cards ?? []) history.set(id, { times: 1, last: 1, failed: false });
        return Promise.resolve();
      },
      closedConversations: () =>
        (outside.said ? cards : []).map((_c, i) => ({
          id: `c${i}`,
          model: MODEL.modelHash,
          updatedAt: 0,
          origin: { kind: 'api' as const },
          events: [i + 1],
        })),
    }),
  };
  const text = (prompt: readonly PromptPart[]): string =>
    prompt.map((part) => ('text' in part ? part.text : '')).join('');
  const voice = {
    eosToken: 0,
    render: (messages: readonly { content: string }[]) =>
      Promise.resolve([{ text: messages.map((m) => m.content).join('\n'), special: false }]),
    tokenize: (parts: readonly PromptPart[]) => Promise.resolve(Array.from(Buffer.from(text(parts)))),
    free: () => Promise.resolve('free text'),
    chat: () => Promise.resolve('an answer'),
    score: (prompt: readonly PromptPart[], continuations: readonly string[], adapters: readonly unknown[]) => {
      const right = NAMES.findIndex((name) => text(prompt).includes(name));
      const knows = adapters.length > 0 && outside.learns;
      return Promise.resolve(
        continuations.map((c) => ({ sum: knows && c.includes(VALUES[right] ?? '?') ? -1 : -10, tokens: 5 })),
      );
    },
    answer: (prompt: readonly PromptPart[]) => {
      const asked = text(prompt);
      const at = NAMES.findIndex((name) => asked.includes(name));
      const unknown = UNKNOWN_TOPICS.some((topic) => asked.includes(topic));
      return Promise.resolve({ text: unknown ? 'I do not know.' : (VALUES[at] ?? 'Well.'), ended: true });
    },
  };
  const adapters = {
    call: (method: string, params: { path?: string; id?: number }) => {
      if (method === 'loadAdapter') loaded = [...loaded, { id: loaded.length, path: params.path ?? '' } as AdapterInfo];
      if (method === 'unloadAdapter') loaded = loaded.filter(({ id }) => id !== params.id);
      return Promise.resolve({ adapter: loaded.at(-1), adapters: loaded });
    },
  } as unknown as AdapterEngine;
  const parts: NightParts = {
    memory,
    voice: () => ({ model: { ...MODEL, parameters: outside.parameters }, voice }),
    adapters,
    store,
    trainer: {
      open: (_file, recipe) => {
        const trainer = new FakeTrainer(recipe.numerics ?? outside.fastest, outside.refuses);
        trainer.dieAt = outside.dieAt;
        trainers.push(trainer);
        return Promise.resolve(trainer);
      },
    },
    runs: new RunFolder(folder),
    anchors: path.join(folder, 'anchors'),
    settings: () => ({ budgetMs: 3_600_000, anchors: 128, recipe: {} }),
    erasures,
    now: () => 1,
    onBegunAgain: (run, reason) => Promise.resolve(void begunAgain.push(`${run.id}: ${reason}`)),
  };
  const hooks: StepHooks = { valve: new Valve(), signal: new AbortController().signal, onProgress: () => undefined };
  const work = new NightWork(parts);
  return Object.assign(outside, {
    begunAgain,
    dreamers,
    work,
    store,
    marked,
    trainers,
    hooks,
    erasures,
    proofs,
    forget,
  });
}

async function planned(b: Bed, budgetMs?: number): Promise<SleepRun> {
  const wish = { asked: true, ...(budgetMs === undefined ? {} : { budgetMs }) };
  const run = await b.work.plan(wish, b.hooks.signal);
  if ('nothing' in run) throw new Error(run.nothing);
  return run;
}

test.each([
  [135e6, false],
  [1.2e9, true],
])('a model of %d parameters dreams: %s', async (parameters, dreams) => {
  const b = bed();
  b.parameters = parameters;
  await b.work.dream(await planned(b), b.hooks);
  expect(b.dreamers).toEqual([dreams]);
});

test('a night from cards to a promoted adapter; each step done again does nothing', async () => {
  const b = bed();
  const run = await planned(b);
  expect(run.events).toEqual([1, 2, 3, 4, 5, 6]);
  for (let time = 0; time < 2; time += 1) {
    const items = await b.work.dream(run, b.hooks);
    expect(items).toBeGreaterThan(60);
    await b.work.train(run, b.hooks);
    expect(await b.work.evaluate(run, b.hooks)).toEqual({
      promoted: true,
      words: 'Learnt: 100 % of what is new is recalled in other words.',
    });
  }
  // One for the trial, one for the night.
  expect(b.trainers).toHaveLength(2);
  expect((await b.store.inForce(MODEL.modelHash))?.version).toMatchObject({
    run: run.id,
    events: run.events,
    state: 'promoted',
  });
  await b.work.settle(run, true);
  expect(b.marked).toMatchObject([{ ids: run.events, cards: NAMES.map((_n, i) => card(i).id) }]);
  const next = await planned(b);
  expect(next.parent).toBe((await b.store.inForce(MODEL.modelHash))?.version?.sha256);
});

async function night(b: Bed, run: SleepRun): Promise<void> {
  await b.work.dream(run, b.hooks);
  await b.work.train(run, b.hooks);
  const { promoted } = await b.work.evaluate(run, b.hooks);
  await b.work.settle(run, promoted);
}

test('after forgetting, the rest is learnt again without anything new being said, and the new adapter is asked for what went', async () => {
  const b = bed();
  await night(b, await planned(b));
  b.said = false;
  expect(await b.work.plan({ asked: true }, b.hooks.signal)).toEqual({ nothing: 'There is nothing new to learn.' });
  const gone = card(2);
  b.erased = true;
  b.forget(gone.id);
  await b.store.withdraw({ ids: [3], cards: [gone.id] });
  b.erasures.forgot([MODEL.modelHash], [gone]);
  const rebuild = await planned(b);
  expect(rebuild).not.toHaveProperty('parent');
  const rest = [0, 1, 3, 4, 5].map((i) => card(i).id);
  expect(rebuild).toMatchObject({ events: [], cards: rest });
  await night(b, rebuild);
  const lesson = await readLesson(path.join(folder, 'sleep', rebuild.id));
  expect(JSON.stringify(lesson?.items)).not.toContain('Ana Cruz');
  const { version } = (await b.store.inForce(MODEL.modelHash)) ?? {};
  // The exchanges of memories from before count as its own: forgetting one of them takes it too.
  expect(version).toMatchObject({ version: 2, cards: rest, events: [1, 2, 4, 5, 6] });
  // The fake recalls everything by itself, with an adapter and without: the same level.
  expect(b.proofs).toEqual([{ of: [7], version: 2, questions: 3, before: 1, after: 1 }]);
  expect(await b.work.plan({ asked: true }, b.hooks.signal)).toEqual({ nothing: 'There is nothing new to learn.' });
  // The next forgetting is another night, although it begins at the bare model too.
  b.forget(rest[0] ?? '');
  await b.store.withdraw({ ids: [1], cards: [] });
  expect((await planned(b)).id).not.toBe(rebuild.id);
});

test('a model that is new to what others know learns all of it, once', async () => {
  const b = bed();
  b.said = false;
  b.foreign = true;
  const run = await planned(b);
  expect(run).toMatchObject({ events: [], cards: NAMES.map((_n, i) => card(i).id) });
  await night(b, run);
  expect((await b.store.inForce(MODEL.modelHash))?.version?.cards).toHaveLength(6);
  expect(b.proofs).toEqual([]);
  expect(await b.work.plan({ asked: true }, b.hooks.signal)).toEqual({ nothing: 'There is nothing new to learn.' });
});

test('killed while training, the next start trains on from the checkpoint', async () => {
  const b = bed();
  const run = await planned(b);
  await b.work.dream(run, b.hooks);
  await b.work.train({ ...run }, { ...b.hooks, signal: AbortSignal.abort() }).catch(() => undefined);
  const runFolder = path.join(folder, 'sleep', run.id);
  await writeFile(path.join(runFolder, 'checkpoint'), '3');
  await b.work.train(run, b.hooks);
  expect(b.trainers.at(-1)?.done).toBe(5);
  expect(await readdir(runFolder)).not.toContain('checkpoint');
  await access(path.join(runFolder, 'candidate.lora'));
});

test('a training that began on another processor goes on with the arithmetic that it began with', async () => {
  const b = bed();
  const run = await planned(b);
  await b.work.dream(run, b.hooks);
  b.dieAt = 4;
  await expect(b.work.train(run, b.hooks)).rejects.toThrow('killed');
  await writeFile(path.join(folder, 'sleep', run.id, 'checkpoint'), '3');
  b.fastest = 'f32';
  b.dieAt = Infinity;
  await b.work.train(run, b.hooks);
  expect(b.trainers.at(-1)?.plan.numerics).toBe('bf16x3');
  expect(b.trainers.at(-1)?.done).toBe(5);
  expect(b.begunAgain).toEqual([]);
  // The next night is free to take what is fastest here.
  await b.work.evaluate(run, b.hooks);
  await b.work.settle(run, true);
  b.forget(card(0).id);
  await b.store.withdraw({ ids: [1], cards: [card(0).id] });
  await night(b, await planned(b));
  expect(b.trainers.at(-1)?.plan.numerics).toBe('f32');
});

test.each(['invalid_request', 'bad_model_file'] as const)(
  'a checkpoint that is refused (%s): the training begins again, says so, and nothing is lost',
  async (code) => {
    const b = bed();
    const run = await planned(b);
    const items = await b.work.dream(run, b.hooks);
    const runFolder = path.join(folder, 'sleep', run.id);
    await writeFile(path.join(runFolder, 'checkpoint'), '3');
    b.refuses = new ZellError(code, 'the checkpoint is of another model, recipe or set of items');
    await b.work.train(run, b.hooks);
    expect(b.begunAgain).toEqual([
      expect.stringMatching(new RegExp(`^${run.id}: The training begins again.*another model`)),
    ]);
    expect(await readdir(runFolder)).not.toContain('checkpoint');
    expect((await readLesson(runFolder))?.items).toHaveLength(items);
    expect((await b.work.evaluate(run, b.hooks)).promoted).toBe(true);
  },
);

test('a checkpoint that cannot be read now is kept for the next attempt', async () => {
  const b = bed();
  const run = await planned(b);
  await b.work.dream(run, b.hooks);
  const checkpoint = path.join(folder, 'sleep', run.id, 'checkpoint');
  await writeFile(checkpoint, '3');
  b.refuses = new ZellError('io', 'the disk does not answer');
  await expect(b.work.train(run, b.hooks)).rejects.toThrow('the disk does not answer');
  await access(checkpoint);
  expect(b.begunAgain).toEqual([]);
});

test('a rejected adapter leaves everything as it was; the next attempt is another run, more gently', async () => {
  const b = bed();
  b.learns = false;
  const run = await planned(b);
  await b.work.dream(run, b.hooks);
  await b.work.train(run, b.hooks);
  const { promoted, words } = await b.work.evaluate(run, b.hooks);
  expect(promoted).toBe(false);
  expect(words).toMatch(/^Nothing was changed\. It knows 0 %/);
  expect(await b.store.inForce(MODEL.modelHash)).toBeUndefined();
  await b.work.settle(run, false);
  expect(b.marked).toEqual([]);
  const again = await planned(b);
  expect(again.id).not.toBe(run.id);
  expect(again.attempt).toBe(1);
  expect(again.recipe.learningRate).toBe((run.recipe.learningRate ?? 0) / 2);
});

test('what there is no time for waits, and says so', async () => {
  const b = bed();
  // The fake trains 10,000 tokens a second.
  const run = await planned(b, 1);
  await b.work.dream(run, b.hooks);
  await b.work.train(run, b.hooks);
  const lesson = await readLesson(path.join(folder, 'sleep', run.id));
  expect(lesson?.fresh).toHaveLength(6);
  const { words } = await b.work.evaluate(run, b.hooks);
  expect(words).toMatch(/5 memories wait for the next night/);
  await b.work.settle(run, true);
  // The oldest card was taught; the exchanges of the others stay.
  expect(b.marked).toMatchObject([{ ids: [1], cards: [card(0).id] }]);
});

test('carrying over: as many cards as fit, the oldest of the new ones first, none of the old', () => {
  const lesson = { fresh: ['a', 'b', 'c', 'd'], replay: ['x'], items: [] } as unknown as Parameters<
    typeof carryOver
  >[0];
  expect(carryOver(lesson, 1000, 10, 100)).toEqual([]);
  expect(carryOver(lesson, 1000, 10, 60)).toEqual(['c', 'd']);
  expect(carryOver(lesson, 1000, 10, 1)).toEqual(['b', 'c', 'd']);
  const item = (id: string, cards: string[]): { id: string; cards: string[] } => ({ id, cards });
  const items = [item('1', ['a']), item('2', ['d']), item('3', []), item('4', [])];
  const kept = itemsInTime({ ...lesson, items } as unknown as typeof lesson, ['c', 'd']);
  expect(kept.map(({ id }) => id)).toEqual(['1', '3', '4']);
});
