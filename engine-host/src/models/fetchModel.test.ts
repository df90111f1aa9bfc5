import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { CatalogueEntry } from './catalogue.ts';
import { fetchModel, type FetchParts } from './fetchModel.ts';
import { ModelRegistry, type ModelFolders } from './registry.ts';

const never = new AbortController().signal;
const FILE = Buffer.from('GGUF and then some weights');
const SHA = createHash('sha256').update(FILE).digest('hex');
const pinned: CatalogueEntry = {
  name: 'pinned',
  aliases: [],
  title: 'Pinned',
  repo: 'who/pinned',
  file: 'pinned.gguf',
  bytes: FILE.length,
  sha256: SHA,
  license: 'none',
  note: '',
};

async function parts(): Promise<FetchParts & { folders: ModelFolders; asked: string[] }> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'zell-fetch-'));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, { 'x-linked-etag': `"${SHA}"`, 'content-length': FILE.length }).end(FILE);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.close();
    await rm(root, { recursive: true, force: true });
  });
  const folders = {
    models: path.join(root, 'models'),
    blobs: path.join(root, 'models/blobs'),
    cache: path.join(root, 'cache'),
  };
  await mkdir(folders.blobs, { recursive: true });
  await mkdir(folders.cache);
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    registry: new ModelRegistry(folders, {}),
    folders,
    lock: { tryLock: () => 1, unlock: () => undefined },
    onProgress: () => undefined,
    hub: new URL(`http://${host}/`),
    get: { trusted: [host] },
    withoutPip: true,
    asked,
  };
}

test('a copy in the cache folder is verified and used; the hub is not asked', async () => {
  const p = await parts();
  await writeFile(path.join(p.folders.cache, 'pinned.gguf'), FILE);
  const fetched = await fetchModel(pinned, p, never);
  expect(fetched).toEqual({ path: p.registry.blobPath(SHA), bytes: FILE.length, fetched: true });
  expect((await readFile(fetched.path)).equals(FILE)).toBe(true);
  expect(p.asked).toEqual([]);
});

test('a copy with other bytes is passed over', async () => {
  const p = await parts();
  await writeFile(path.join(p.folders.cache, 'pinned.gguf'), Buffer.alloc(FILE.length));
  await fetchModel(pinned, p, never);
  expect(p.asked).toEqual(['/who/pinned/resolve/main/pinned.gguf']);
  expect(await readdir(p.folders.blobs)).toEqual([`${SHA}.gguf`]);
});

test('a model without a pinned hash gets its name from what the hub publishes', async () => {
  const p = await parts();
  const { sha256: _, ...loose } = pinned;
  const fetched = await fetchModel(loose, p, never);
  expect(fetched.path).toBe(p.registry.blobPath(SHA));
  expect(await p.registry.find('pinned')).toMatchObject({ path: fetched.path });
});

test('two at once: the second is told', async () => {
  const p = await parts();
  await expect(
    fetchModel(pinned, { ...p, lock: { tryLock: () => null, unlock: () => undefined } }, never),
  ).rejects.toMatchObject({ code: 'busy' });
});
