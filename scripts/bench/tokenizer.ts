// Suite `tokenizer`: loading vocabularies and encoding mixed text, ours and llama.cpp's in turn within one process.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { median } from './report.ts';

/** Times as fast as llama.cpp that encoding must be. */
const GOAL = 5;
const BYTES = 1 << 20;

interface Measured {
  readonly name: string;
  readonly bytes: number;
  /** Whether both gave the same tokens. */
  readonly same: boolean;
  /** What the process grew by; llama.cpp's with its library's own pages. */
  readonly kib: number;
  readonly oracleKib: number;
  readonly loadMs: readonly number[];
  readonly oracleLoadMs: readonly number[];
  readonly encodeMs: readonly number[];
  readonly oracleEncodeMs: readonly number[];
}

export interface TokenizerRow extends Measured {
  /** Median of each round's own ratio; more is better. */
  readonly encodeTimes: number;
  readonly loadTimes: number;
  readonly met: boolean;
}

/** Builds the native tool and runs it once for each vocabulary; prints a line for each. */
export function tokenizerSuite(root: string, rounds: number): TokenizerRow[] {
  const build = path.join(root, 'native/build/release');
  const options = ['-DCMAKE_BUILD_TYPE=Release', '-DZELL_TESTS=ON', '-DZELL_ADDON=OFF'];
  run('cmake', ['-S', path.join(root, 'native'), '-B', build, '-G', 'Ninja', ...options]);
  run('cmake', ['--build', build, '--target', 'zell_tokenizer_bench']);
  const tool = path.join(build, 'test/zell_tokenizer_bench');
  const files = run(tool, ['--list']).split('\n').filter(Boolean).sort();
  if (files.length === 0) throw new Error("No copy of llama.cpp's vocabularies: npm ci and git are needed.");
  console.log(
    'vocabulary: encode ours, llama.cpp (MB/s), times | load ours, llama.cpp (ms), times | MiB ours, llama.cpp',
  );
  return files.map((file) => {
    const args = ['--bytes', String(BYTES), '--rounds', String(rounds), file];
    const row = judge(JSON.parse(run(tool, args)) as Measured);
    const speed = (ms: readonly number[]): string => (row.bytes / median(ms) / 1000).toFixed(2);
    const mib = (kib: number): string => (kib / 1024).toFixed(0);
    console.log(
      `${row.name}: ${speed(row.encodeMs)}, ${speed(row.oracleEncodeMs)}, ×${row.encodeTimes.toFixed(2)} | ` +
        `${median(row.loadMs).toFixed(1)}, ${median(row.oracleLoadMs).toFixed(1)}, ×${row.loadTimes.toFixed(2)} | ` +
        `${mib(row.kib)}, ${mib(row.oracleKib)} | goal ×${GOAL} ${row.met ? 'met' : 'MISSED'}`,
    );
    return row;
  });
}

function judge(measured: Measured): TokenizerRow {
  const times = (ours: readonly number[], theirs: readonly number[]): number =>
    median(ours.map((ms, i) => (theirs[i] ?? Number.NaN) / ms));
  const encodeTimes = times(measured.encodeMs, measured.oracleEncodeMs);
  const loadTimes = times(measured.loadMs, measured.oracleLoadMs);
  return { ...measured, encodeTimes, loadTimes, met: measured.same && encodeTimes >= GOAL && loadTimes >= 1 };
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
