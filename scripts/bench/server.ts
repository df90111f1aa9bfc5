// Suite `server`: the product's own host process and llama-server, both with the default model, in turn over HTTP.
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../lib/setup.mjs';
import { THREADS } from './engine.ts';
import { IDLE_MS, type Measurement } from './measure.ts';
import { ourMachine } from './ours.ts';
import { builtServer } from './peer.ts';
import { commit, machine, type BenchReport } from './report.ts';
import { removeHome, startLlamaServer, startOurs, type Server } from './serverProcess.ts';
import { serverRows } from './serverRows.ts';
import { cancels, full, gap } from './serverLoad.ts';
import { busy, engineAlone, inline, overhead, prefix, Prompts, restart, users, type Figures } from './serverWork.ts';

const FILE = 'default';

interface ServerSuiteOptions {
  readonly peers: boolean;
  readonly rounds: number;
  /** Beginnings of the works that are wanted (`users`, `prefix`); none: all. */
  readonly only: readonly string[];
  readonly model: string;
  readonly say: (line: string) => void;
}

/** What belongs together within a round. */
interface Work {
  readonly name: string;
  readonly run: (server: Server, round: number, prompts: Prompts) => Promise<Figures>;
  /** Of no meaning for llama-server. */
  readonly oursOnly?: true;
}

type Column = Pick<Measurement, 'what' | 'unit' | 'better'>;

const MEASURED: Readonly<Record<string, Column>> = {
  'users-1': { what: '1 user', unit: 'tokens/s', better: 'more' },
  'users-4': { what: '4 users together', unit: 'tokens/s', better: 'more' },
  'engine-1': { what: '1 sequence, engine alone', unit: 'tokens/s', better: 'more' },
  'engine-4': { what: '4 sequences, engine alone', unit: 'tokens/s', better: 'more' },
  'ttft-idle': { what: 'first token, short prompt alone', unit: 'ms', better: 'less' },
  'ttft-busy': { what: 'first token, short beside 4k', unit: 'ms', better: 'less' },
  'ttft-long': { what: 'first token of the 4k', unit: 'ms', better: 'less' },
  'gap-beside': { what: 'gap of a stream beside 4k, p95', unit: 'ms', better: 'less' },
  'gap-step': { what: 'a plain step of that stream', unit: 'ms', better: 'less' },
  'full-refusal': { what: 'refusal by a full queue, p95', unit: 'ms', better: 'less' },
  'full-rate': { what: 'rate of a stream meanwhile', unit: 'share', better: 'more' },
  cancel: { what: 'step after its cancellation, p99', unit: 'ms', better: 'less' },
  'prefix-cold': { what: 'first token, 2k prefix cold', unit: 'ms', better: 'less' },
  'prefix-warm': { what: 'first token, 2k prefix warm', unit: 'ms', better: 'less' },
  'whole-cold': { what: '2k prefix and 128 tokens, cold', unit: 'ms', better: 'less' },
  'whole-warm': { what: '2k prefix and 128 tokens, warm', unit: 'ms', better: 'less' },
  'prefix-build': { what: '2k prefix built ahead and written', unit: 'ms', better: 'less' },
  'restart-cold': { what: 'first request of a process, 2k cold', unit: 'ms', better: 'less' },
  'restart-disk': { what: 'the same after a restart', unit: 'ms', better: 'less' },
  'overhead-1': { what: 'host CPU a token, 1 user', unit: 'µs', better: 'less' },
  'overhead-4': { what: 'host CPU a token, 4 users', unit: 'µs', better: 'less' },
  'overhead-bare': { what: 'CPU a piece, Node that only forwards', unit: 'µs', better: 'less' },
  inline: { what: '24 tokens behind 1,800 cached', unit: 'ms', better: 'less' },
};

export async function serverSuite(options: ServerSuiteOptions): Promise<BenchReport> {
  const { peers, rounds, only, model, say } = options;
  const limits = await ourMachine(model, THREADS);
  const program = peers ? await builtServer(model, say) : undefined;
  const home = mkdtempSync(path.join(os.tmpdir(), 'zell-bench-'));
  const skipped = peers ? [] : ['llama-server: measured with --peers'];
  const servers: Server[] = [];
  const works: readonly Work[] = [
    { name: 'users', run: users },
    { name: 'engine', run: engineAlone, oursOnly: true },
    { name: 'busy', run: busy },
    { name: 'gap', run: gap },
    { name: 'full', run: full, oursOnly: true },
    { name: 'cancel', run: (_server, round) => cancels(model, round), oursOnly: true },
    { name: 'prefix', run: prefix },
    { name: 'overhead', run: overhead, oursOnly: true },
    { name: 'inline', run: inline },
    {
      name: 'restart',
      run: (_server, round, prompts) => restart(model, THREADS, path.join(home, `restart-${round}`), round, prompts),
      oursOnly: true,
    },
  ];
  const wanted = works.filter(({ name }) => only.length === 0 || only.some((start) => name.startsWith(start)));
  const figures: Record<string, Record<string, number[]>> = {};
  const started = performance.now();
  try {
    const ours = await startOurs(model, THREADS, path.join(home, 'ours'));
    servers.push(ours);
    if (program !== undefined) servers.push(await startLlamaServer(program, model, THREADS));
    const prompts = await Prompts.of(ours, model);
    // A server is measured as one that has served: its code is compiled by then.
    for (const server of servers) await users(server, -1);
    for (let round = 0; round < rounds; round++) {
      for (const work of wanted) {
        const taking = servers.filter((server) => server === ours || work.oursOnly !== true);
        for (let i = 0; i < taking.length; i++) {
          // Each is first in turn as often as the other.
          const server = taking[(i + round) % taking.length];
          if (server === undefined) continue;
          await sleep(IDLE_MS);
          for (const [id, value] of Object.entries(await work.run(server, round, prompts)))
            ((figures[id] ??= {})[server.name] ??= []).push(value);
        }
      }
      say(`round ${round + 1} of ${rounds}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
    }
  } finally {
    for (const server of servers) await server.stop();
    removeHome(home);
  }
  const measurements = Object.entries(MEASURED).flatMap(([id, column]) => {
    const found = figures[id];
    return found === undefined ? [] : [{ id: `${id}/${FILE}`, file: FILE, ...column, figures: found }];
  });
  return {
    machine: { ...machine(), ...limits, threads: THREADS },
    commit: commit(ROOT),
    rounds,
    seconds: (performance.now() - started) / 1000,
    skipped,
    measurements,
    rows: serverRows(measurements, limits.isa).filter((row) => row.reached !== null || only.length === 0),
  };
}
