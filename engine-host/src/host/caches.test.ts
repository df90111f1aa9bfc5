import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cacheFiles, isExpired, isRemovable, removeCaches, type CacheFile } from './caches.ts';
import { zellPaths, type ZellPaths } from './paths.ts';

const DAY = 24 * 3600 * 1000;
const NOW = Date.parse('2026-05-01T12:00:00Z');
const KEYS = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
const MODEL = 'fae5bdbc9fd1af45';
const OTHER = '0011223344556677';

let paths: ZellPaths;
beforeEach(async () => {
  paths = zellPaths({ ZELL_HOME: await mkdtemp(path.join(os.tmpdir(), 'zell-caches-')) });
  for (const folder of [paths.prefixes, path.join(paths.memory, 'anchors'), paths.blobs, paths.profiles])
    await mkdir(folder, { recursive: true });
  await writeFile(
    path.join(paths.prefixes, 'models.json'),
    JSON.stringify({ [KEYS[0].toString('hex')]: MODEL, [KEYS[1].toString('hex')]: OTHER, broken: 3 }),
  );
});
afterEach(() => rm(paths.home, { recursive: true, force: true }));

async function put(file: string, content: string | Buffer, days: number): Promise<void> {
  await writeFile(file, content);
  const at = (NOW - days * DAY) / 1000;
  await utimes(file, at, at);
}
const prompt = (name: string, key: Buffer, days: number): Promise<void> =>
  put(
    path.join(paths.prefixes, `${name.repeat(32)}.kv`),
    Buffer.concat([Buffer.alloc(32), key, Buffer.alloc(100)]),
    days,
  );
const names = (files: readonly CacheFile[]): string[] => files.map((file) => path.basename(file.path)).sort();

test('each file with its kind, size, age and model; strangers are left alone', async () => {
  await prompt('a', KEYS[0], 1);
  await prompt('b', KEYS[1], 1);
  await put(path.join(paths.prefixes, `${'c'.repeat(32)}.kv`), 'short', 1);
  await put(path.join(paths.prefixes, 'notes.txt'), 'mine', 90);
  await put(path.join(paths.memory, 'anchors', `${MODEL}.json`), '{}', 90);
  await put(path.join(paths.blobs, 'x.gguf.part'), 'half', 2);
  await put(path.join(paths.blobs, 'x.gguf'), 'whole', 90);
  await put(path.join(paths.profiles, `${OTHER}.draft`), 'head', 90);
  const files = await cacheFiles(paths);
  const byName = new Map(files.map((file) => [path.basename(file.path), file]));
  expect([...byName.keys()].sort()).toEqual(
    [
      `${'a'.repeat(32)}.kv`,
      `${'b'.repeat(32)}.kv`,
      `${'c'.repeat(32)}.kv`,
      `${MODEL}.json`,
      `${OTHER}.draft`,
      'x.gguf.part',
    ].sort(),
  );
  expect(byName.get(`${'a'.repeat(32)}.kv`)).toMatchObject({
    kind: 'prompts',
    bytes: 164,
    usedAt: NOW - DAY,
    model: MODEL,
  });
  expect(byName.get(`${'b'.repeat(32)}.kv`)?.model).toBe(OTHER);
  expect(byName.get(`${'c'.repeat(32)}.kv`)?.model).toBeUndefined();
  expect(byName.get(`${MODEL}.json`)).toMatchObject({ kind: 'anchors', model: MODEL });
  expect(byName.get(`${OTHER}.draft`)).toMatchObject({ kind: 'profiles', model: OTHER });
});

test('prompts expire after 30 days, downloads may be under way for one, anchors hold for ever', async () => {
  await prompt('a', KEYS[0], 29);
  await prompt('b', KEYS[0], 31);
  await put(path.join(paths.memory, 'anchors', `${MODEL}.json`), '{}', 400);
  await put(path.join(paths.blobs, 'young.gguf.part'), 'half', 0.9);
  await put(path.join(paths.blobs, 'old.gguf.part'), 'half', 1.1);
  const files = await cacheFiles(paths);
  expect(names(files.filter((file) => isExpired(file, NOW)))).toEqual([`${'b'.repeat(32)}.kv`, 'old.gguf.part']);
  expect(names(files.filter((file) => !isRemovable(file, NOW)))).toEqual(['young.gguf.part']);
});

test('removing counts per kind; what is gone already is no error', async () => {
  await prompt('a', KEYS[0], 1);
  await prompt('b', KEYS[0], 1);
  await put(path.join(paths.memory, 'anchors', `${MODEL}.json`), '{}', 1);
  const files = await cacheFiles(paths);
  await rm(path.join(paths.prefixes, `${'a'.repeat(32)}.kv`));
  expect(await removeCaches(files)).toEqual([
    { kind: 'prompts', files: 2, bytes: 328 },
    { kind: 'anchors', files: 1, bytes: 2 },
  ]);
  expect(await readdir(paths.prefixes)).toEqual(['models.json']);
  expect(await cacheFiles(paths)).toEqual([]);
});

test('a home without anything, and a damaged list of models', async () => {
  expect(await cacheFiles(zellPaths({ ZELL_HOME: path.join(paths.home, 'none') }))).toEqual([]);
  await writeFile(path.join(paths.prefixes, 'models.json'), '[');
  await prompt('a', KEYS[0], 1);
  expect((await cacheFiles(paths))[0]?.model).toBeUndefined();
});
