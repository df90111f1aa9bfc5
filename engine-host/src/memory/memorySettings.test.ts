import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { MemorySettings } from './memorySettings.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-choice-'));
  return () => rm(folder, { recursive: true });
});

/** What a start finds when this was on the disk. */
async function openedWith(text: string | undefined): Promise<MemorySettings> {
  if (text !== undefined) await writeFile(path.join(folder, 'settings.json'), text);
  return MemorySettings.open(folder);
}

test('a new memory records, learns and looks up', async () => {
  const settings = await openedWith(undefined);
  expect([settings.mode, settings.enabled, settings.recall, settings.paused(0)]).toEqual([
    'learn',
    true,
    true,
    undefined,
  ]);
});

test('what was chosen holds after a restart, and one choice leaves the others as they are', async () => {
  const before = await openedWith(undefined);
  await before.choose({ recall: false });
  await before.choose({ mode: 'log' });
  await before.choose({ paused: { until: 500 } });
  const after = await MemorySettings.open(folder);
  expect([after.mode, after.enabled, after.recall]).toEqual(['log', true, false]);
  expect(after.paused(499)).toEqual({ until: 500 });
  expect(after.paused(500)).toBeUndefined();
  await after.choose({ paused: {} });
  expect((await MemorySettings.open(folder)).paused(Number.MAX_SAFE_INTEGER)).toEqual({});
  await after.choose({ paused: undefined });
  expect((await MemorySettings.open(folder)).paused(0)).toBeUndefined();
});

test('files of earlier versions mean what they meant', async () => {
  expect((await openedWith('{"v":1,"enabled":true,"recall":false}')).mode).toBe('learn');
  expect((await openedWith('{"v":1,"enabled":false,"recall":true}')).mode).toBe('off');
});

test('an earlier Zell reads off where something is off', async () => {
  const settings = await openedWith(undefined);
  await settings.choose({ mode: 'off' });
  expect(JSON.parse(await readFile(path.join(folder, 'settings.json'), 'utf8'))).toMatchObject({ enabled: false });
});

test.each(['', 'null', '{', '[]', '{"enabled":1}', '{"enabled":true,"mode":"everything"}'])(
  'damaged settings record nothing: %s',
  async (text) => {
    const settings = await openedWith(text);
    expect([settings.mode, settings.enabled]).toEqual(['off', false]);
  },
);
