// The server suite's rows from figures that are given: quotients by round, limits that depend on a figure, misses.
import { expect, test } from 'vitest';
import type { Measurement } from './measure.ts';
import { serverRows } from './serverRows.ts';

function measured(name: string, unit: Measurement['unit'], ours: number[], theirs?: number[]): Measurement {
  const better = unit === 'tokens/s' ? 'more' : 'less';
  const figures = { ours, ...(theirs === undefined ? {} : { 'llama-server': theirs }) };
  return { id: `${name}/default`, what: name, file: 'default', unit, better, figures };
}

function row(id: string, measurements: readonly Measurement[]): ReturnType<typeof serverRows>[number] {
  const found = serverRows(measurements, 'avx2').find((r) => r.id === id);
  if (found === undefined) throw new Error(`no row ${id}`);
  return found;
}

test('a ratio is the median of the rounds, not the ratio of medians', () => {
  const users = measured('users-4', 'tokens/s', [400, 100, 300], [100, 100, 200]);
  expect(row('users-4', [users])).toMatchObject({ reached: 1.5, must: 2, met: false });
  const one = measured('users-1', 'tokens/s', [100, 50, 100], [90, 90, 90]);
  const own = row('users-4-own', [users, one]);
  expect(own).toMatchObject({ reached: 3, met: true });
  expect(own.note).toBe('300 ÷ 100 tokens/s; llama-server 100 ÷ 90');
});

test('the wait beside a long prompt is judged by the wait alone', () => {
  const idle = measured('ttft-idle', 'ms', [40]);
  expect(row('ttft-busy', [idle, measured('ttft-busy', 'ms', [98])])).toMatchObject({ must: 98, met: true });
  expect(row('ttft-busy', [idle, measured('ttft-busy', 'ms', [99])]).met).toBe(false);
});

test('a gap is judged by 50 ms or two plain steps, whichever is more', () => {
  const gap = (ms: number, step: number): ReturnType<typeof row> =>
    row('gap', [measured('gap-beside', 'ms', [ms]), measured('gap-step', 'ms', [step])]);
  expect(gap(50, 6)).toMatchObject({ must: 50, met: true });
  expect(gap(51, 6).met).toBe(false);
  expect(gap(79, 40)).toMatchObject({ must: 80, met: true });
});

test('less of their time is better, and an aim that is met is said', () => {
  const warm = row('prefix-warm', [measured('prefix-warm', 'ms', [30], [75])]);
  expect(warm).toMatchObject({ reached: 0.4, atMost: true, met: true });
  expect(warm.note).toContain('aim met');
  expect(row('overhead', [measured('overhead-1', 'µs', [61])])).toMatchObject({ unit: 'µs', met: false });
});

test('the whole answer says what a prefix costs once and when that is paid back', () => {
  const figures = [measured('whole-cold', 'ms', [2500]), measured('whole-warm', 'ms', [900])];
  expect(row('whole', figures).note).not.toContain('once');
  const note = row('whole', [...figures, measured('prefix-build', 'ms', [1700])]).note;
  expect(note).toContain('2500 ÷ 900 ms; once 1700 ms to build and write it, paid back by 2 requests');
});

test('what was not measured is neither met nor missed', () => {
  for (const r of serverRows([], 'avx2')) expect(r).toMatchObject({ reached: null, met: null });
});
