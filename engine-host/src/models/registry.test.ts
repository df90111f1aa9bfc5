import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { CATALOGUE, DEFAULT_MODEL, findInCatalogue, normalName } from './catalogue.ts';
import { modelChoices } from './modelChoices.ts';
import { ModelRegistry, type ModelFolders } from './registry.ts';

const SHA = 'ab'.repeat(32);
const entry = findInCatalogue(DEFAULT_MODEL)!;

async function folders(): Promise<ModelFolders> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'zell-registry-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const made = {
    models: path.join(root, 'models'),
    blobs: path.join(root, 'models/blobs'),
    cache: path.join(root, 'cache'),
  };
  await mkdir(made.blobs, { recursive: true });
  await mkdir(made.cache);
  return made;
}

/** A file of that many bytes that takes no disk. */
async function sparse(file: string, bytes: number): Promise<string> {
  await writeFile(file, '');
  await truncate(file, bytes);
  return file;
}

test('names of the catalogue are unique, whatever alias', () => {
  const names = CATALOGUE.flatMap((e) => [e.name, ...e.aliases, normalName(e.file)].map((n) => n));
  const byName = new Map<string, string>();
  for (const e of CATALOGUE)
    for (const name of [e.name, ...e.aliases, normalName(e.file)]) {
      expect(byName.get(name) ?? e.name).toBe(e.name);
      expect(name).toBe(name.toLowerCase());
      byName.set(name, e.name);
    }
  expect(names.length).toBeGreaterThan(CATALOGUE.length);
  expect(CATALOGUE.filter((e) => e.sha256 !== undefined).map((e) => e.name)).toEqual([DEFAULT_MODEL]);
});

test('a model is found by path, name, any case, :latest, file name and hash prefix', async () => {
  const f = await folders();
  const registry = new ModelRegistry(f, {});
  const blob = await sparse(registry.blobPath(entry.sha256!), entry.bytes);
  const own = await sparse(path.join(f.models, 'My-Own.Q8_0.gguf'), 10);
  for (const name of [
    'smollm2-135m',
    'SmolLM2-135M',
    'smollm2:latest',
    'SmolLM2-135M-Instruct.Q4_1.gguf',
    'b179c952',
    blob,
  ])
    expect(await registry.find(name)).toMatchObject({ name: DEFAULT_MODEL, path: blob });
  for (const name of [
    'my-own.q8_0',
    'MY-OWN.Q8_0:latest',
    own,
    path.relative(process.cwd(), own).replace(/^(?!\.)/, './'),
  ])
    expect(await registry.find(name)).toMatchObject({ path: own });
  expect(await registry.resolve(undefined)).toMatchObject({ path: blob });
  for (const name of ['gpt-4o', 'b179', 'My-Own.Q8', './nothing.gguf', '../../etc/passwd', 'blobs/../x.gguf'])
    expect(await registry.find(name)).toBeUndefined();
});

test('a model that is not here is an error that says what to do', async () => {
  const registry = new ModelRegistry(await folders(), {});
  await expect(registry.resolve(undefined)).rejects.toThrow('zell models fetch smollm2-135m');
  await expect(registry.resolve('mixtral')).rejects.toThrow('zell models fetch mixtral-8x7b');
  await expect(registry.resolve('no\u001b[31msuch')).rejects.toThrow('no?[31msuch');
});

test('a half-copied default model is not taken; a pointed-at one is', async () => {
  const f = await folders();
  await sparse(path.join(f.cache, entry.file), entry.bytes - 1);
  expect(await new ModelRegistry(f, {}).find(DEFAULT_MODEL)).toBeUndefined();
  const copy = await sparse(path.join(f.models, '..', 'elsewhere.gguf'), entry.bytes);
  expect(await new ModelRegistry(f, { ZELL_MODEL_FILE: copy }).find(DEFAULT_MODEL)).toMatchObject({ path: copy });
});

test('names survive; the chosen model is the one without a name', async () => {
  const f = await folders();
  const registry = new ModelRegistry(f, {});
  await sparse(registry.blobPath(SHA), 100);
  await registry.names.set({ name: 'qwen2.5-coder-7b', sha256: SHA, modelHash: '0123456789abcdef' });
  await registry.names.choose('qwen2.5-coder-7b');
  const again = new ModelRegistry(f, {});
  expect(await again.resolve('')).toMatchObject({ name: 'qwen2.5-coder-7b', modelHash: '0123456789abcdef' });
  expect(await again.find('01234567')).toMatchObject({ name: 'qwen2.5-coder-7b' });
  await writeFile(path.join(f.models, 'names.json'), '{"v":1,"models":[{"name":7},{"name":"x","path":"relative"}]');
  expect(await again.names.models()).toEqual([]);
});

test('the list has what is here first, then the rest of the catalogue once', async () => {
  const f = await folders();
  const registry = new ModelRegistry(f, {});
  const own = await sparse(path.join(f.models, 'own.gguf'), 10);
  const choices = await modelChoices(registry, own);
  expect(choices[0]).toMatchObject({ name: 'own', installed: true, loaded: true, fits: true });
  expect(choices).toHaveLength(CATALOGUE.length + 1);
  expect(new Set(choices.map((c) => c.name)).size).toBe(choices.length);
});
