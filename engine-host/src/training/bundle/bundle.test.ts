import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { testCard } from '../../memory/cards/testCard.ts';
import { writeBundle, type BundleParts } from './writeBundle.ts';

const BASE = {
  hub: 'Somebody/Some "quoted" model: 7B',
  modelHash: '0123456789abcdef',
  sha256: 'a'.repeat(64),
  architecture: 'llama',
  quantization: 'Q4_1',
};

const CARDS = [testCard(1, 'your manager', 'Priya Raman'), testCard(2, 'your dentist', 'Ana Cruz')];

let folder: string;
let target: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-bundle-'));
  target = path.join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const parts = (change: Partial<BundleParts> = {}): BundleParts => ({
  base: BASE,
  cards: CARDS,
  replaced: new Map(),
  anchors: [
    { type: 'chat', prompt: 'Why is the sky blue?', text: 'Because of scattering.' },
    { type: 'free', text: 'Once upon a time' },
  ],
  clean: (texts) => Promise.resolve(texts.map(() => true)),
  now: 5,
  ...change,
});

type Line = { messages: { role: string; content: string }[] };
const lines = async (name: string): Promise<Line[]> =>
  (await readFile(path.join(target, name), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as Line);
const yaml = async (name: string): Promise<Record<string, unknown>> =>
  parse(await readFile(path.join(target, name), 'utf8')) as Record<string, unknown>;

test('each line is a conversation that ends with its answer, and what is checked is worded as nothing that is trained', async () => {
  const report = await writeBundle(target, parts());
  const [train, valid] = [await lines('train.jsonl'), await lines('valid.jsonl')];
  expect(report).toEqual({ folder: target, cards: 2, train: train.length, valid: valid.length, leftOut: 0 });
  for (const { messages } of [...train, ...valid]) {
    expect(messages.at(-1)?.role).toBe('assistant');
    expect(messages.filter(({ role }) => role === 'user')).toHaveLength(1);
    for (const { content } of messages) expect(content.trim()).not.toBe('');
  }
  const asked = (of: Line[]): string[] => of.map(({ messages }) => messages.at(-2)?.content ?? '');
  expect(valid).toHaveLength(4);
  expect(new Set(valid.map(({ messages }) => messages[1]?.content))).toEqual(new Set(CARDS.map((c) => c.statement)));
  for (const question of asked(valid)) expect(asked(train)).not.toContain(question);
  expect(asked(train)).toContain('Why is the sky blue?');
  expect(asked(train).join()).not.toContain('Once upon');
  if (process.platform !== 'win32') expect((await stat(path.join(target, 'train.jsonl'))).mode & 0o077).toBe(0);
});

test('axolotl, Ray and SkyPilot read what they need; the recipe names base, counts and memories', async () => {
  await writeBundle(target, parts());
  const axolotl = await yaml('axolotl.yml');
  expect(axolotl).toMatchObject({
    base_model: BASE.hub,
    adapter: 'lora',
    lora_r: 16,
    lora_alpha: 32,
    datasets: [{ path: 'train.jsonl', type: 'chat_template', roles_to_train: ['assistant'], train_on_eos: 'turn' }],
    test_datasets: [{ path: 'valid.jsonl', split: 'train' }],
    use_ray: true,
    ray_num_workers: 1,
    output_dir: './adapter',
  });
  expect(axolotl['lora_target_modules']).toHaveLength(7);
  const sky = await yaml('task.sky.yaml');
  expect(sky).toMatchObject({ workdir: '.', resources: { accelerators: { L4: 1 } } });
  expect(sky['run']).toBe('axolotl train axolotl.yml\n');
  const recipe = JSON.parse(await readFile(path.join(target, 'recipe.json'), 'utf8')) as Record<string, unknown>;
  expect(recipe).toMatchObject({ v: 1, base: BASE, valid: 4, createdAt: 5, cards: CARDS.map(({ id }) => id) });
  expect((await readdir(target)).toSorted()).toEqual([
    'axolotl.yml',
    'recipe.json',
    'task.sky.yaml',
    'train.jsonl',
    'valid.jsonl',
  ]);
});

test('what looks like a secret stays here, and is counted; a failed search writes nothing', async () => {
  const clean = (texts: readonly string[]): Promise<boolean[]> =>
    Promise.resolve(texts.map((text) => !text.includes('Priya Raman')));
  const marked = testCard(3, 'your key', '⟨secret:aws:7f3a⟩');
  const report = await writeBundle(target, parts({ clean, cards: [...CARDS, marked] }));
  expect(report.leftOut).toBeGreaterThan(20);
  for (const name of ['train.jsonl', 'valid.jsonl'])
    expect(await readFile(path.join(target, name), 'utf8')).not.toMatch(/Priya Raman|⟨secret:/);
  const other = path.join(folder, 'other');
  const broken = parts({ clean: () => Promise.reject(new Error('no worker')) });
  await expect(writeBundle(other, broken)).rejects.toThrow('no worker');
  expect(await readdir(folder)).toEqual(['out']);
});

test('nothing is written over, and without memories there is nothing to write', async () => {
  await writeFile(path.join(folder, 'mine'), '');
  await expect(writeBundle(folder, parts())).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(writeBundle(target, parts({ cards: [] }))).rejects.toThrow(/no memories/);
  expect(await readdir(folder)).toEqual(['mine']);
});
