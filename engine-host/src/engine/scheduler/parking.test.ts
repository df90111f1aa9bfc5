// Whoever gives its memory away goes on later to the same text: from the disk, or computed again where the disk must not see it.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PRIORITIES, type GenerateEvent, type GenerateRequest } from '#protocol/generation.ts';
import { DiskTier } from '../disk/diskTier.ts';
import { parseHeader } from '../disk/prefixFile.ts';
import { GenerateTask } from '../inference/generateTask.ts';
import { FakeModel, type FakeModelOptions } from '../native/fakeModel.ts';
import { request } from '../native/fakeRequest.ts';
import { Scheduler } from './scheduler.ts';

const BLOCK = 32;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-parking-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Run {
  text: string;
  end?: GenerateEvent;
  readonly task: GenerateTask;
}

class Bench {
  readonly model: FakeModel;
  readonly disk: DiskTier;
  readonly scheduler: Scheduler;
  now = 0;
  /** Sequences that were emptied to go on later, and those that got a beginning back. */
  parked = 0;
  readonly adopted: number[] = [];

  constructor(options: FakeModelOptions = {}) {
    this.model = new FakeModel({ blockTokens: BLOCK, ...options });
    const key = (): Promise<Buffer> => Promise.resolve(Buffer.alloc(32));
    this.disk = new DiskTier(this.model, { folder, maxBytes: 1e9, now: () => Date.now(), key });
    this.scheduler = new Scheduler(this.model, {
      disk: this.disk,
      draft: false,
      now: () => this.now,
      flush: () => undefined,
    });
    const truncate = this.model.truncateSequence.bind(this.model);
    this.model.truncateSequence = (sequence, length) => {
      if (length === 0 && this.model.sequenceLength(sequence) > BLOCK) this.parked++;
      truncate(sequence, length);
    };
    const adopt = this.model.adoptPrefix.bind(this.model);
    this.model.adoptPrefix = (sequence, source, length) => {
      this.adopted.push(length);
      adopt(sequence, source, length);
    };
  }

  submit(prompt: string, over: Partial<GenerateRequest>): Run {
    const run: Run = {
      text: '',
      task: new GenerateTask(
        this.model,
        request(prompt, { keepOnDisk: true, ...over }),
        (event) => {
          if (event.type === 'delta') run.text += event.text;
          if (event.type === 'done' || event.type === 'failed') run.end = event;
        },
        () => this.now,
      ),
    };
    this.scheduler.submit(run.task);
    return run;
  }

  get evaluated(): number {
    return this.model.steps.flat().reduce((sum, item) => sum + item.tokens.length, 0);
  }
}

async function alone(prompt: string, over: Partial<GenerateRequest>): Promise<string> {
  const model = new FakeModel();
  const scheduler = new Scheduler(model, { now: () => 0, flush: () => undefined });
  let text = '';
  scheduler.submit(
    new GenerateTask(
      model,
      request(prompt, over),
      (event) => {
        if (event.type === 'delta') text += event.text;
      },
      () => 0,
    ),
  );
  await scheduler.close();
  return text;
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setImmediate(resolve));
}

/** The text of all files. */
async function onDisk(): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.kv'));
  return Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(path.join(folder, name));
      return String.fromCharCode(...(parseHeader(bytes.subarray(0, bytes.readUInt32LE(12)))?.tokens ?? []));
    }),
  );
}

const BULK = 'Summarise this page of the log. '.repeat(30);
const CHAT = 'What does the second function do? '.repeat(20);

test('a batch that runs gives its memory to somebody who waits at a screen, and goes on from the disk', async () => {
  const bench = new Bench({ totalBlocks: 36 });
  await bench.disk.ready;
  const bulk = bench.submit(BULK, { priority: 'batch', maxTokens: 60 });
  await until(() => bulk.text.length > 10);
  const chat = bench.submit(CHAT, { priority: 'chat', maxTokens: 20 });
  await until(() => chat.end !== undefined);

  expect(bulk.end).toBeUndefined();
  expect(await onDisk()).toHaveLength(1);
  await bench.scheduler.close();
  expect(bulk.text).toBe(await alone(BULK, { maxTokens: 60 }));
  expect(chat.text).toBe(await alone(CHAT, { maxTokens: 20 }));
  expect(bench.adopted).toEqual([960]);
  // The beginning was evaluated once.
  expect(bench.evaluated).toBeLessThan(BULK.length + CHAT.length + 80 + 2 * BLOCK);
  expect(bench.model.openSequences).toBe(0);
});

test('what may not be written is computed again instead', async () => {
  const bench = new Bench({ totalBlocks: 36 });
  await bench.disk.ready;
  const bulk = bench.submit(BULK, { priority: 'batch', maxTokens: 60, keepOnDisk: false });
  await until(() => bulk.text.length > 10);
  const chat = bench.submit(CHAT, { priority: 'chat', maxTokens: 20, keepOnDisk: false });
  await bench.scheduler.close();
  expect(await onDisk()).toEqual([]);
  expect(bench.parked).toBe(1);
  expect(bulk.text).toBe(await alone(BULK, { maxTokens: 60 }));
  expect(chat.text).toBe(await alone(CHAT, { maxTokens: 20 }));
  expect(bench.evaluated).toBeGreaterThan(2 * BULK.length);
});

test('several answers that outgrow the memory together all end, to the same text', async () => {
  const bench = new Bench({ totalBlocks: 48 });
  await bench.disk.ready;
  const prompts = ['a', 'b', 'c'].map((letter) => `${letter} ${BULK.slice(0, 480)}`);
  const runs = prompts.map((prompt) => bench.submit(prompt, { priority: 'api', maxTokens: 300 }));
  await bench.scheduler.close();
  for (const [i, run] of runs.entries()) {
    expect(run.end).toMatchObject({ type: 'done', finish: 'length' });
    expect(run.text).toBe(await alone(prompts[i]!, { maxTokens: 300 }));
  }
  expect(bench.parked).toBeGreaterThan(0);
});

test('a disk that fails costs only the time to compute again', async () => {
  const bench = new Bench({ totalBlocks: 36 });
  await bench.disk.ready;
  bench.model.saveBlocks = () => Promise.reject(new Error('no space left'));
  const bulk = bench.submit(BULK, { priority: 'batch', maxTokens: 60 });
  await until(() => bulk.text.length > 10);
  const chat = bench.submit(CHAT, { priority: 'chat', maxTokens: 20 });
  await bench.scheduler.close();
  expect(bulk.text).toBe(await alone(BULK, { maxTokens: 60 }));
  expect(chat.text).toBe(await alone(CHAT, { maxTokens: 20 }));
});

for (const seed of [1, 2]) {
  test(`random neighbours, preemptions to the disk, cache hits and cancellations change no text (seed ${seed})`, async () => {
    let state = seed;
    const random = (n: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % n;
    const bench = new Bench({
      totalBlocks: 80,
      duringStep: async (items) => {
        bench.now += 3 + items.reduce((sum, i) => sum + i.tokens.length, 0) * 0.1;
        // However slow this machine's disk is, its writes last a few steps.
        if (bench.model.steps.length % 3 === 0) await bench.disk.settled();
      },
    });
    await bench.disk.ready;
    const beginnings = ['You are kind and read everything twice. ', 'function add(a, b) { return a + b; }\n'];
    const runs: { run: Run; prompt: string; over: Partial<GenerateRequest>; cancelled: boolean }[] = [];
    for (let i = 0; i < 40; i++) {
      const beginning = beginnings[random(2)]!.repeat(14 + random(2) * 8);
      const keepOnDisk = random(3) > 0;
      const prompt = `${beginning}${keepOnDisk ? '' : 'PRIVATE'}${'abc'[random(3)]!.repeat(random(90))}?`;
      const sampling = { ...request('').sampling, temperature: 1, seed: random(3) };
      const over = { maxTokens: 1 + random(200), sampling, keepOnDisk };
      const run = bench.submit(prompt, { ...over, priority: PRIORITIES[random(PRIORITIES.length)]! });
      const made = { run, prompt, over, cancelled: false };
      runs.push(made);
      const steps = bench.model.steps.length + random(30);
      await until(() => bench.model.steps.length >= steps || runs.every(({ run }) => run.end !== undefined));
      const victim = runs[runs.length - 1 - random(Math.min(6, runs.length))]!;
      if (random(8) === 0 && victim.run.end === undefined) {
        victim.cancelled = true;
        bench.scheduler.cancel(victim.run.task);
      }
    }
    await bench.scheduler.close();
    for (const { run, prompt, over, cancelled } of runs) {
      const expected = await alone(prompt, over);
      if (cancelled) expect(expected.startsWith(run.text)).toBe(true);
      else {
        expect(run.end).toMatchObject({ type: 'done' });
        expect(run.text).toBe(expected);
      }
    }
    expect((await onDisk()).join('\n')).not.toContain('PRIVATE');
    // The test would prove little if nothing of this had happened.
    expect(bench.parked).toBeGreaterThan(2);
    expect(bench.adopted.filter((tokens) => tokens > 400).length).toBeGreaterThan(1);
    expect(bench.model.openSequences).toBe(0);
  });
}
