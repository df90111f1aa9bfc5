import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdapterInfo, PromptPart } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import { testCard } from '../../memory/cards/testCard.ts';
import { UNKNOWN_TOPICS } from '../gate/slices.ts';
import type { GateEngine } from '../gate/measure.ts';
import { Valve } from '../sleep/valve.ts';
import { AdapterStore } from './adapterStore.ts';
import type { AdapterEngine } from './autoAdapter.ts';
import { readGgufAdapter, writeGgufAdapter, type AdapterMatrix } from './ggufAdapter.ts';
import { importAdapter, type ImportParts } from './importAdapter.ts';
import { exportPeft } from './peftFolder.ts';

const HASH = '0123456789abcdef';
const VALUES = ['Priya Raman', 'Bo Ek', 'Ana Cruz', 'Lev Orlov', 'Mia Sato', 'Jon Hale'];
const NAMES = ['manager', 'lead', 'dentist', 'tester', 'designer', 'architect'];
const CARDS = NAMES.map((name, i) => testCard(i, `your ${name}`, VALUES[i] ?? ''));

let folder: string;
let model: ModelInfo;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-import-'));
  const counts = new Map<string, string | number>([
    ['general.architecture', 'llama'],
    ['llama.attention.head_count', 2],
    ['llama.attention.head_count_kv', 1],
  ]);
  const file = path.join(folder, 'model.gguf');
  await writeFile(file, writeGgufAdapter(counts, []));
  model = { modelHash: HASH, path: file } as ModelInfo;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An engine whose adapters know what their alpha says: one more card each, from the first on. Alpha 7 harms. */
function bed(): { parts: ImportParts; store: AdapterStore; loaded: () => readonly string[] } {
  const store = new AdapterStore({ folder: path.join(folder, 'lora'), log: () => Promise.resolve() });
  const adapters = new Map<number, { path: string; alpha: number }>();
  let next = 0;
  const call = async (method: string, params: Record<string, unknown>): Promise<unknown> => {
    if (method === 'loadAdapter') {
      const file = params['path'] as string;
      const { metadata } = await readGgufAdapter(file);
      const base = metadata.get('zell.base.model_hash') ?? HASH;
      if (base !== HASH)
        throw new ZellError('bad_model_file', `made for the model ${String(base)}, this one is ${HASH}`);
      adapters.set(next, { path: file, alpha: Number(metadata.get('adapter.lora.alpha')) });
      next += 1;
      return { adapter: { id: next - 1 } as AdapterInfo };
    }
    if (method === 'unloadAdapter') adapters.delete(params['id'] as number);
    return { adapters: [...adapters].map(([id, { path: file }]) => ({ id, path: file })) };
  };
  const text = (prompt: readonly PromptPart[]): string => prompt.map((p) => ('text' in p ? p.text : '')).join('');
  const known = (asked: string, ids: readonly { id: number }[]): string | undefined => {
    const at = NAMES.findIndex((name) => asked.includes(name));
    return at >= 0 && ids.some(({ id }) => at < (adapters.get(id)?.alpha ?? 0)) ? VALUES[at] : undefined;
  };
  const voice: GateEngine = {
    render: (messages) => Promise.resolve([{ text: messages.map((m) => m.content).join(' '), special: false }]),
    score: (prompt, continuations, used) => {
      const value = known(text(prompt), used);
      const harm = used.some(({ id }) => adapters.get(id)?.alpha === 7) ? 1.5 : 1;
      const sum = (c: string): number => (value !== undefined && c.includes(value) ? -1 : -10 * harm);
      return Promise.resolve(continuations.map((c) => ({ sum: sum(c), tokens: 5 })));
    },
    answer: (prompt, _most, used) => {
      const unknown = UNKNOWN_TOPICS.some((topic) => text(prompt).includes(topic));
      return Promise.resolve({
        text: unknown ? 'I do not know.' : (known(text(prompt), used) ?? 'Well.'),
        ended: true,
      });
    },
  };
  const hooks = { valve: new Valve(), signal: new AbortController().signal };
  const engine = { call } as unknown as AdapterEngine;
  const parts = { engine, store, voice, folder: path.join(folder, 'lora'), cards: CARDS, hooks };
  return { parts, store, loaded: () => [...adapters.values()].map(({ path: file }) => file) };
}

const MATRICES: readonly AdapterMatrix[] = [
  { name: 'blk.0.attn_q.weight.lora_a', rows: 1, columns: 8, values: new Float32Array(8).fill(0.5) },
  { name: 'blk.0.attn_q.weight.lora_b', rows: 8, columns: 1, values: Float32Array.from({ length: 8 }, (_x, i) => i) },
];

async function gguf(alpha: number, base = HASH): Promise<string> {
  const file = path.join(folder, `a${alpha}.gguf`);
  const metadata = new Map<string, string | number>([
    ['general.type', 'adapter'],
    ['general.architecture', 'llama'],
    ['adapter.type', 'lora'],
    ['adapter.lora.alpha', alpha],
    ['zell.base.model_hash', base],
  ]);
  await writeFile(file, writeGgufAdapter(metadata, MATRICES));
  return file;
}

test('a PEFT folder that passes answers, with its numbers and the memories that it turned out to know', async () => {
  const { parts, store, loaded } = bed();
  const peft = path.join(folder, 'peft');
  await exportPeft(await gguf(4), model.path, HASH, peft);
  const version = await importAdapter(peft, model, parts);
  expect(version).toMatchObject({
    by: 'import',
    state: 'promoted',
    cards: CARDS.slice(0, 4).map(({ id }) => id),
    events: [1, 2, 3, 4],
    verdict: { passed: true, scale: 1, numbers: { recallBefore: 0, recallAfter: 4 / 6 } },
  });
  expect(Object.keys(version.verdict?.numbers ?? {})).not.toContain('choiceAfter');
  const inForce = await store.inForce(HASH);
  const { metadata, matrices } = await readGgufAdapter(inForce?.path ?? '');
  expect(metadata.get('zell.base.model_hash')).toBe(HASH);
  expect(matrices.map(({ name }) => name)).toEqual(MATRICES.map(({ name }) => name));
  // Nothing stays behind, in the engine or on the disk; the same again is the same version.
  expect(loaded()).toEqual([]);
  expect((await readdir(parts.folder)).filter((name) => name.startsWith('import-'))).toEqual([]);
  expect((await importAdapter(peft, model, parts)).version).toBe(version.version);
  // What it knows is forgotten with it.
  expect(await store.withdraw({ ids: [3], cards: [] })).toEqual([HASH]);
});

test('one that harms, or knows less than what answers now, is rejected and changes nothing', async () => {
  const { parts, store } = bed();
  const harmful = await importAdapter(await gguf(7), model, parts);
  expect(harmful).toMatchObject({ state: 'rejected', verdict: { passed: false } });
  expect(harmful.verdict?.failed.join()).toMatch(/changes prose by the factor 1\.500/);
  const good = await importAdapter(await gguf(6), model, parts);
  expect(good.state).toBe('promoted');
  // The engine holds the one in force, as it does when a model is loaded.
  await parts.engine.call('loadAdapter', { path: store.versionFile(HASH, good.version), scale: 1 }, parts.hooks.signal);
  const worse = await importAdapter(await gguf(2), model, parts);
  expect(worse.verdict?.failed.join()).toMatch(/earlier memories it knows 33 %, 100 % before/);
  expect((await store.manifest(HASH)).active).toBe(good.version);
});

test('of another model, damaged or absent: refused before anything is measured or stored', async () => {
  const { parts, store } = bed();
  const other = 'fedcba9876543210';
  const refusal = { code: 'bad_model_file', message: expect.stringMatching(new RegExp(`${other}.*${HASH}`)) as string };
  await expect(importAdapter(await gguf(4, other), model, parts)).rejects.toMatchObject(refusal);
  await exportPeft(await gguf(4), model.path, other, path.join(folder, 'peft'));
  await expect(importAdapter(path.join(folder, 'peft'), model, parts)).rejects.toMatchObject(refusal);
  await expect(importAdapter(path.join(folder, 'absent'), model, parts)).rejects.toMatchObject({ code: 'not_found' });
  await mkdir(path.join(folder, 'empty'));
  await expect(importAdapter(path.join(folder, 'empty'), model, parts)).rejects.toMatchObject({ code: 'not_found' });
  expect((await store.manifest(HASH)).versions).toEqual([]);
  expect(await readdir(parts.folder)).toEqual([]);
});
