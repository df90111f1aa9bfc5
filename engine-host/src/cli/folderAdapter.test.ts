import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Session } from './session.ts';
import { folderAdapter } from './folderAdapter.ts';

const NEVER = new AbortController().signal;

let folder: string;
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-cwd-'));
  said = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function found(
  list: { active: number | null; loaded: readonly unknown[] } = { active: null, loaded: [] },
  env: Record<string, string> = {},
): Promise<string | undefined> {
  const session = { request: () => Promise.resolve(list) } as unknown as Pick<Session, 'request'>;
  return folderAdapter(session, NEVER, { folder, env, say: (words) => said.push(words) });
}

test('the one that lies there answers when the model has none, and is said aloud', async () => {
  expect(await found()).toBeUndefined();
  await writeFile(path.join(folder, 'mine.lora'), '');
  await writeFile(path.join(folder, 'other.gguf'), '');
  expect(await found()).toBe(path.join(folder, 'mine.lora'));
  expect(said).toEqual(['With the adapter mine.lora of this folder (--no-lora: without).']);
});

test('what the model learnt by itself, and what the user loaded, comes first', async () => {
  await writeFile(path.join(folder, 'mine.lora'), '');
  expect(await found({ active: 3, loaded: [{}] })).toBeUndefined();
  expect(await found({ active: null, loaded: [{}] })).toBeUndefined();
  expect(said).toEqual([]);
});

test("of several none, and none in an editor's terminal; both are said", async () => {
  await writeFile(path.join(folder, 'a.lora'), '');
  expect(await found(undefined, { TERM_PROGRAM: 'vscode' })).toBeUndefined();
  await writeFile(path.join(folder, 'b.lora'), '');
  expect(await found()).toBeUndefined();
  expect(said.join(' ')).toMatch(/only with --lora a\.lora\. 2 \.lora files lie here and none is used/);
});
