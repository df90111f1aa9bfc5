import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdapterScale, GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { DiskTier } from '../disk/diskTier.ts';
import { GenerateTask } from '../inference/generateTask.ts';
import { FakeModel, type FakeModelOptions } from '../native/fakeModel.ts';
import { request } from '../native/fakeRequest.ts';
import { Scheduler } from './scheduler.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-restores-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** One life of the engine child. */
class Life {
  readonly model: FakeModel;
  readonly disk: DiskTier;
  readonly scheduler: Scheduler;
  /** Of adapter files, by native id. */
  readonly hashes = new Map<number, string>();

  constructor(options: FakeModelOptions = {}) {
    this.model = new FakeModel({ blockTokens: 32, ...options });
    const key = (): Promise<Buffer> => Promise.resolve(Buffer.alloc(32));
    this.disk = new DiskTier(this.model, { folder, maxBytes: 1e9, now: () => Date.now(), key });
    this.scheduler = new Scheduler(this.model, {
      disk: this.disk,
      adapterHash: (id) => this.hashes.get(id),
      now: () => 0,
      flush: () => undefined,
    });
  }

  submit(
    prompt: string,
    over: Partial<GenerateRequest> = {},
    adapters: readonly AdapterScale[] = [],
  ): { text: string; cached: number; task: GenerateTask } {
    const run = {
      text: '',
      cached: -1,
      task: new GenerateTask(
        this.model,
        request(prompt, { maxTokens: 4, keepOnDisk: true, ...over }),
        (event: GenerateEvent) => {
          if (event.type === 'delta') run.text += event.text;
          if (event.type === 'accepted') run.cached = event.cachedTokens;
        },
        () => 0,
        adapters,
      ),
    };
    this.scheduler.submit(run.task);
    return run;
  }

  get evaluated(): number {
    return this.model.steps.flat().reduce((sum, item) => sum + item.tokens.length, 0);
  }
}

async function life<T>(work: (life: Life) => T | Promise<T>, options: FakeModelOptions = {}): Promise<T> {
  const one = new Life(options);
  await one.disk.ready;
  const result = await work(one);
  await one.scheduler.close();
  expect(one.model.openSequences).toBe(0);
  return result;
}

const SYSTEM = 'You are a careful assistant who reads everything. '.repeat(20);

test('after a restart a known prefix comes from the disk, and the text is the same', async () => {
  const before = await life((l) => l.submit(`${SYSTEM}One?`));
  const fresh = await life((l) => l.submit(`${SYSTEM}Two?`, { keepOnDisk: false }), {});
  expect(fresh.cached).toBe(992);
  const again = await life((l) => l.submit(`${SYSTEM}One?`));
  expect(again.cached).toBe(992);
  expect(again.text).toBe(before.text);
  await rm(folder, { recursive: true });
  const cold = await life((l) => l.submit(`${SYSTEM}Two?`));
  expect(cold.cached).toBe(0);
  expect(fresh.text).toBe(cold.text);
});

test('of a block whose text goes on otherwise the beginning is used', async () => {
  const long = ' Answer at great length, please, with every detail.';
  await life((l) => l.submit(`${SYSTEM}Once?${long}`));
  const run = await life((l) => l.submit(`${SYSTEM}Only?${long}`, { keepOnDisk: false }));
  // BOS, the system prompt, `On`.
  expect(run.cached).toBe(1 + SYSTEM.length + 2);
  await rm(folder, { recursive: true });
  const cold = await life((l) => l.submit(`${SYSTEM}Only?${long}`));
  expect(cold.cached).toBe(0);
  expect(run.text).toBe(cold.text);
});

test('what adapters computed comes back for the same files with the same scales, whatever their ids', async () => {
  const run = (files: readonly string[], used: readonly AdapterScale[]): Promise<{ text: string; cached: number }> =>
    life(async (l) => {
      for (const file of files) l.hashes.set((await l.model.loadAdapter(`/${file}.gguf`)).id, file);
      return l.submit(`${SYSTEM}One?`, {}, used);
    });
  const first = await run(['a'], [{ id: 0, scale: 1 }]);
  expect(first.cached).toBe(0);
  const again = await run(['a'], [{ id: 0, scale: 1 }]);
  expect(again).toMatchObject({ cached: 992, text: first.text });
  expect((await run(['b', 'a'], [{ id: 1, scale: 1 }])).cached).toBe(992);
  // Another file, another scale, no adapter, an adapter more: nothing of it.
  expect((await run(['b'], [{ id: 0, scale: 1 }])).cached).toBe(0);
  expect((await run(['a'], [{ id: 0, scale: 0.5 }])).cached).toBe(0);
  expect((await run(['a'], [])).cached).toBe(0);
  const both = [0, 1].map((id) => ({ id, scale: 1 }));
  expect((await run(['a', 'c'], both)).cached).toBe(0);
});

test('an adapter that is unloaded meanwhile leaves nothing on the disk', async () => {
  await life(async (l) => {
    await l.model.loadAdapter('/a.gguf');
    return l.submit(`${SYSTEM}One?`, {}, [{ id: 0, scale: 1 }]);
  });
  expect((await readdir(folder)).filter((name) => name.endsWith('.kv'))).toEqual([]);
});

test('several requests for one prefix read it once and share it', async () => {
  await life((l) => l.submit(`${SYSTEM}One?`));
  let restored = 0;
  const runs = await life((l) => {
    const restore = l.model.restoreBlocks.bind(l.model);
    l.model.restoreBlocks = (ranges, seeds) => {
      restored++;
      return restore(ranges, seeds);
    };
    return ['a', 'b', 'c'].map((end) => l.submit(`${SYSTEM}${end}`));
  });
  expect(restored).toBe(1);
  expect(runs.map((r) => r.cached)).toEqual([992, 992, 992].map((n) => expect.closeTo(n, -1) as unknown as number));
});

test('running answers go on while somebody waits for the disk', async () => {
  await life((l) => l.submit(`${SYSTEM}One?`));
  await life(async (l) => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const restore = l.model.restoreBlocks.bind(l.model);
    l.model.restoreBlocks = async (ranges, seeds) => {
      const result = await restore(ranges, seeds);
      await released;
      return result;
    };
    const slow = l.submit(`${SYSTEM}Two?`);
    const other = l.submit('short', { maxTokens: 20 });
    while (other.text.length < 20) await new Promise((resolve) => setImmediate(resolve));
    expect(slow.cached).toBe(-1);
    release();
  });
});

test('whoever is cancelled while it waits for the disk is gone at once', async () => {
  await life((l) => l.submit(`${SYSTEM}One?`));
  await life((l) => {
    const run = l.submit(`${SYSTEM}Two?`);
    setImmediate(() => l.scheduler.cancel(run.task));
  });
});

test('what may not be kept is not written', async () => {
  await life((l) => l.submit(`${SYSTEM}secret`, { keepOnDisk: false }));
  expect(await readdir(folder)).toEqual([]);
});

test('an answer is not written before it has come back as part of a prompt', async () => {
  const first = await life((l) => l.submit(SYSTEM, { maxTokens: 640 }));
  const asked = SYSTEM + first.text;
  expect((await life((l) => l.submit(`${asked}And?`))).cached).toBe(SYSTEM.length - (SYSTEM.length % 32));
  expect((await life((l) => l.submit(`${asked}So?`))).cached).toBe(asked.length - (asked.length % 32));
});

test('of requests in bulk only that is written which was of use twice', async () => {
  await life((l) => l.submit(`${SYSTEM}one`, { priority: 'batch' }));
  expect(await readdir(folder)).toEqual([]);
  await life((l) => ['one', 'two'].map((end) => l.submit(SYSTEM + end, { priority: 'batch' })));
  const again = await life((l) => l.submit(`${SYSTEM}three`, { priority: 'batch' }));
  expect(again.cached).toBe(992);
});

test('forgetting drops memory and disk, and what runs leaves nothing either', async () => {
  await life((l) => l.submit(`${SYSTEM}One?`));
  await life((l) => {
    l.submit(`${SYSTEM}Two?`, { maxTokens: 40 });
    void l.scheduler.forgetPrefixes();
  });
  expect((await readdir(folder)).filter((name) => name.endsWith('.kv'))).toEqual([]);
});

test('without room for it in the KV cache nothing is read and the request runs', async () => {
  await life((l) => l.submit(`${SYSTEM}One?`), { totalBlocks: 64 });
  const run = await life((l) => l.submit(`${SYSTEM}Two?`), { totalBlocks: 33 });
  expect(run.text).toHaveLength(4);
});
