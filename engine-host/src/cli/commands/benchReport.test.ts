import { expect, test } from 'vitest';
import { benchLines, depthFor, type BenchFigures } from './benchReport.ts';

const FIGURES: BenchFigures = {
  model: 'm',
  isa: 'avx2',
  threads: 2,
  tokenWork: { bytes: 1e9, weights: 2e9 },
  prefill: { tokens: 512, tokensPerSecond: 50 },
  decode: { tokens: 128, tokensPerSecond: 15 },
  deep: { depth: 4096, tokensPerSecond: 9 },
  together: [{ sequences: 4, tokensPerSecond: 40 }],
  limits: { threads: 2, isa: 'avx2', readBytesPerSecond: 20e9, int8OpsPerSecond: 400e9 },
};

test('speeds stand beside their share of what the machine can do', () => {
  expect(benchLines(FIGURES)).toEqual([
    'm on avx2, 2 threads',
    // 50 tokens/s × 2 operations × 2e9 weights of 400e9; 15 × 1 GB of 20 GB/s.
    '  prompt of 512 tokens          50.0 tokens/s  50 % of int8 peak',
    '  answer of 128 tokens          15.0 tokens/s  75 % of memory speed',
    '  answer after 4096 tokens       9.0 tokens/s',
    '  4 answers at once             40.0 tokens/s  40 % of int8 peak',
    'This machine reads 20.0 GB/s from memory, multiplies 400 GOPS of int8.',
    'One token of answer reads 1000 MB of weights: at most 20 tokens/s from memory.',
  ]);
});

test('faster than memory is explained, and no int8 figure leaves its shares out', () => {
  const lines = benchLines({
    ...FIGURES,
    decode: { tokens: 128, tokensPerSecond: 30 },
    limits: { threads: 2, isa: 'x', readBytesPerSecond: 20e9, int8OpsPerSecond: 0 },
  });
  expect(lines.join('\n')).not.toContain('int8');
  expect(lines.at(-1)).toBe('More than that: a cache holds a part of them.');
});

test('quick figures are a table without limits', () => {
  expect(benchLines({ ...FIGURES, deep: null, together: [], limits: null })).toEqual([
    'm on avx2, 2 threads',
    '  prompt of 512 tokens      50.0 tokens/s',
    '  answer of 128 tokens      15.0 tokens/s',
  ]);
});

test('a depth is cut to what the context holds', () => {
  expect(depthFor(4096, 32, 8192)).toBe(4096);
  expect(depthFor(4096, 32, 2048)).toBe(2015);
  expect(depthFor(4096, 32, 16)).toBe(0);
});
