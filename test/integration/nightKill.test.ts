// The trainer's process dies again and again in a night: each time the work goes on from its checkpoint, to the same adapter.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PromptPart } from '../../protocol/src/generation.ts';
import type { ModelInfo } from '../../protocol/src/model.ts';
import { testCard } from '../../engine-host/src/memory/cards/testCard.ts';
import { AdapterStore } from '../../engine-host/src/training/adapters/adapterStore.ts';
import { NightWork, type NightParts } from '../../engine-host/src/training/night/nightWork.ts';
import type { StepHooks } from '../../engine-host/src/training/sleep/sleepCycle.ts';
import { RunFolder, type SleepRun } from '../../engine-host/src/training/sleep/sleepRun.ts';
import { Valve } from '../../engine-host/src/training/sleep/valve.ts';
import { trainerProcess } from '../../engine-host/src/training/trainerProcess.ts';
import { ROOT } from '../helpers/cache.ts';
import { buildNativeTools, oracleUnavailable } from '../helpers/oracle.ts';
import { argumentsOf, childrenOf, processesUnavailable } from '../helpers/processes.ts';

const run = promisify(execFile);
const unavailable = processesUnavailable() ?? oracleUnavailable();
const TRAINER = path.join(ROOT, 'dist/trainer.mjs');
const KILLS = 4;

const CARDS = ['Priya Raman', 'Bo Ek', 'Ana Cruz'].map((value, i) => testCard(i, `your friend ${i}`, value));

/** A night's work on a random model, with the real trainer in its process; texts are their bytes as tokens. */
function nightIn(folder: string, modelPath: string): NightWork {
  const model = { modelHash: '0123456789abcdef', path: modelPath } as ModelInfo;
  const bytes = (parts: readonly PromptPart[]): number[] =>
    parts.flatMap((part) => ('text' in part ? [...Buffer.from(part.text)] : [...part.tokens]));
  const never = (): Promise<never> => Promise.reject(new Error('not measured here'));
  const voice = {
    eosToken: 257,
    render: (messages: readonly { content: string }[]) =>
      Promise.resolve([{ text: messages.map(({ content }) => content).join('\n'), special: false }]),
    tokenize: (parts: readonly PromptPart[]) => Promise.resolve(bytes(parts)),
    free: () => Promise.resolve('a text of its own'),
    chat: () => Promise.resolve('an answer of its own'),
    score: never,
    answer: never,
  };
  const events = CARDS.flatMap(({ sources }) => sources);
  const origin = { kind: 'api' as const };
  const closed = [{ id: 'c', model: model.modelHash, updatedAt: 0, origin, events }];
  const memory = {
    dream: () => Promise.resolve({ conversations: 1, cards: CARDS.length }),
    cards: () => CARDS,
    replacedCards: () => new Map(),
    cardHistory: () => new Map(),
    cardsOfOthers: () => [],
    forModel: () => ({ closedConversations: () => closed, fetchUnconsolidated: () => Promise.resolve([]) }),
  };
  const parts = {
    memory,
    voice: () => ({ model, voice }),
    adapters: { call: never },
    store: new AdapterStore({ folder: path.join(folder, 'lora'), log: () => Promise.resolve() }),
    trainer: trainerProcess(TRAINER),
    runs: new RunFolder(folder),
    anchors: path.join(folder, 'anchors'),
    settings: () => ({ budgetMs: 3_600_000, anchors: 4, recipe: { rank: 4, alpha: 8 } }),
    now: () => 1,
    checkpointMs: 0,
  };
  return new NightWork(parts as unknown as NightParts);
}

function hooks(onDone: (done: number) => void): StepHooks {
  const signal = new AbortController().signal;
  return { valve: new Valve(), signal, onProgress: ({ done }) => onDone(done) };
}

/** SIGKILL, to whatever the trainer is doing. */
function killTrainers(): number {
  const pids = childrenOf(process.pid).filter((pid) => argumentsOf(pid).includes(TRAINER));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  return pids.length;
}

describe.skipIf(unavailable !== undefined)('a night whose trainer is killed', () => {
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'zell-night-kill-'));
    model = path.join(folder, 'model.gguf');
    const tools = await buildNativeTools(['zell_synthesize']);
    const shape = ['--layers', '2', '--width', '64', '--heads', '4', '--kv-heads', '2', '--ffn', '96'];
    await run(path.join(tools, 'zell_synthesize'), [model, ...shape, '--type', 'Q8_0']);
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function night(name: string): Promise<{ work: NightWork; run: SleepRun; hash: () => string }> {
    const home = path.join(folder, name);
    const work = nightIn(home, model);
    const planned = await work.plan({ asked: true }, AbortSignal.any([]));
    if ('nothing' in planned) throw new Error(planned.nothing);
    expect(
      await work.dream(
        planned,
        hooks(() => undefined),
      ),
    ).toBeGreaterThan(20);
    const file = path.join(home, 'sleep', planned.id, 'candidate.lora');
    return { work, run: planned, hash: () => createHash('sha256').update(readFileSync(file)).digest('hex') };
  }

  test('at random moments, four times, and ends with the same bytes as one that nobody disturbed', async () => {
    const quiet = await night('quiet');
    let steps = 0;
    await quiet.work.train(
      quiet.run,
      hooks(() => (steps += 1)),
    );
    const disturbed = await night('disturbed');
    expect(disturbed.run.id).toBe(quiet.run.id);
    let kills = 0;
    let seen = 0;
    for (let life = 0; ; life += 1) {
      // A place in what is left to do, and then some more time: in a step, or while a checkpoint is written.
      const at = life < KILLS ? (life + Math.random()) / (KILLS + 1) : Infinity;
      let planned = false;
      const killing = hooks((done) => {
        seen += 1;
        if (done < at || planned) return;
        planned = true;
        setTimeout(() => (kills += killTrainers()), Math.random() * 8);
      });
      const ended = await disturbed.work.train(disturbed.run, killing).catch((error: unknown) => error);
      if (ended === undefined && life >= KILLS) break;
      if (ended !== undefined) expect(ended).toMatchObject({ code: 'engine_crashed' });
    }
    console.log(`${steps} steps, ${kills} kills, ${seen - steps} steps done again`);
    expect(kills).toBeGreaterThanOrEqual(KILLS - 1);
    // Each life goes on from the checkpoint of the one before.
    expect(seen).toBeLessThan(steps + 4 * KILLS);
    expect(disturbed.hash()).toBe(quiet.hash());
  });
});

if (unavailable !== undefined) test.skip(`no night with kills: ${unavailable}`);
