import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdapterInfo } from '#protocol/generation.ts';
import { ZellError } from '#protocol/errors.ts';
import { AdapterStore } from './adapterStore.ts';
import { AutoAdapter, type AdapterEngine } from './autoAdapter.ts';
import { writeGgufAdapter } from './ggufAdapter.ts';

const MODEL = '0123456789abcdef';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-auto-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Keeps adapters as the engine does. `seen`: what a request without a wish would run with, after every change. */
class FakeEngine {
  adapters: AdapterInfo[] = [];
  seen: string[] = [];
  refuse: ZellError | undefined;
  #next = 0;
  readonly call = ((method: string, params: Record<string, unknown>) => {
    const answer = this.#answer(method, params);
    const inForce = this.adapters.filter(({ scale }) => scale !== 0);
    this.seen.push(inForce.map(({ path: file, scale }) => `${path.basename(file)}:${scale}`).join('+'));
    return answer;
  }) as unknown as AdapterEngine['call'];

  #answer(method: string, params: Record<string, unknown>): Promise<unknown> {
    if (method === 'loadAdapter') {
      if (this.refuse !== undefined) return Promise.reject(this.refuse);
      const adapter = { id: this.#next++, path: params['path'], scale: params['scale'] } as AdapterInfo;
      this.adapters.push(adapter);
      return Promise.resolve({ adapter, adapters: this.adapters });
    }
    if (method === 'unloadAdapter') this.adapters = this.adapters.filter(({ id }) => id !== params['id']);
    if (method === 'scaleAdapters') {
      const scales = params['scales'] as { id: number; scale: number }[];
      this.adapters = this.adapters.map((a) => ({ ...a, scale: scales.find(({ id }) => id === a.id)?.scale ?? 0 }));
    }
    return Promise.resolve({ adapters: this.adapters });
  }
}

function made(): { engine: FakeEngine; store: AdapterStore; auto: AutoAdapter; problems: unknown[] } {
  const engine = new FakeEngine();
  const store = new AdapterStore({ folder: path.join(folder, 'lora'), log: () => Promise.resolve() });
  const problems: unknown[] = [];
  return { engine, store, auto: new AutoAdapter(engine, store, (error) => problems.push(error)), problems };
}

async function promote(store: AdapterStore, run: string): Promise<void> {
  const metadata = new Map<string, string | number>([
    ['general.type', 'adapter'],
    ['adapter.type', 'lora'],
    ['general.name', run],
  ]);
  const file = path.join(folder, run);
  await writeFile(file, writeGgufAdapter(metadata, []));
  const { version } = await store.adopt(MODEL, { file, run, by: 'sleep', events: [1], cards: [`card of ${run}`] });
  await store.judge(MODEL, version, { passed: true, scale: 1, failed: [], numbers: {} });
}

test('a model without an adapter gets none; one with an adapter gets it before its first request', async () => {
  const { engine, store, auto } = made();
  await auto.modelLoaded(MODEL);
  expect(engine.adapters).toEqual([]);
  await promote(store, 'a');
  await auto.modelLoaded(MODEL);
  expect(engine.adapters).toMatchObject([{ path: store.versionFile(MODEL, 1), scale: 1 }]);
  expect(await auto.list(MODEL)).toMatchObject({
    model: MODEL,
    active: 1,
    loaded: [{ scale: 1 }],
    versions: [{ run: 'a' }],
  });
});

test('swapped while requests come: at no moment two, at no moment none, and what the user loaded stays', async () => {
  const { engine, store, auto } = made();
  await promote(store, 'a');
  await auto.modelLoaded(MODEL);
  await engine.call('loadAdapter', { path: '/mine.gguf', scale: 0.5 }, AbortSignal.any([]));
  engine.seen = [];
  await promote(store, 'b');
  await auto.changed(MODEL);
  expect([...auto.taught(MODEL)]).toEqual(['card of b']);
  expect(new Set(engine.seen)).toEqual(new Set(['1.lora:1+mine.gguf:0.5', 'mine.gguf:0.5+2.lora:1']));
  expect(engine.adapters).toHaveLength(2);

  await store.rollback(MODEL);
  await auto.changed(MODEL);
  expect(engine.adapters.map((a) => path.basename(a.path)).toSorted()).toEqual(['1.lora', 'mine.gguf']);
  await store.rollback(MODEL);
  await auto.changed(MODEL);
  expect(engine.adapters).toMatchObject([{ path: '/mine.gguf', scale: 0.5 }]);
  expect(auto.taught(MODEL).size).toBe(0);
});

test('an adapter of another model is refused, and said; the model answers without it', async () => {
  const { engine, store, auto, problems } = made();
  await promote(store, 'a');
  engine.refuse = new ZellError('bad_model_file', 'made for the model 1111, this one is 2222');
  await auto.modelLoaded(MODEL);
  expect(problems).toEqual([engine.refuse]);
  expect(await auto.list(MODEL)).toMatchObject({ loaded: [], problem: 'made for the model 1111, this one is 2222' });
  expect(auto.taught(MODEL).size).toBe(0);
});

test('a change of another model than the loaded one is none here', async () => {
  const { engine, auto } = made();
  await auto.modelLoaded(MODEL);
  await auto.changed('fedcba9876543210');
  expect(engine.seen).toEqual([]);
});
