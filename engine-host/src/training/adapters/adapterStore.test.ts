import { execFileSync } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AdapterStore, type AdapterEvent } from './adapterStore.ts';
import { eventsRoot } from './versionFacts.ts';
import { readGgufAdapter, writeGgufAdapter } from './ggufAdapter.ts';
import type { Verdict } from '#protocol/adapters.ts';

const MODEL = '0123456789abcdef';
const PASSED: Verdict = { passed: true, scale: 1, failed: [], numbers: { choice: 1 } };
const FAILED: Verdict = { passed: false, scale: 0.35, failed: ['It forgot too much.'], numbers: { drift: 1.2 } };

let folder: string;
let events: AdapterEvent[];
let changes: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-lora-'));
  events = [];
  changes = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function store(log: (event: AdapterEvent) => void = (event) => void events.push(event)): AdapterStore {
  return new AdapterStore({
    folder: path.join(folder, 'lora'),
    log: (_model, event) => {
      log(event);
      return Promise.resolve();
    },
    onChange: (model) => changes.push(model),
    now: () => 7,
  });
}

async function trained(alpha: number): Promise<string> {
  const file = path.join(folder, `trained-${alpha}.lora`);
  const metadata = new Map<string, string | number>([
    ['general.type', 'adapter'],
    ['adapter.type', 'lora'],
    ['adapter.lora.alpha', alpha],
  ]);
  await writeFile(file, writeGgufAdapter(metadata, []));
  return file;
}

/** A night: trained on `ids`, judged. */
async function night(
  s: AdapterStore,
  run: number,
  ids: readonly number[],
  verdict = PASSED,
  parent?: number,
): Promise<number> {
  const file = await trained(run);
  const candidate = {
    file,
    run: `run${run}`,
    by: 'sleep' as const,
    events: ids,
    cards: ids.map((id) => `card${id}`),
    ...(parent === undefined ? {} : { parent }),
  };
  const { version } = await s.adopt(MODEL, candidate);
  await s.judge(MODEL, version, verdict);
  return version;
}

/** Alpha of the file in force, which tells the nights apart. */
async function inForce(s: AdapterStore): Promise<unknown> {
  const found = await s.inForce(MODEL);
  return found === undefined ? undefined : (await readGgufAdapter(found.path)).metadata.get('adapter.lora.alpha');
}

test('an adapter is stored, judged, promoted and in force; each in the log, in that order', async () => {
  const s = store();
  expect(await s.inForce(MODEL)).toBeUndefined();
  const { version } = await s.adopt(MODEL, {
    file: await trained(1),
    run: 'r',
    by: 'sleep',
    events: [3, 1, 3],
    cards: [],
  });
  expect(await s.inForce(MODEL)).toBeUndefined();
  await s.judge(MODEL, version, PASSED);
  expect(await inForce(s)).toBe(1);
  expect(events.map((e) => e.type)).toEqual(['adapter.trained', 'adapter.gated', 'adapter.promoted']);
  expect(changes).toEqual([MODEL]);
  const { versions } = await s.manifest(MODEL);
  expect(versions[0]).toMatchObject({
    version: 1,
    state: 'promoted',
    events: [1, 3],
    eventsRoot: eventsRoot([1, 3]),
    verdict: PASSED,
  });
  expect((await stat(s.pointer(MODEL))).mode & 0o077).toBe(0);
});

test('the same run stored and judged again changes nothing', async () => {
  const s = store();
  expect(await night(s, 1, [1])).toBe(1);
  expect(await night(s, 1, [1])).toBe(1);
  expect(events).toHaveLength(3);
  expect((await s.manifest(MODEL)).versions).toHaveLength(1);
});

test('a rejected adapter keeps its numbers and loses its file; what was in force stays', async () => {
  const s = store();
  await night(s, 1, [1]);
  const version = await night(s, 2, [2], FAILED);
  expect(await inForce(s)).toBe(1);
  expect((await s.manifest(MODEL)).versions[1]).toMatchObject({ state: 'rejected', verdict: FAILED });
  await expect(access(s.versionFile(MODEL, version))).rejects.toThrow();
});

test('the dose that passed is in the file', async () => {
  const s = store();
  await night(s, 8, [1], { ...PASSED, scale: 0.75 });
  expect(await inForce(s)).toBe(6);
  // And the file is the one that its record names.
  expect(await inForce(store())).toBe(6);
});

test('going back, version by version, to none', async () => {
  const s = store();
  for (const run of [1, 2, 3]) await night(s, run, [run]);
  expect(await s.rollback(MODEL)).toEqual({ from: 3, to: 2 });
  expect(await inForce(s)).toBe(2);
  expect(await s.rollback(MODEL)).toEqual({ from: 2, to: 1 });
  expect(await s.rollback(MODEL)).toEqual({ from: 1, to: null });
  expect(await inForce(s)).toBeUndefined();
  await expect(s.rollback(MODEL)).rejects.toMatchObject({ code: 'not_found' });
  await night(s, 4, [4]);
  expect(await s.rollback(MODEL)).toEqual({ from: 4, to: null });
});

test('the files of the last five are kept', async () => {
  const s = store();
  for (let run = 1; run <= 8; run += 1) await night(s, run, [run]);
  const files = (await readdir(path.join(folder, 'lora', MODEL))).filter((name) => name.endsWith('.lora'));
  expect(files.toSorted()).toEqual(['4.lora', '5.lora', '6.lora', '7.lora', '8.lora']);
  expect(await inForce(s)).toBe(8);
  expect((await s.manifest(MODEL)).versions.map((v) => v.state).slice(0, 4)).toEqual([
    'dropped',
    'dropped',
    'dropped',
    'promoted',
  ]);
});

test('what is forgotten is in no adapter any more: not in those that went on from one, not on the disk', async () => {
  const s = store();
  await night(s, 1, [1]);
  await night(s, 2, [2], PASSED, 1);
  await night(s, 3, [3], PASSED, 2);
  changes.length = 0;
  expect(await s.withdraw({ ids: [2], cards: [] })).toEqual([MODEL]);
  expect(await inForce(s)).toBe(1);
  expect(changes).toEqual([MODEL]);
  expect(events.at(-1)).toEqual({ type: 'adapter.withdrawn', versions: [2, 3], to: 1 });
  for (const version of [2, 3]) await expect(access(s.versionFile(MODEL, version))).rejects.toThrow();
  expect(await s.withdraw({ ids: [2], cards: [] })).toEqual([]);
  expect(await s.withdraw({ ids: [99], cards: [] })).toEqual([]);
  await s.withdraw({ ids: [], cards: ['card1'] });
  expect(await inForce(s)).toBeUndefined();
});

test('an adapter whose file was changed or lost is not used; the one before it is', async () => {
  const s = store();
  for (const run of [1, 2, 3]) await night(s, run, [run]);
  await rm(s.versionFile(MODEL, 3));
  expect(await inForce(store())).toBe(2);
  await writeFile(s.versionFile(MODEL, 2), 'other bytes');
  expect(await inForce(store())).toBe(1);
  expect((await s.manifest(MODEL)).versions.map((v) => v.state)).toEqual(['promoted', 'damaged', 'damaged']);
});

test('a killed promotion is completed by the next start, wherever it was killed', async () => {
  const s = store();
  await night(s, 1, [1]);
  // Between the manifest and the pointer.
  await night(s, 2, [2]);
  await rm(s.pointer(MODEL));
  expect(await inForce(store())).toBe(2);
  // Before the manifest: the log has the event, the work is done again.
  const dying = store(({ type }) => {
    if (type === 'adapter.promoted') throw new Error('killed');
  });
  await expect(night(dying, 3, [3])).rejects.toThrow('killed');
  expect(await inForce(store())).toBe(2);
  await night(store(), 3, [3]);
  expect(await inForce(store())).toBe(3);
  // A file without an entry is nobody's.
  await writeFile(store().versionFile(MODEL, 9), 'half');
  await store().manifest(MODEL);
  expect(await readdir(path.join(folder, 'lora', MODEL))).not.toContain('9.lora');
});

test('a dose that was written before a kill is not given twice', async () => {
  let kill = true;
  const dying = store(({ type }) => {
    if (type === 'adapter.promoted' && kill) throw new Error('killed');
  });
  const verdict = { ...PASSED, scale: 0.5 };
  await expect(night(dying, 8, [1], verdict)).rejects.toThrow('killed');
  kill = false;
  await night(dying, 8, [1], verdict);
  expect(await inForce(store())).toBe(4);
});

test('a file that somebody put there without a record is used as it is', async () => {
  const s = store();
  await night(s, 1, [1]);
  await rm(path.join(folder, 'lora', MODEL), { recursive: true });
  expect(await inForce(s)).toBe(1);
  expect((await s.inForce(MODEL))?.version).toBeUndefined();
  await night(s, 2, [2]);
  await s.rollback(MODEL);
  expect(await inForce(s)).toBeUndefined();
  await writeFile(s.pointer(MODEL), await readFile(await trained(9)));
  expect(await inForce(store())).toBe(9);
});

test('a damaged or newer manifest is reported and never written over', async () => {
  const s = store();
  await night(s, 1, [1]);
  const file = path.join(folder, 'lora', MODEL, 'manifest.json');
  for (const text of ['{', '{"v":2}', '{"v":1,"active":1,"next":2,"versions":[{"version":-1}]}']) {
    await writeFile(file, text);
    await expect(s.manifest(MODEL)).rejects.toMatchObject({ code: 'io' });
    expect(await readFile(file, 'utf8')).toBe(text);
  }
});

test('a damaged manifest keeps nothing from being forgotten in the adapters of other models', async () => {
  const problems: string[] = [];
  const log = (): Promise<void> => Promise.resolve();
  const s = new AdapterStore({ folder: path.join(folder, 'lora'), log, onProblem: (model) => problems.push(model) });
  await night(s, 1, [1]);
  const other = '0000000000000000';
  await mkdir(path.join(folder, 'lora', other));
  await writeFile(path.join(folder, 'lora', other, 'manifest.json'), '{"v":1');
  expect(await s.withdraw({ ids: [1], cards: [] })).toEqual([MODEL]);
  expect(await s.withdrawnFrom({ ids: [1], cards: [] })).toEqual([MODEL]);
  expect(problems).toEqual([other, other]);
});

test('a full disk: said as such, what answers goes on, nothing half written stays, and with room it works', async ({
  skip,
}) => {
  const disk = path.join(folder, 'lora');
  await mkdir(disk);
  const mounted = process.platform === 'linux' && process.getuid?.() === 0 && mount(disk);
  if (!mounted) skip('needs root, to mount a small file system');
  try {
    const s = store();
    await night(s, 1, [1]);
    const filler = path.join(disk, 'filler');
    await writeFile(filler, Buffer.alloc(256 * 1024)).catch(() => undefined);
    const candidate = { file: await trained(2), run: 'run2', by: 'sleep' as const, events: [2], cards: [] };
    await writeFile(candidate.file, Buffer.alloc(64 * 1024));
    await expect(s.adopt(MODEL, candidate)).rejects.toMatchObject({ code: 'disk_full' });
    expect(await inForce(store())).toBe(1);
    expect((await readdir(path.join(disk, MODEL))).toSorted()).toEqual(['1.lora', 'manifest.json']);
    await rm(filler);
    expect(await night(s, 2, [2])).toBe(2);
    expect(await inForce(store())).toBe(2);
  } finally {
    execFileSync('umount', [disk]);
  }
});

/** @returns whether the folder holds a quarter of a megabyte at most from now on */
function mount(disk: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a hash that is none cannot leave the folder', async () => {
  await expect(store().manifest('../../etc')).rejects.toMatchObject({ code: 'invalid_request' });
});
