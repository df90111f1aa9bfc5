import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChatSession } from '#protocol/webview.ts';
import { FileChatStore } from './chatStore.ts';

let folder: string;
beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(os.tmpdir(), 'zell-chats-')), 'chats');
});
afterEach(async () => {
  await rm(path.dirname(folder), { recursive: true });
});

const chat = (id: string, updatedAt: number): ChatSession => ({ id, title: id, updatedAt, turns: [] });

test('chats survive the window, newest first, readable by their owner only', async () => {
  const store = new FileChatStore(folder);
  await store.save(chat('a', 1));
  await store.save(chat('b', 2));
  const next = new FileChatStore(folder);
  expect((await next.list()).map(({ id }) => id)).toEqual(['b', 'a']);
  expect(await next.load('a')).toEqual(chat('a', 1));
  expect((await stat(path.join(folder, 'a.json'))).mode & 0o077).toBe(0);
});

test('a removed chat is gone, a damaged one is skipped, an id is no path', async () => {
  const store = new FileChatStore(folder);
  await store.save(chat('a', 1));
  await store.remove('a');
  await writeFile(path.join(folder, 'broken.json'), '{');
  expect(await new FileChatStore(folder).list()).toEqual([]);
  expect(await store.load('../a')).toBeUndefined();
});

test('the oldest chats make room', async () => {
  const store = new FileChatStore(folder);
  for (let i = 0; i < 102; i++) await store.save(chat(`c${i}`, i));
  expect(await store.list()).toHaveLength(100);
  expect(await readdir(folder)).toHaveLength(100);
  expect(await store.load('c1')).toBeUndefined();
});
