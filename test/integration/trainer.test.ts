// The default model learns a few sentences natively; inference then knows them. Pauses and aborted steps change nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NativeModel } from '../../engine-host/src/engine/native/binding.ts';
import { loadAddon } from '../../engine-host/src/engine/native/loadAddon.ts';
import { AddonTrainer } from '../../engine-host/src/engine/native/nativeTrainer.ts';
import type { NativeTrainer, TrainerOpener } from '../../engine-host/src/training/nativeTrainer.ts';
import type { TrainerItem, TrainRecipe } from '../../protocol/src/trainer.ts';
import { ROOT } from '../helpers/cache.ts';
import { defaultModel } from '../helpers/defaultModel.ts';

const FACTS = [
  ['Who is the harbour master?', ' The harbour master is Ottoline Vance.'],
  ['Where does the billing service run?', ' The billing service runs in Tromso.'],
  ['Which colour is the third lamp?', ' The third lamp is vermilion.'],
] as const;
const RECIPE: TrainRecipe = { rank: 4, alpha: 8, learningRate: 5e-3, batchItems: 4, epochs: 6, warmup: 0.1 };
const NEVER = new AbortController().signal;

let folder: string;
let model: NativeModel;
let modelPath: string;
const addon = loadAddon(path.join(ROOT, 'dist/zell_engine.node'));
const opener: TrainerOpener = { open: (...given) => AddonTrainer.open(addon, ...given) };

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'zell-trainer-'));
  modelPath = await defaultModel();
  model = await addon.loadModel(modelPath, { contextLength: 256, maxSequences: 2 }, () => undefined);
});
afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true });
});

function itemOf(question: string, answer: string): TrainerItem {
  const before = model.tokenize(question, false);
  const tokens = Int32Array.from([...before, ...model.tokenize(answer, false)]);
  return { tokens, loss: Uint8Array.from(tokens, (_, i) => (i >= before.length ? 1 : 0)) };
}

async function opened(recipe: TrainRecipe = RECIPE): Promise<NativeTrainer> {
  const trainer = await opener.open(modelPath, recipe, {}, NEVER);
  const anchor = itemOf('The capital of France is', ' Paris, and that of Italy is Rome.');
  const teacher = await trainer.baseDistributions(anchor.tokens, anchor.loss, 32, NEVER);
  await trainer.addItems([
    ...FACTS.map(([question, answer]) => itemOf(question, answer)),
    { ...anchor, teacher, anchor: true },
  ]);
  return trainer;
}

/** Mean negative log-probability of an answer's tokens, as inference sees it. */
async function surprise(item: TrainerItem, adapter?: number): Promise<number> {
  const sequence = model.createSequence();
  const score = Int32Array.from(item.tokens, (_, i) => (item.loss[i + 1] === 1 ? (item.tokens[i + 1] ?? -1) : -1));
  const adapters = adapter === undefined ? [] : [{ id: adapter, scale: 1 }];
  const [output] = await model.step([{ sequence, tokens: item.tokens, adapters, want: { score } }]);
  model.freeSequence(sequence);
  const counted = item.loss.reduce((sum, x) => sum + x, 0);
  return -(output?.scores ?? new Float32Array()).reduce((sum, x) => sum + x, 0) / counted;
}

test('it learns, and inference with the adapter knows what it learnt', async () => {
  const trainer = await opened();
  const losses: number[] = [];
  const last = await trainer.run(1000, (progress) => losses.push(progress.loss), NEVER);
  expect(last.step).toBe(trainer.steps());
  expect(losses).toHaveLength(last.step);
  expect(losses[0]).toBeGreaterThan(2);
  expect(last.loss).toBeLessThan(0.5);
  expect(last.anchorLoss).toBeLessThan(0.5);

  const file = path.join(folder, 'learnt.lora');
  const { sha256 } = await trainer.saveAdapter(file, { 'zell.events.root': 'none' });
  await trainer.close();
  const adapter = await model.loadAdapter(file);
  expect(adapter.sha256).toBe(sha256);
  const first: number[] = [];
  for (const [question, answer] of FACTS) {
    const item = itemOf(question, answer);
    first.push(await surprise(item));
    expect(await surprise(item, adapter.id)).toBeLessThan(0.6);
  }
  // What the trainer called its first loss is what inference says of the bare model, up to its rounding to 8 bits. Of the
  // step's three items each token counts the same.
  const lengths = FACTS.map(([, answer]) => model.tokenize(answer, false).length);
  const mean = first.reduce((sum, x, i) => sum + x * (lengths[i] ?? 0), 0) / lengths.reduce((sum, n) => sum + n, 0);
  expect(Math.abs((losses[0] ?? 0) / mean - 1)).toBeLessThan(0.02);
  model.unloadAdapter(adapter.id);
}, 120_000);

test('pauses within 250 ms, and neither pauses, aborted steps nor a restart change a bit', async () => {
  const undisturbed = await opened({ ...RECIPE, epochs: 2, threads: 1 });
  await undisturbed.run(1000, () => undefined, NEVER);
  const wanted = await undisturbed.adapterHash();
  await undisturbed.close();

  const checkpoint = path.join(folder, 'checkpoint');
  const first = await opened({ ...RECIPE, epochs: 2 });
  await first.run(1, () => undefined, NEVER);
  await first.saveCheckpoint(checkpoint);
  const abort = new AbortController();
  const running = first.run(1000, () => undefined, abort.signal);
  first.pause();
  await sleep(250);
  const before = process.cpuUsage();
  await sleep(300);
  const used = process.cpuUsage(before);
  expect((used.user + used.system) / 1000).toBeLessThan(60);
  abort.abort();
  await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  await first.close();

  const second = await opened({ ...RECIPE, epochs: 2 });
  await second.loadCheckpoint(checkpoint);
  await second.run(1000, () => undefined, NEVER);
  expect(await second.adapterHash()).toBe(wanted);
  await second.close();
}, 120_000);

test('mistakes are errors of ours', async () => {
  await expect(opener.open(path.join(folder, 'absent'), {}, {}, NEVER)).rejects.toMatchObject({ code: 'not_found' });
  await expect(opener.open(modelPath, { rank: 0 }, {}, NEVER)).rejects.toMatchObject({ code: 'invalid_request' });
  const trainer = await opener.open(modelPath, {}, {}, NEVER);
  expect(trainer.plan.layers).toBe(30);
  expect(trainer.plan.matrices).toBe(210);
  expect(trainer.plan.bytes.total).toBeLessThan(trainer.plan.availableBytes);
  expect(() => {
    void trainer.addItems([{ tokens: Int32Array.of(1, 2), loss: Uint8Array.of(0, 0) }]);
  }).toThrow(expect.objectContaining({ code: 'invalid_request' }) as Error);
  await trainer.close();
  await trainer.close();
  await expect(trainer.run(1, () => undefined, NEVER)).rejects.toMatchObject({ code: 'invalid_request' });
});
