// Suite `quantize`: how far files made by `zell quantize` are from their source, beside llama.cpp's own files of the same
// type, both read by our engine over the same text.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../lib/setup.mjs';
import { lines, oracleTools } from './oracleTools.ts';
import { CACHE } from './peer.ts';
import { writeText } from './text.ts';

const run = promisify(execFile);

/** Divergence, as a part of llama.cpp's, that a type must not exceed. */
const GOAL = 1.1;
/** Below this both files are as good as their source, and the ratio is noise. */
const NOTHING = 1e-6;

const PLAIN =
  'Q8_0 Q6_K Q5_K_M Q5_K_S Q5_1 Q5_0 Q4_K_M Q4_K_S Q4_1 IQ4_NL Q4_0 IQ4_XS MXFP4 Q3_K_L Q3_K_M Q3_K_S Q2_K TQ2_0 TQ1_0'.split(
    ' ',
  );
const WEIGHTED = 'Q6_K Q5_K_M Q5_1 Q5_0 Q4_K_M Q4_1 IQ4_NL Q4_0 IQ4_XS MXFP4 Q3_K_M Q2_K'.split(' ');
const QUICK = ['Q4_K_M', 'IQ4_XS', 'Q2_K'];

interface Measured {
  readonly type: string;
  readonly klOurs: number;
  readonly klOracle: number;
  readonly sameBestOurs: number;
  readonly sameBestOracle: number;
  readonly bytesOurs: number;
  readonly bytesOracle: number;
  readonly secondsOurs: number;
  readonly secondsOracle: number;
}

export interface QuantizeRow extends Measured {
  readonly weighted: boolean;
  readonly ratio: number;
  readonly met: boolean;
}

export interface QuantizeSuiteOptions {
  readonly quick: boolean;
  /** Beginnings of names of types; empty: all. */
  readonly only: readonly string[];
  /** The source is this file as F32. */
  readonly model: string;
  readonly say: (line: string) => void;
}

export async function quantizeSuite({ quick, only, model, say }: QuantizeSuiteOptions): Promise<QuantizeRow[]> {
  const tools = await oracleTools(['zell_quantize_proof', 'zell_synthesize']);
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, 'quantize-'));
  try {
    const source = path.join(folder, 'source.gguf');
    const text = path.join(folder, 'text.txt');
    const other = path.join(folder, 'other.txt');
    say('Making the source, the same model as F32 …');
    await run(path.join(tools, 'zell_synthesize'), [source, '--convert', model, '--type', 'F32']);
    writeText(text);
    writeFileSync(other, otherText());
    console.log(
      'type: divergence ours, llama.cpp, ratio | same best token | MB ours, llama.cpp | seconds ours, llama.cpp',
    );
    const rows: QuantizeRow[] = [];
    for (const weighted of [false, true]) {
      const types = chosen(quick ? QUICK : weighted ? WEIGHTED : PLAIN, only);
      if (types.length === 0) continue;
      const args = ['--source', source, '--text', text, '--types', types.join(','), '--folder', folder];
      args.push('--tokens', quick ? '1024' : '4096', ...(weighted ? ['--measure', other] : []));
      for await (const line of lines(path.join(tools, 'zell_quantize_proof'), args)) {
        const row = judge(JSON.parse(line) as Measured, weighted);
        rows.push(row);
        show(row);
      }
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function chosen(types: readonly string[], only: readonly string[]): string[] {
  return types.filter((type) => only.length === 0 || only.some((name) => type.startsWith(name)));
}

/** What importance is measured over: none of it is in the text that files are compared on. */
function otherText(): string {
  const rooms = path.join(ROOT, 'native/src');
  return readdirSync(rooms)
    .sort()
    .map((room) => readFileSync(path.join(rooms, room, 'README.md'), 'utf8'))
    .join('\n');
}

function judge(measured: Measured, weighted: boolean): QuantizeRow {
  const { klOurs, klOracle } = measured;
  return { ...measured, weighted, ratio: klOurs / klOracle, met: klOurs <= Math.max(GOAL * klOracle, NOTHING) };
}

function show(row: QuantizeRow): void {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
  console.log(
    `${row.type}${row.weighted ? ' with importance' : ''}: ${row.klOurs.toPrecision(3)}, ${row.klOracle.toPrecision(3)}, ` +
      `×${row.ratio.toFixed(2)} | ${percent(row.sameBestOurs)}, ${percent(row.sameBestOracle)} | ` +
      `${mb(row.bytesOurs)}, ${mb(row.bytesOracle)} | ${row.secondsOurs.toFixed(1)}, ${row.secondsOracle.toFixed(1)} | ` +
      `goal ×${GOAL} ${row.met ? 'met' : 'MISSED'}`,
  );
}
