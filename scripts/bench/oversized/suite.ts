// Suite `oversized`: models larger than the memory that they get, on a disk of a fixed rate, ours and llama.cpp in turn.
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from '../../lib/setup.mjs';
import type { Entrant } from '../contestant.ts';
import { THREADS } from '../engine.ts';
import type { Measurement } from '../measure.ts';
import { ModelFiles } from '../models.ts';
import { ours, ourMachine } from '../ours.ts';
import { builtPeer, CACHE } from '../peer.ts';
import { peer } from '../peerProcess.ts';
import { commit, machine, median, nothing, type BenchReport, type Reached } from '../report.ts';
import { benchText } from '../text.ts';
import { Confinement } from './confinement.ts';
import { editPrompts } from './edits.ts';
import { predictedSpeed } from './prediction.ts';
import { routingOf, type Routing } from './routing.ts';
import { oversizedRows, type Outcome } from './rows.ts';
import { runOnce, type Run, type RunInput } from './runs.ts';
import { DISK_RATE, memoryOf, SCENARIOS, type Scenario } from './scenarios.ts';

export interface OversizedOptions {
  readonly peers: boolean;
  readonly quick: boolean;
  readonly big: boolean;
  readonly rounds: number;
  /** Beginnings of scenarios (`moe-45`, `dense`); none: all. */
  readonly only: readonly string[];
  readonly defaultModel: string;
  readonly say: (line: string) => void;
}

interface Made {
  readonly scenario: Scenario;
  readonly file: string;
  readonly bytes: number;
}

/** Of the text, what is decoded before the part that counts. */
const WARM_CHARACTERS = 8192;
/** A file is made only where so much of the disk stays free. */
const FREE_BYTES = 2e9;
const MIXTRAL_BYTES = 27e9;

export async function oversizedSuite(options: OversizedOptions): Promise<BenchReport> {
  const { defaultModel, say, peers, rounds } = options;
  const limits = await ourMachine(defaultModel, THREADS);
  const entrants: Entrant[] = [ours(), ...(peers ? [peer(await builtPeer(defaultModel, say))] : [])];
  const skipped: string[] = peers ? [] : ['llama.cpp: measured with --peers'];
  const folder = mkdtempSync(path.join(os.tmpdir(), 'zell-oversized-'));
  const texts = { warm: path.join(folder, 'warm.txt'), counted: path.join(folder, 'counted.txt') };
  writeFileSync(texts.warm, benchText().slice(0, WARM_CHARACTERS));
  writeFileSync(texts.counted, benchText().slice(WARM_CHARACTERS));
  const files = await madeFiles(options, skipped);
  const outcomes: Outcome[] = [];
  let inMemory = nothing('measured with moe-45 and --peers');
  const started = performance.now();
  try {
    for (const made of files) {
      const confinement = Confinement.make(made.file, DISK_RATE);
      if (typeof confinement === 'string') {
        skipped.push(`${made.scenario.id}: ${confinement}`);
        continue;
      }
      try {
        const { scenario, file } = made;
        const edits = scenario.ours.edits === undefined ? [] : await editPrompts(defaultModel);
        const memoryBytes = memoryOf(scenario, made.bytes);
        const input = { scenario, file, threads: THREADS, memoryBytes, confinement, texts, edits };
        const outcome = await measure(made, entrants, input, rounds, limits, say);
        outcomes.push(outcome);
        if (scenario.id === 'moe-45' && peers)
          inMemory = await everythingInMemory(entrants, input).catch((error: unknown) => nothing(String(error)));
        say(`${scenario.id}: ${summary(outcome)}; ${((performance.now() - started) / 1000).toFixed(0)} s so far`);
      } finally {
        confinement.remove();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = oversizedRows(outcomes, inMemory, limits.isa);
  return {
    machine: { ...machine(), ...limits, threads: THREADS },
    commit: commit(ROOT),
    rounds,
    seconds: (performance.now() - started) / 1000,
    skipped,
    measurements: outcomes.flatMap(measurements),
    rows: rows.filter((row) => row.reached !== null || options.only.length === 0),
  };
}

async function madeFiles(
  { quick, big, only, defaultModel, say }: OversizedOptions,
  skipped: string[],
): Promise<Made[]> {
  const makers = new ModelFiles(defaultModel, say);
  const made: Made[] = [];
  for (const scenario of SCENARIOS) {
    const wanted = only.length === 0 ? !quick || scenario.quick === true : only.some((o) => scenario.id.startsWith(o));
    if (!wanted || (scenario.big === true && !big)) continue;
    const free = statfsSync(os.homedir());
    if (scenario.big === true && free.bavail * free.bsize < MIXTRAL_BYTES + FREE_BYTES) {
      skipped.push(`${scenario.id}: ${(MIXTRAL_BYTES / 1e9).toFixed(0)} GB do not fit beside what is in ${CACHE}`);
      continue;
    }
    const file = await makers.get(scenario.model);
    if ('missing' in file) skipped.push(`${scenario.id}: ${file.missing}`);
    else made.push({ scenario, file: file.path, bytes: file.bytes });
  }
  return made;
}

async function measure(
  { scenario, file, bytes }: Made,
  entrants: readonly Entrant[],
  input: RunInput & { readonly memoryBytes: number },
  rounds: number,
  limits: { readonly readBytesPerSecond: number; readonly int8OpsPerSecond: number },
  say: (line: string) => void,
): Promise<Outcome> {
  const runs: Record<string, Run[]> = {};
  const failed: Record<string, string> = {};
  const disk = input.confinement.readRate(file);
  for (let round = 0; round < Math.min(rounds, scenario.rounds ?? rounds); round++) {
    for (let i = 0; i < entrants.length; i++) {
      const entrant = entrants[(i + round) % entrants.length];
      if (entrant === undefined || entrant.name in failed) continue;
      try {
        const run = await runOnce(entrant, input);
        (runs[entrant.name] ??= []).push(run);
        say(
          `  ${entrant.name}: first token ${run.firstMs.toFixed(0)} ms, ${run.decode.toFixed(2)} tokens/s, prefill ${run.prefill.toFixed(1)}`,
        );
      } catch (error) {
        failed[entrant.name] = error instanceof Error ? error.message : String(error);
        say(`  ${entrant.name}: ${failed[entrant.name] ?? ''}`);
      }
    }
  }
  const mine = runs['ours'] ?? [];
  const slots = mine[0]?.info?.fit.streaming?.expertsInMemory;
  const routing: Routing | undefined =
    scenario.kind === 'mixture' && slots !== undefined
      ? await routingOf(file, scenario, input.texts, slots).catch((error: unknown) => {
          say(`  routing: ${String(error)}`);
          return undefined;
        })
      : undefined;
  const rate = `disk ${(disk / 1e6).toFixed(0)} MB/s`;
  return {
    ...{ scenario, fileBytes: bytes, memoryBytes: input.memoryBytes },
    disk: input.confinement.unthrottled === undefined ? rate : `${rate}, not held: ${input.confinement.unthrottled}`,
    machine: { disk, memory: limits.readBytesPerSecond, int8Ops: limits.int8OpsPerSecond },
    ours: mine,
    peer: runs['llama.cpp'] ?? [],
    failed: {
      ...(failed['ours'] === undefined ? {} : { ours: failed['ours'] }),
      ...(failed['llama.cpp'] === undefined ? {} : { peer: failed['llama.cpp'] }),
    },
    ...(routing === undefined ? {} : { routing }),
    ...(mine.length === 0 || scenario.predict !== true ? {} : { predicted: await predictedSpeed(input) }),
  };
}

/** The mixture without limits: what streaming costs who does not need it. */
async function everythingInMemory(entrants: readonly Entrant[], input: RunInput): Promise<Reached> {
  const ratios: number[] = [];
  const { ours: amount } = input.scenario;
  const scenario = { ...input.scenario, peers: amount };
  for (let round = 0; round < 3; round++) {
    const speeds = new Map<string, number>();
    for (const entrant of round % 2 === 0 ? entrants : [...entrants].reverse())
      speeds.set(entrant.name, (await runOnce(entrant, { ...input, scenario, memoryBytes: undefined })).decode);
    ratios.push((speeds.get('ours') ?? Number.NaN) / (speeds.get('llama.cpp') ?? Number.NaN));
  }
  return { value: median(ratios), note: `decode of ${input.scenario.model.name}, no limits` };
}

function measurements({ scenario, ours: mine, peer: theirs }: Outcome): Measurement[] {
  const column = (
    id: string,
    what: string,
    unit: Measurement['unit'],
    get: (run: Run) => number | undefined,
  ): Measurement => {
    const all = (runs: readonly Run[]): number[] => runs.map(get).filter((value) => value !== undefined);
    const figures = { ours: all(mine), ...(theirs.length === 0 ? {} : { 'llama.cpp': all(theirs) }) };
    return {
      id: `${id}/${scenario.id}`,
      what,
      file: scenario.id,
      unit,
      better: unit === 'ms' ? 'less' : 'more',
      figures,
    };
  };
  return [
    column('decode', 'decode', 'tokens/s', (run) => run.decode),
    column('prefill', 'prefill 256', 'tokens/s', (run) => run.prefill),
    column('first', 'load to first token', 'ms', (run) => run.firstMs),
    column('edits', 'greedy, code to edit', 'tokens/s', (run) => run.greedy),
  ].filter(({ figures }) => Object.values(figures).some((values) => values.length > 0));
}

function summary({ ours: mine, peer: theirs, failed, memoryBytes }: Outcome): string {
  const speed = (runs: readonly Run[], why: string | undefined): string =>
    runs.length === 0 ? (why ?? 'not measured') : `${median(runs.map((run) => run.decode)).toFixed(2)} tokens/s`;
  return `${(memoryBytes / 1e6).toFixed(0)} MB, ours ${speed(mine, failed.ours)}, llama.cpp ${speed(theirs, failed.peer)}`;
}
