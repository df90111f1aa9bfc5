// Suite `engine`: decode and prefill of the default model, ours and the peer's in turn, same file, same threads.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { BenchmarkResult } from '#protocol/engine.ts';
import { buildPeer } from './peer.ts';
import { row, type BenchRow } from './report.ts';

const run = promisify(execFile);
const PREFILL = 512;
const DECODE = 128;
const THREADS = 2;

export interface SuiteOptions {
  readonly peers: boolean;
  readonly quick: boolean;
  readonly model: string;
  /** One measurement of ours: a fresh sequence each time, warm-up left out. */
  readonly ours: (promptTokens: number, decodeTokens: number) => Promise<BenchmarkResult>;
  readonly say: (line: string) => void;
}

export const ENGINE_THREADS = THREADS;

export async function engineSuite(options: SuiteOptions): Promise<{ rows: BenchRow[]; isa: string }> {
  const peer = options.peers ? await buildPeer(options.model, options.say) : undefined;
  const rounds = options.quick ? 2 : 7;
  const ours: { prefill: number[]; decode: number[] } = { prefill: [], decode: [] };
  const theirs: { prefill: number[]; decode: number[] } = { prefill: [], decode: [] };
  let isa = '';
  await options.ours(PREFILL, 16);
  for (let round = 0; round < rounds; round++) {
    const result = await options.ours(PREFILL, DECODE);
    isa = result.isa;
    ours.prefill.push(result.prefill.tokensPerSecond);
    ours.decode.push(result.decode.tokensPerSecond);
    if (peer !== undefined) {
      const figures = await measurePeer(peer, options.model);
      theirs.prefill.push(figures.prefill);
      theirs.decode.push(figures.decode);
    }
    options.say(`round ${round + 1} of ${rounds}`);
  }
  return {
    isa,
    rows: [
      row(
        { id: 'decode', what: `decode ${DECODE}, ${THREADS} threads`, unit: 'tokens/s', must: 0.7, aim: 1 },
        ours.decode,
        theirs.decode,
      ),
      row(
        { id: 'prefill-512', what: `prefill ${PREFILL}, ${THREADS} threads`, unit: 'tokens/s', must: 0.5, aim: 1 },
        ours.prefill,
        theirs.prefill,
      ),
    ],
  };
}

async function measurePeer(program: string, model: string): Promise<{ prefill: number; decode: number }> {
  const args = [
    '-m',
    model,
    '-p',
    String(PREFILL),
    '-n',
    String(DECODE),
    '-t',
    String(THREADS),
    '-r',
    '1',
    '-o',
    'json',
  ];
  const { stdout } = await run(program, args);
  const results = JSON.parse(stdout) as { n_prompt: number; n_gen: number; avg_ts: number }[];
  const find = (test: (r: { n_prompt: number; n_gen: number }) => boolean): number =>
    results.find(test)?.avg_ts ?? Number.NaN;
  return { prefill: find((r) => r.n_gen === 0), decode: find((r) => r.n_prompt === 0) };
}
