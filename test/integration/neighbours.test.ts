// The real model under the real scheduler: whatever runs beside a request, its text is the same, pauses, evictions and reuse included.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GenerateTask } from '../../engine-host/src/engine/inference/generateTask.ts';
import type { NativeModel } from '../../engine-host/src/engine/native/binding.ts';
import { loadAddon } from '../../engine-host/src/engine/native/loadAddon.ts';
import { Scheduler } from '../../engine-host/src/engine/scheduler/scheduler.ts';
import { PRIORITIES, type GenerateEvent, type GenerateRequest } from '../../protocol/src/generation.ts';
import { ROOT } from '../helpers/cache.ts';
import { defaultModel } from '../helpers/defaultModel.ts';

const BEGINNINGS = [
  '',
  'You are a kind assistant. Answer in one sentence, and be exact. ',
  'function add(a, b) {\n  return a + b;\n}\n',
];

interface Ask {
  readonly prompt: string;
  readonly seed: number;
  readonly maxTokens: number;
}

function requestOf({ prompt, seed, maxTokens }: Ask, priority: GenerateRequest['priority']): GenerateRequest {
  const sampling = {
    temperature: 0.8,
    topK: 40,
    topP: 0.95,
    minP: 0,
    repeatPenalty: 1.1,
    repeatLastN: 64,
    frequencyPenalty: 0,
    presencePenalty: 0,
    seed,
  };
  return {
    prompt: [{ text: prompt, special: false }],
    addBos: true,
    maxTokens,
    stop: [],
    sampling,
    priority,
    ignoreEos: true,
  };
}

describe('neighbours', () => {
  let model: NativeModel;
  beforeAll(async () => {
    const addon = loadAddon(path.join(ROOT, 'dist/zell_engine.node'));
    // Memory for 256 tokens in all: the requests drive each other out.
    model = await addon.loadModel(await defaultModel(), { contextLength: 256, maxSequences: 1 }, () => undefined);
  });
  afterAll(() => model.close());

  interface Run {
    readonly ask: Ask;
    readonly task: GenerateTask;
    text: string;
    end?: GenerateEvent;
    cancelled: boolean;
  }

  function start(scheduler: Scheduler, ask: Ask, priority: GenerateRequest['priority']): Run {
    const take = (event: GenerateEvent): void => {
      if (event.type === 'delta') run.text += event.text;
      if (event.type === 'done' || event.type === 'failed') run.end = event;
    };
    const task = new GenerateTask(model, requestOf(ask, priority), take, () => performance.now());
    const run: Run = { ask, task, text: '', cancelled: false };
    scheduler.submit(task);
    return run;
  }

  test('random neighbours, classes, pauses, cancellations and shared beginnings change no text', async () => {
    let state = 5;
    const random = (n: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % n;
    const options = { slots: 3, maxWaiting: 100, now: () => performance.now(), flush: () => undefined };
    const plain = { ...options, draft: false };
    let dropped = 0;
    const truncateSequence = (sequence: number, length: number): void => {
      if (length === 0) dropped++;
      model.truncateSequence(sequence, length);
    };
    const counted = new Proxy(model, {
      get: (target, name): unknown => {
        const value: unknown = name === 'truncateSequence' ? truncateSequence : Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const scheduler = new Scheduler(counted, options);
    const runs: Run[] = [];
    for (let i = 0; i < 12; i++) {
      const prompt = `${BEGINNINGS[random(3)]!.repeat(1 + random(3))}Name ${random(4)} ${['cities', 'rivers'][random(2)]!}:`;
      const priority = PRIORITIES[random(PRIORITIES.length)]!;
      runs.push(start(scheduler, { prompt, seed: random(3), maxTokens: 20 + random(40) }, priority));
      await new Promise((resolve) => setTimeout(resolve, random(60)));
      const victim = runs[random(runs.length)]!;
      if (random(5) === 0 && victim.end === undefined) {
        victim.cancelled = true;
        scheduler.cancel(victim.task);
      }
    }
    await scheduler.close();
    expect(model.kvUsage().used).toBe(0);
    let reused = 0;
    for (const { ask, text, end, cancelled } of runs) {
      if (end?.type === 'done') reused += end.cachedTokens;
      const quiet = new Scheduler(model, plain);
      const alone = start(quiet, ask, 'chat');
      await quiet.close();
      if (cancelled) expect(alone.text.startsWith(text.replace(/\uFFFD+$/, ''))).toBe(true);
      else {
        expect(end).toMatchObject({ type: 'done', finish: 'length' });
        expect(text).toBe(alone.text);
      }
    }
    // Else the test would prove little.
    expect(reused).toBeGreaterThan(50);
    console.log(`${runs.length} requests, ${dropped} driven out of memory, ${reused} tokens reused`);
  });

  test('drafts change neither a text nor a probability, alone and beside others, greedy and sampled', async () => {
    const ask = (prompt: string, temperature: number, repeatPenalty: number): GenerateRequest => {
      const request = requestOf({ prompt, seed: 7, maxTokens: 40 }, 'chat');
      return { ...request, logprobs: 2, sampling: { ...request.sampling, temperature, repeatPenalty } };
    };
    const code = BEGINNINGS[2]!.repeat(3);
    const asks = [ask(code, 0, 1), ask(code, 0.8, 1.1), ask('one two three four five '.repeat(5), 0.8, 1)];
    // A clock that stands still: every step seems to cost the same, so all that can be drafted is.
    const scheduler = (draft: boolean): Scheduler =>
      new Scheduler(model, { slots: 3, now: () => 0, flush: () => undefined, draft });
    const answers = (on: Scheduler, wanted: readonly GenerateRequest[]): GenerateEvent[][] =>
      wanted.map((request) => {
        const events: GenerateEvent[] = [];
        on.submit(
          new GenerateTask(
            model,
            request,
            (event) => events.push(event),
            () => 0,
          ),
        );
        return events;
      });
    const said = (events: readonly GenerateEvent[]): readonly GenerateEvent[] =>
      events.filter((e) => e.type === 'delta');
    const together = scheduler(true);
    const busy = answers(together, asks);
    await together.close();
    let accepted = together.stats().draftAccepted;
    for (const [i, asked] of asks.entries()) {
      const [plain, drafted] = [scheduler(false), scheduler(true)];
      const [without] = answers(plain, [asked]);
      await plain.close();
      const [withDrafts] = answers(drafted, [asked]);
      await drafted.close();
      expect(said(without!)).toHaveLength(40);
      expect(said(withDrafts!)).toEqual(said(without!));
      expect(said(busy[i]!)).toEqual(said(without!));
      accepted += drafted.stats().draftAccepted;
    }
    expect(accepted).toBeGreaterThan(15);
    console.log(`${accepted} drafted tokens were right`);
  });

  test('work for a cancelled request stops soon', async () => {
    const tokens = Int32Array.from({ length: 250 }, (_, i) => 1000 + ((i * 7919) % 40_000));
    const late: number[] = [];
    for (let i = 0; i < 60; i++) {
      const sequence = model.createSequence();
      const step = model.step([{ sequence, tokens, want: {} }]);
      await new Promise((resolve) => setTimeout(resolve, (i * 7) % 30));
      const at = performance.now();
      model.cancel(sequence);
      const [output] = await step;
      if (output?.error?.code === 'cancelled') late.push(performance.now() - at);
      model.freeSequence(sequence);
      // Its blocks are free at once.
      expect(model.kvUsage().used).toBe(0);
    }
    late.sort((a, b) => a - b);
    expect(late.length).toBeGreaterThan(30);
    expect(late[late.length >> 1]).toBeLessThan(100);
    const at = (part: number): string => late[Math.min(late.length - 1, Math.floor(late.length * part))]!.toFixed(2);
    console.log(`${late.length} cancelled steps: median ${at(0.5)} ms, 99th percentile ${at(0.99)} ms`);
  });
});
