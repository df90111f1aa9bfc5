// Suite `kv`: what keys and values in fewer bits cost, as perplexity and as divergence from those with f16, of our engine and of
// llama.cpp, each against itself, over the same text.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { lines, ORACLE_LIBRARIES, oracleTools } from './oracleTools.ts';
import { CACHE } from './peer.ts';
import { writeText } from './text.ts';

const run = promisify(execFile);

/** Most that perplexity may grow by, of types with rotation. */
const GOALS: Readonly<Record<string, number>> = { q8_0: 0.001, q8q4: 0.01, q4_0: 0.01 };

interface Measured {
  readonly name: string;
  readonly perplexity: number;
  /** Perplexity over that with f16, minus 1. */
  readonly cost: number;
  readonly kl: number;
  readonly sameBest: number;
}

export interface KvRow extends Measured {
  /** `file`: the model as it is, whose products round activations; `exact`: the same weights as F32. */
  readonly weights: 'file' | 'exact';
  readonly met?: boolean;
}

export interface KvSuiteOptions {
  readonly quick: boolean;
  readonly model: string;
  readonly say: (line: string) => void;
}

export async function kvSuite({ quick, model, say }: KvSuiteOptions): Promise<KvRow[]> {
  const tools = await oracleTools(['zell_kv_proof', 'zell_synthesize']);
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, 'kv-'));
  try {
    const exact = path.join(folder, 'exact.gguf');
    const text = path.join(folder, 'text.txt');
    say('Making the same model as F32 …');
    await run(path.join(tools, 'zell_synthesize'), [exact, '--convert', model, '--type', 'F32']);
    writeText(text);
    console.log('weights, keys and values: perplexity, more than f16 by | divergence from f16, same best token');
    const rows: KvRow[] = [];
    for (const [weights, file] of [
      ['exact', exact],
      ['file', model],
    ] as const) {
      const args = ['--model', file, '--text', text, '--tokens', quick ? '2048' : '12288', '--backend', backend()];
      for await (const line of lines(path.join(tools, 'zell_kv_proof'), args)) {
        const measured = JSON.parse(line) as Measured;
        const goal = weights === 'exact' ? GOALS[measured.name] : undefined;
        const row = { ...measured, weights, ...(goal === undefined ? {} : { met: measured.cost <= goal }) };
        rows.push(row);
        show(row, goal);
      }
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function show(row: KvRow, goal: number | undefined): void {
  const percent = (part: number, digits: number): string => `${(part * 100).toFixed(digits)} %`;
  console.log(
    `${row.weights}, ${row.name}: ${row.perplexity.toFixed(3)}, ${percent(row.cost, 2)} | ${row.kl.toExponential(1)}, ` +
      percent(row.sameBest, 1) +
      (goal === undefined ? '' : ` | goal ${percent(goal, 1)} ${row.met === true ? 'met' : 'MISSED'}`),
  );
}

/** The oracle's kernels for this processor. */
function backend(): string {
  const names = readdirSync(ORACLE_LIBRARIES).filter((name) => name.startsWith('libggml-cpu-'));
  const name = names.find((found) => found.includes('haswell')) ?? names[0];
  if (name === undefined) throw new Error(`${ORACLE_LIBRARIES} holds no libggml-cpu-*`);
  return path.join(ORACLE_LIBRARIES, name);
}
