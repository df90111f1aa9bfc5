// The oversized suite's rows from runs that are given: ratios by round, hit rates between LRU's and Belady's, refusals by name.
import { expect, test } from 'vitest';
import type { EngineStats } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { BenchRow } from '../report.ts';
import { hitRate, oversizedRows, type Outcome } from './rows.ts';
import type { Run } from './runs.ts';
import { SCENARIOS } from './scenarios.ts';

const IN_MEMORY = { value: 1.2, note: '' };
const MACHINE = { disk: 500e6, memory: 10e9, int8Ops: 1e12 };

function outcome(id: string, more: Partial<Outcome>): Outcome {
  const scenario = SCENARIOS.find((s) => s.id === id);
  if (scenario === undefined) throw new Error(`no scenario ${id}`);
  const common = { scenario, fileBytes: 1000e6, memoryBytes: 450e6, disk: 'disk 500 MB/s', machine: MACHINE };
  return { ...common, ours: [], peer: [], failed: {}, ...more };
}

function run(decode: number, more: Partial<Run> = {}): Run {
  return { firstMs: 100, decode, prefill: 10 * decode, ...more };
}

/** What only the rows look at. */
const info = (streaming: object | undefined, bytes: number): ModelInfo =>
  ({ fit: streaming === undefined ? {} : { streaming }, tokenWork: { bytes, weights: 1e6 } }) as unknown as ModelInfo;
const stats = (more: object): EngineStats => more as unknown as EngineStats;

function rowsOf(outcomes: readonly Outcome[]): ReadonlyMap<string, BenchRow> {
  return new Map(oversizedRows(outcomes, IN_MEMORY, 'avx2').map((row) => [row.id, row]));
}

const ROUTING = {
  ...{ banks: 10, experts: 8, used: 2, expertBytes: 1e6, again: 0.5, favourites: 0.5, guessed: 0.8 },
  caches: [{ slots: 36, lru: 0.5, policy: 0.58, belady: 0.7 }],
};

const counters = (hits: number, misses: number): NonNullable<Run['counters']> => ({
  decode: {
    before: stats({ experts: { hits: 7, misses: 7, bytesRead: 0 } }),
    after: stats({ experts: { hits: 7 + hits, misses: 7 + misses, bytesRead: 0 } }),
  },
});

test('a mixture is judged by rounds, by the share of the gap and by the disk', () => {
  const streamed = info({ residentBytes: 1e6 }, 25e6);
  const ours = [run(60, { counters: counters(120, 80), info: streamed }), run(20, { counters: counters(120, 80) })];
  const given = outcome('moe-45', { ours, peer: [run(15), run(10)], routing: ROUTING });
  expect(hitRate(given)).toBeCloseTo(0.6, 9);
  const rows = rowsOf([given]);
  expect(rows.get('decode/moe-45')).toMatchObject({ reached: 3, must: 3, aim: 5, met: true });
  expect(rows.get('prefill/moe-45')).toMatchObject({ reached: 3, must: 3, aim: 8, met: true });
  // 44 of 80 experts are read, 44 MB: 2,909 tokens/s; median 400.
  expect(rows.get('prefill-light/moe-45')?.reached).toBeCloseTo(400 / ((256 * 500) / 44), 6);
  expect(rows.get('gap/moe-45')?.reached).toBeCloseTo(0.5, 9);
  // 8 of 20 MB miss: 62.5 tokens/s; median 40.
  expect(rows.get('light/moe-45')).toMatchObject({ must: 0.75, met: false });
  expect(rows.get('light/moe-45')?.reached).toBeCloseTo(40 / 62.5, 6);
  expect(rows.has('runs/moe-45')).toBe(false);
  expect(rows.get('in-memory')).toMatchObject({ reached: 1.2, met: true });
});

test('far from half of the file, a mixture has no requirement against the peer', () => {
  const rows = rowsOf([outcome('moe-65', { memoryBytes: 650e6, ours: [run(2)], peer: [run(1)] })]);
  expect(rows.get('decode/moe-65')).toMatchObject({ reached: 2, must: null, met: null });
});

test('who is refused or killed at a third of the file misses the row, with the reason', () => {
  const refused = outcome('dense-33', { memoryBytes: 333e6, failed: { ours: 'killed for memory' } });
  const rows = rowsOf([refused]);
  expect(rows.get('runs/dense-33')).toMatchObject({ reached: 0, met: false, note: 'killed for memory' });
  expect(rows.get('disk/dense-33')).toMatchObject({ reached: null, met: null, note: 'killed for memory' });
  const ran = rowsOf([outcome('moe-33', { memoryBytes: 333e6, ours: [run(4)] })]);
  expect(ran.get('runs/moe-33')).toMatchObject({ reached: 1, met: true });
});

test('a dense model is judged by the bytes that it must read, and its drafts by passes', () => {
  const streamed = info({ residentBytes: 300e6, streamedBytes: 250e6 }, 550e6);
  const edits = {
    before: stats({ completionTokens: 10, draftAccepted: 1 }),
    after: stats({ completionTokens: 110, draftAccepted: 76 }),
  };
  const ours = [run(1.9, { greedy: 8, info: streamed, counters: { ...counters(0, 0), edits } })];
  const rows = rowsOf([outcome('dense-50', { ours, peer: [run(1, { greedy: 1 })], predicted: 2.09 })]);
  expect(rows.get('disk/dense-50')?.reached).toBeCloseTo(0.95, 6);
  expect(rows.get('edits/dense-50')).toMatchObject({ reached: 8, met: true });
  expect(rows.get('drafts/dense-50')?.reached).toBeCloseTo(4, 9);
  expect(rows.get('predicted/dense-50')).toMatchObject({ atMost: true, met: true });
  expect(rows.get('predicted/dense-50')?.reached).toBeCloseTo(0.1, 6);
});

test('a build that says no speed leaves its row out by name', () => {
  const rows = rowsOf([outcome('moe-45', { ours: [run(1)], predicted: 'zell build: no such command' })]);
  expect(rows.get('predicted/moe-45')).toMatchObject({ reached: null, note: 'zell build: no such command' });
});
