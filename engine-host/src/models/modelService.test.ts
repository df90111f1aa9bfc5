import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import type { ModelInfo } from '#protocol/engine.ts';
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
