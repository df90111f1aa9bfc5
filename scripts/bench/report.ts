// What every benchmark suite gives: rows of ratios, printed as a table and written as JSON.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

export interface BenchRow {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  /** Medians over the rounds. */
  readonly ours: number;
  readonly peer: number | null;
  /** ours / peer, the median of each round's own ratio. */
  readonly ratio: number | null;
  /** Least ratio allowed and the one we want. */
  readonly must: number | null;
  readonly aim: number | null;
  /** Null when there was nothing to compare with. */
  readonly met: boolean | null;
  readonly rounds: number;
  /** (largest − smallest) / median of our figures. */
  readonly spread: number;
}

export interface BenchReport {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly isa: string;
    readonly system: string;
  };
  readonly commit: string;
  readonly rows: readonly BenchRow[];
}

/** One row from paired rounds: peer[i] was measured right beside ours[i]. */
export function row(
  about: Pick<BenchRow, 'id' | 'what' | 'unit' | 'must' | 'aim'>,
  ours: readonly number[],
  peer: readonly number[],
): BenchRow {
  const ratio = peer.length === 0 ? null : median(ours.map((value, i) => value / (peer[i] ?? Number.NaN)));
  const middle = median(ours);
  return {
    ...about,
    ours: middle,
    peer: peer.length === 0 ? null : median(peer),
    ratio,
    met: ratio === null || about.must === null ? null : ratio >= about.must,
    rounds: ours.length,
    spread: (Math.max(...ours) - Math.min(...ours)) / middle,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function machine(isa: string): BenchReport['machine'] {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryBytes: os.totalmem(),
    isa,
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

export function printTable(report: BenchReport): void {
  console.log(`${report.machine.cpu}, ${report.machine.cores} cores, ${report.machine.isa}, commit ${report.commit}`);
  const number = (value: number | null, digits = 1): string => (value === null ? '–' : value.toFixed(digits));
  const lines = [
    ['', 'unit', 'ours', 'peer', 'ratio', 'must', 'aim', 'spread', ''],
    ...report.rows.map((r) => [
      r.what,
      r.unit,
      number(r.ours),
      number(r.peer),
      number(r.ratio, 2),
      number(r.must, 2),
      number(r.aim, 2),
      `${(100 * r.spread).toFixed(0)} %`,
      r.met === null ? '' : r.met ? 'met' : 'MISSED',
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of lines)
    console.log(
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    );
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
