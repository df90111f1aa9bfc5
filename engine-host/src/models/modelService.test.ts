import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ModelService } from './modelService.ts';
import { ModelRegistry } from './registry.ts';

const never = new AbortController().signal;

async function service(): Promise<{ models: ModelService; folder: string; loads: string[]; refuse: Set<string> }> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'zell-service-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const folder = path.join(root, 'models');
  await mkdir(path.join(folder, 'blobs'), { recursive: true });
  for (const name of ['one', 'two']) await writeFile(path.join(folder, `${name}.gguf`), name);
  const loads: string[] = [];
  const refuse = new Set<string>();
  let busy = false;
  const models = new ModelService({
    registry: new ModelRegistry(
      { models: folder, blobs: path.join(folder, 'blobs'), cache: path.join(root, 'none') },
      {},
    ),
    options: {},
    onChange: () => undefined,
    fetch: () => Promise.reject(new Error('nothing to fetch')),
    engine: {
      state: 'ready',
      inspect: () => Promise.reject(new Error('not here')),
      unload: () => {
        loads.push('-');
        return Promise.resolve();
      },
      adapter: () => Promise.reject(new Error('no adapters')),
      async load(file) {
        expect(busy).toBe(false);
        busy = true;
        await new Promise((resolve) => setTimeout(resolve, 5));
        busy = false;
        const name = path.basename(file, '.gguf');
        if (refuse.has(name)) throw new ZellError('out_of_memory', 'too big');
        loads.push(name);
        return { path: file, name, modelHash: '0123456789abcdef' } as unknown as ModelInfo;
      },
    },
  });
  return { models, folder, loads, refuse };
}

test('requests that name nothing here take the loaded model', async () => {
  const { models, loads } = await service();
  await models.ensure('one', never);
  for (const name of [undefined, '', 'gpt-4o', 'claude-opus-9', 'ONE:latest', 'one'])
    expect((await models.ensure(name, never)).name).toBe('one');
  expect(loads).toEqual(['one']);
});

test('a name of this disk loads that model first, one load at a time', async () => {
  const { models, loads } = await service();
  const [a, b, c] = await Promise.all([
    models.ensure('one', never),
    models.ensure('two', never),
    models.ensure('two', never),
  ]);
  expect([a.name, b.name, c.name]).toEqual(['one', 'two', 'two']);
  // In whichever order their files were found; never two at once (the engine above checks it).
  expect(new Set(loads)).toEqual(new Set(['one', 'two']));
});

test('a path that is not there and a model that is not fetched are errors, also for an API client', async () => {
  const { models } = await service();
  await models.ensure('one', never);
  await expect(models.ensure('/etc/none.gguf', never)).rejects.toMatchObject({ code: 'model_not_found' });
  await expect(models.ensure('mixtral', never)).rejects.toThrow('zell models fetch');
});

test('with no model at all the default one is missed by name', async () => {
  const { models } = await service();
  await expect(models.ensure('gpt-4o', never)).rejects.toThrow('smollm2-135m');
});

test('a model that does not fit leaves the loaded one in place', async () => {
  const { models, refuse } = await service();
  await models.ensure('one', never);
  refuse.add('two');
  await expect(models.ensure('two', never)).rejects.toMatchObject({ code: 'out_of_memory' });
  expect(models.current()?.name).toBe('one');
  expect(models.activity).toBeUndefined();
});

test('a cancelled request does not load', async () => {
  const { models, loads } = await service();
  await expect(models.ensure('one', AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  expect(loads).toEqual([]);
});

test('another model waits until the loaded one is let go, and later ones wait for it: nobody is cut off', async () => {
  const { models, loads } = await service();
  const order: string[] = [];
  const first = await models.acquire('one', never);
  const second = models.acquire('two', never).then((hold) => {
    order.push(hold.model.name);
    return hold;
  });
  const third = models.acquire('one', never).then((hold) => {
    order.push(hold.model.name);
    return hold;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect({ order, loads, current: models.current()?.name }).toEqual({ order: [], loads: ['one'], current: 'one' });
  first.release();
  first.release();
  (await second).release();
  (await third).release();
  expect(order).toEqual(['two', 'one']);
  expect(loads).toEqual(['one', 'two', 'one']);
});

test('whoever leaves while another model is in use does not load its own', async () => {
  const { models, loads } = await service();
  const held = await models.acquire('one', never);
  const client = new AbortController();
  const other = models.acquire('two', client.signal);
  await new Promise((resolve) => setTimeout(resolve, 10));
  client.abort();
  await expect(other).rejects.toMatchObject({ code: 'cancelled' });
  held.release();
  expect((await models.ensure('one', never)).name).toBe('one');
  expect(loads).toEqual(['one']);
});

test('a model goes when its time after the last use is over, and comes back for who names none', async () => {
  const { models, loads } = await service();
  const a = await models.acquire('two', never);
  const b = await models.acquire('two', never);
  a.release(0);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(models.current()?.name).toBe('two');
  expect(models.expiresAt).toBeUndefined();
  b.release();
  await expect.poll(() => models.current()).toBeUndefined();
  expect((await models.ensure('gpt-4o', never)).name).toBe('two');
  expect(loads).toEqual(['two', '-', 'two']);
});

test('how long a model stays is what its last user said; negative is for ever, and another model begins anew', async () => {
  const { models } = await service();
  const now = Date.now();
  (await models.acquire('one', never)).release(300);
  expect(models.expiresAt?.getTime()).toBeGreaterThanOrEqual(now + 300_000);
  (await models.acquire('one', never)).release();
  expect(models.expiresAt?.getTime()).toBeGreaterThanOrEqual(now + 300_000);
  (await models.acquire('one', never)).release(-1);
  expect(models.expiresAt).toBeUndefined();
  (await models.acquire('one', never)).release(300);
  await models.ensure('two', never);
  expect(models.expiresAt).toBeUndefined();
});
