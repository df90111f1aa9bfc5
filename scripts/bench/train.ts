// Suite `train`: our trainer beside PyTorch with PEFT on the same dequantised model, items, first adapter and recipe.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { loadAddon } from '../../engine-host/src/engine/native/loadAddon.ts';
import { ROOT } from '../lib/setup.mjs';
import { CACHE } from './peer.ts';
import { judged, nothing, type BenchRow, type Reached } from './report.ts';
import { writeJob, type JobShape } from './trainJob.ts';
import type { TrainResult } from './trainOurs.ts';

const run = promisify(execFile);
const THREADS = 2;
const CURVE: JobShape = { steps: 50, batchItems: 4, tokens: 32, epochs: 5, threads: THREADS };
const SPEED: JobShape = { steps: 4, batchItems: 8, tokens: 72, epochs: 1, threads: THREADS };

export interface TrainSuiteOptions {
  readonly peers: boolean;
  readonly rounds: number;
  readonly only: readonly string[];
  readonly model: string;
  readonly say: (line: string) => void;
}

/** Rows: `train/curve`, `train/speed`, `train/memory`. The peer needs Python (`ZELL_PYTHON`, else python3) with torch, transformers, peft, gguf and accelerate; without it the rows say so. */
export async function trainSuite({ peers, rounds, only, model, say }: TrainSuiteOptions): Promise<BenchRow[]> {
  const addon = loadAddon(path.join(ROOT, 'dist/zell_engine.node'));
  const isa = addon.cpu().isa;
  const python = peers ? await findPython(say) : undefined;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, 'train-'));
  const loaded = await addon.loadModel(model, { contextLength: 256, maxSequences: 1 }, () => undefined);
  const wanted = (row: string): boolean => only.length === 0 || only.some((name) => row.startsWith(name));
  const rows: BenchRow[] = [];
  const why = peers ? 'no Python with torch, transformers, peft, gguf and accelerate (ZELL_PYTHON)' : 'needs --peers';
  try {
    if (wanted('train/curve')) {
      const job = path.join(folder, 'curve.json');
      await writeJob(job, addon, loaded, model, CURVE);
      say('Training 50 steps for the curve …');
      const ours = await runOurs(job);
      const theirs = python === undefined ? undefined : await runPeer(python, job);
      rows.push(
        judged(
          'train/curve',
          'largest difference of a step’s loss from PEFT’s',
          compareCurves(ours, theirs, why),
          0.01,
          0.001,
          {
            isa,
            unit: 'share',
            atMost: true,
          },
        ),
      );
    }
    if (wanted('train/speed') || wanted('train/memory')) {
      const job = path.join(folder, 'speed.json');
      await writeJob(job, addon, loaded, model, SPEED);
      const speed: [ours: number, theirs: number][] = [];
      let memory: Reached = nothing(why);
      for (let round = 0; round < rounds; ++round) {
        say(`Speed, round ${String(round + 1)} of ${String(rounds)} …`);
        // Who begins changes, so that a machine that slows down slows both.
        const first = round % 2 === 0 ? await runOurs(job) : undefined;
        const theirs = python === undefined ? undefined : await runPeer(python, job);
        const ours = first ?? (await runOurs(job));
        speed.push([tokensPerSecond(ours), theirs === undefined ? Number.NaN : tokensPerSecond(theirs)]);
        if (theirs === undefined) continue;
        const note = `${mib(ours.peakBytes)} beside ${mib(theirs.peakBytes)}, whole processes`;
        memory = { value: ours.peakBytes / theirs.peakBytes, note };
      }
      const mean = median(speed.map(([ours]) => ours));
      const note = `${mean.toFixed(1)} tokens/s, PEFT ${median(speed.map(([, theirs]) => theirs)).toFixed(1)}`;
      const value = python === undefined ? null : median(speed.map(([ours, theirs]) => ours / theirs));
      rows.push(judged('train/speed', 'tokens a second beside PEFT', { value, note }, 1.5, 3, { isa }));
      rows.push(
        judged('train/memory', 'peak of memory beside PEFT', memory, 0.4, null, { isa, unit: 'share', atMost: true }),
      );
    }
  } finally {
    await loaded.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

function compareCurves(ours: TrainResult, theirs: TrainResult | undefined, why: string): Reached {
  const last = ours.loss.length - 1;
  if (theirs === undefined) return nothing(why);
  let largest = 0;
  const whole = (result: TrainResult, step: number): number =>
    (result.loss[step] ?? 0) + (result.anchorLoss[step] ?? 0);
  for (let step = 0; step <= last; ++step) {
    largest = Math.max(largest, Math.abs(whole(ours, step) / whole(theirs, step) - 1));
  }
  const ends = [ours, theirs].map((result) => whole(result, last).toFixed(5)).join(' and ');
  const first = [ours, theirs].map((result) => whole(result, 0).toFixed(5)).join(' and ');
  return { value: largest, note: `${String(last + 1)} steps; first ${first}, last ${ends}` };
}

async function findPython(say: (line: string) => void): Promise<string | undefined> {
  const python = process.env['ZELL_PYTHON'] ?? 'python3';
  try {
    await run(python, ['-c', 'import torch, transformers, peft, gguf, accelerate']);
    return python;
  } catch {
    say(`${python} has no torch, transformers, peft, gguf and accelerate: PEFT is not measured.`);
    return undefined;
  }
}

async function runOurs(job: string): Promise<TrainResult> {
  const tsx = path.join(ROOT, 'node_modules/tsx/dist/cli.mjs');
  await run(process.execPath, [tsx, path.join(ROOT, 'scripts/bench/trainOurs.ts'), job, `${job}.ours`]);
  return JSON.parse(readFileSync(`${job}.ours`, 'utf8')) as TrainResult;
}

async function runPeer(python: string, job: string): Promise<TrainResult> {
  const program = path.join(ROOT, 'scripts/bench/trainPeer.py');
  await run(python, [program, job, `${job}.peer`], { maxBuffer: 64 << 20 });
  return JSON.parse(readFileSync(`${job}.peer`, 'utf8')) as TrainResult;
}

/** Of the median step. The first warms up. */
function tokensPerSecond({ tokens, ms }: TrainResult): number {
  return median(tokens.slice(1).map((n, i) => (n / (ms[i + 1] ?? 1)) * 1000));
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function mib(bytes: number): string {
  return `${(bytes / 1048576).toFixed(0)} MiB`;
}
