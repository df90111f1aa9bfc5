// What a benchmark suite gives: measurements, and rows that judge them; printed as tables and written as JSON.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Measurement } from './measure.ts';

/** A requirement and how far it is met. */
export interface BenchRow {
  readonly id: string;
  readonly what: string;
  /** The ratio or share that was reached; null when there was nothing to compare with. */
  readonly reached: number | null;
  /**
   * `times` is a ratio of speeds, `ratio` one that is near 1, `share` of a limit, `points` a difference of shares; more is better
   * unless `atMost`.
   */
  readonly unit: 'times' | 'ratio' | 'share' | 'points' | 'count' | 'min' | 'ms' | 'µs';
  readonly atMost: boolean;
  /** Least (or most) allowed and the one we want. */
  readonly must: number | null;
  readonly aim: number | null;
  readonly met: boolean | null;
  /** The instruction set that our side ran with. */
  readonly isa: string;
  /** What it was computed from, or why it was not. */
  readonly note: string;
}

/** What a row was computed from: null when there was nothing to compare with. */
export interface Reached {
  readonly value: number | null;
  readonly note: string;
}

export const nothing = (note: string): Reached => ({ value: null, note });

/** A row judged: met, missed, or neither without a figure or a `must`. */
export function judged(
  id: string,
  what: string,
  { value, note }: Reached,
  must: number | null,
  aim: number | null,
  more: { readonly isa: string; readonly unit?: BenchRow['unit']; readonly atMost?: boolean },
): BenchRow {
  const atMost = more.atMost ?? false;
  const ok = (limit: number): boolean => value !== null && (atMost ? value <= limit : value >= limit);
  return {
    id,
    what,
    reached: value,
    unit: more.unit ?? 'times',
    atMost,
    must,
    aim,
    met: value === null || must === null ? null : ok(must),
    isa: more.isa,
    note: [note, aim !== null && ok(aim) ? 'aim met' : ''].filter(Boolean).join(', '),
  };
}

export interface BenchReport {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly isa: string;
    readonly system: string;
    readonly threads: number;
    readonly readBytesPerSecond: number;
    readonly int8OpsPerSecond: number;
  };
  readonly commit: string;
  readonly rounds: number;
  readonly seconds: number;
  /** What was left out, by name, and why. */
  readonly skipped: readonly string[];
  readonly measurements: readonly Measurement[];
  readonly rows: readonly BenchRow[];
}

/** Ours against theirs, > 1 where ours is better: the median of each round's own ratio, or null without a pair. */
export function ratio(measurement: Measurement | undefined, theirs: string, ours = 'ours'): number | null {
  const mine = measurement?.figures[ours] ?? [];
  const other = measurement?.figures[theirs] ?? [];
  const pairs = Math.min(mine.length, other.length);
  if (measurement === undefined || pairs === 0) return null;
  const more = measurement.better === 'more';
  return median(
    Array.from({ length: pairs }, (_, i) => {
      const [a, b] = [mine[i] ?? Number.NaN, other[i] ?? Number.NaN];
      return more ? a / b : b / a;
    }),
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** (largest − smallest) / median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

export function machine(): Pick<BenchReport['machine'], 'cpu' | 'cores' | 'memoryBytes' | 'system'> {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
  };
}

export function commit(root: string): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

export function printReport(report: BenchReport): void {
  const { machine: m } = report;
  console.log(
    `${m.cpu}, ${m.cores} cores, ${m.threads} threads, ${m.isa}; memory read ${(m.readBytesPerSecond / 1e9).toFixed(1)} GB/s, ` +
      `int8 ${(m.int8OpsPerSecond / 1e9).toFixed(0)} GOPS; commit ${report.commit}, ${report.rounds} rounds, ${(report.seconds / 60).toFixed(1)} min`,
  );
  printMeasurements(report.measurements);
  printRows(report.rows);
  for (const line of report.skipped) console.log(`left out: ${line}`);
}

/** A column for each contestant: the median, and how many times as fast (or as lean) ours is. */
function printMeasurements(measurements: readonly Measurement[]): void {
  const names = [...new Set(measurements.flatMap((m) => Object.keys(m.figures)))];
  const cell = (m: Measurement, name: string): string => {
    const values = m.figures[name] ?? [];
    if (values.length === 0) return '';
    const value = median(values);
    const figure = `${value.toFixed(value < 100 ? 1 : 0)} ±${(50 * spread(values)).toFixed(0)}%`;
    const times = name === 'ours' ? null : ratio(m, name);
    return times === null ? figure : `${figure} ×${times.toFixed(2)}`;
  };
  console.log('\nMedian, ± half the spread, × how many times as good ours is');
  printTable([
    ['', 'unit', ...names],
    ...measurements.map((m) => [`${m.what}, ${m.file}`, m.unit, ...names.map((name) => cell(m, name))]),
  ]);
}

export function printRows(rows: readonly BenchRow[]): void {
  const number = (row: BenchRow, value: number | null): string => (value === null ? '–' : withUnit(value, row.unit));
  const sign = (row: BenchRow): string => (row.atMost ? '≤ ' : '≥ ');
  console.log('');
  printTable([
    ['requirement', 'reached', 'must', 'aim', '', 'isa', ''],
    ...rows.map((row) => [
      row.what,
      number(row, row.reached),
      row.must === null ? '' : sign(row) + number(row, row.must),
      row.aim === null ? '' : sign(row) + number(row, row.aim),
      row.met === null ? (row.reached === null ? 'left out' : '') : row.met ? 'met' : 'MISSED',
      row.isa,
      row.note,
    ]),
  ]);
}

function withUnit(value: number, unit: BenchRow['unit']): string {
  switch (unit) {
    case 'times':
      return `${value.toFixed(2)}×`;
    case 'ratio':
      return value.toFixed(3);
    case 'share':
      return `${(100 * value).toFixed(0)} %`;
    case 'points':
      return `${value < 0 ? '' : '+'}${(100 * value).toFixed(1)}`;
    case 'count':
      return value.toFixed(0);
    default:
      return `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
  }
}

function printTable(lines: readonly (readonly string[])[]): void {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of lines) {
    const cells = line.map((cell, i) => {
      const width = widths[i] ?? 0;
      return i === 0 || i === line.length - 1 ? cell.padEnd(width) : cell.padStart(width);
    });
    console.log(cells.join('  ').trimEnd());
  }
}

/** CPU flags as Linux names them; empty elsewhere. */
export function cpuFlags(): ReadonlySet<string> {
  try {
    const line = /^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
    return new Set(line?.[1]?.split(' ') ?? []);
  } catch {
    return new Set();
  }
}
