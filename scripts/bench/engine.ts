// Suite `engine`: prefill, decode, depth, several sequences, load and memory, ours and the peers' in turn on the same files.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from '../lib/setup.mjs';
import type { Contestant, Entrant, Load } from './contestant.ts';
import { takeTurns, takeTurnsFresh, type Measure, type Measurement } from './measure.ts';
import { DEFAULT, ModelFiles, MODELS, type BenchModel } from './models.ts';
import { ours, ourMachine, tokenWork } from './ours.ts';
import { builtPeer, CACHE, forkPeer, prebuiltPeer } from './peer.ts';
import { peer } from './peerProcess.ts';
import { commit, cpuFlags, machine, type BenchReport } from './report.ts';
import { LLAMA_AVX2, PREBUILT_AMX, requirements } from './requirements.ts';
import { writeText } from './text.ts';

const PREFILL = 512;
const DECODE = 128;
const DEPTH = 4096;
const TOGETHER = [4, 8] as const;
export const THREADS = 2;

export interface SuiteOptions {
  readonly peers: boolean;
  readonly quick: boolean;
  readonly rounds: number;
  /** Beginnings of the measurements that are wanted (`decode/1.5B`, `load`); none: all. */
  readonly only: readonly string[];
  readonly defaultModel: string;
  /** A file of somebody's own instead of the list. */
  readonly model?: string;
  /** Sources of ik_llama.cpp. */
  readonly fork?: string;
  readonly say: (line: string) => void;
}

interface Field {
  readonly everybody: readonly Entrant[];
  readonly main: readonly Entrant[];
  readonly avx2: readonly Entrant[];
}

export async function engineSuite(options: SuiteOptions): Promise<BenchReport> {
  const suite = new Suite(options);
  return suite.run();
}

class Suite {
  readonly #options: SuiteOptions;
  readonly #measurements: Measurement[] = [];
  readonly #skipped: string[] = [];
  readonly #files = new Map<string, { tokenBytes: number; tokenOps: number; bytes: number }>();
  readonly #text = path.join(CACHE, 'bench', 'text.txt');

  constructor(options: SuiteOptions) {
    this.#options = options;
  }

  async run(): Promise<BenchReport> {
    const { defaultModel, model, quick, say, rounds } = this.#options;
    writeText(this.#text);
    // What takes minutes the first time is not part of the suite's time.
    const machineLimits = await ourMachine(defaultModel, THREADS);
    const field = await this.#field(machineLimits.isa);
    const models: { model: BenchModel; path: string }[] = [];
    const makers = new ModelFiles(defaultModel, say);
    const wanted: readonly BenchModel[] =
      model === undefined
        ? MODELS.filter((m) => !quick || m.quick === true)
        : [{ name: path.basename(model, '.gguf') }];
    for (const m of wanted) {
      if (!this.#wantsFile(m.name)) continue;
      const made = model === undefined ? await makers.get(m) : { path: model, bytes: 0 };
      if ('missing' in made) this.#skip(m.name, made.missing);
      else models.push({ model: m, path: made.path });
    }

    const started = performance.now();
    for (const { model: m, path: file } of models) {
      const done = performance.now();
      await this.#speeds(m, file, field).catch((error: unknown) => this.#skip(m.name, String(error)));
      say(`${m.name}: ${((performance.now() - done) / 1000).toFixed(0)} s`);
    }
    const first = models[0];
    if (first !== undefined && (first.model.name === DEFAULT || model !== undefined)) {
      await this.#depth(first.model.name, first.path, field.main);
      await this.#loading(first.model.name, first.path, field.main);
    }
    const seconds = (performance.now() - started) / 1000;
    // Twice, before and after: somebody else's load on the machine shows as a difference.
    const after = await ourMachine(defaultModel, THREADS);
    const readBytesPerSecond = Math.max(machineLimits.readBytesPerSecond, after.readBytesPerSecond);
    const facts = {
      measurements: this.#measurements,
      isa: machineLimits.isa,
      readBytesPerSecond,
      int8OpsPerSecond: Math.max(machineLimits.int8OpsPerSecond, after.int8OpsPerSecond),
      cacheBytes: lastLevelCacheBytes(),
      files: this.#files,
    };
    return {
      machine: {
        ...machine(),
        isa: machineLimits.isa,
        threads: THREADS,
        readBytesPerSecond,
        int8OpsPerSecond: Math.max(machineLimits.int8OpsPerSecond, after.int8OpsPerSecond),
      },
      commit: commit(ROOT),
      rounds,
      seconds,
      skipped: this.#skipped,
      measurements: this.#measurements,
      // With a choice of measurements, the rows of the others would say nothing.
      rows: requirements(facts).filter((row) => row.reached !== null || this.#options.only.length === 0),
    };
  }

  /** Who takes part. A peer that is not there is left out by name. */
  async #field(isa: string): Promise<Field> {
    const { peers, fork, defaultModel, say } = this.#options;
    const main: Entrant[] = [ours()];
    const everybody: Entrant[] = [];
    const avx2: Entrant[] = cpuFlags().has('avx2') && isa !== 'avx2' ? [ours('avx2')] : [];
    if (isa === 'amx') everybody.push(ours('avx512vnni'));
    if (!peers) return { main, everybody: [...main, ...everybody], avx2: [] };
    main.push(peer(await builtPeer(defaultModel, say)));
    if (fork === undefined) this.#skip('ik_llama.cpp', 'no sources named (--ik DIR or ZELL_IK_LLAMA)');
    else everybody.push(peer(await forkPeer(fork, defaultModel, say)));
    if (isa === 'amx') {
      const amx = await prebuiltPeer(PREBUILT_AMX, 'sapphirerapids', defaultModel);
      if (amx === undefined) this.#skip(PREBUILT_AMX, 'it does not run here');
      else everybody.push(peer(amx));
    }
    if (avx2.length > 0) {
      const haswell = await prebuiltPeer(LLAMA_AVX2, 'haswell', defaultModel);
      if (haswell === undefined) this.#skip(LLAMA_AVX2, 'it does not run here');
      else avx2.push(peer(haswell));
    }
    return { main, everybody: [...main, ...everybody], avx2 };
  }

  async #speeds(model: BenchModel, file: string, field: Field): Promise<void> {
    const { rounds } = this.#options;
    const { name } = model;
    const steps = model.steps ?? DECODE;
    const work = await tokenWork(file);
    this.#files.set(name, { tokenBytes: work.bytes, tokenOps: 2 * work.weights, bytes: sizeOf(file) });
    const prefill: Measure = { id: `prefill/${name}`, what: `prefill ${PREFILL}`, run: (c) => c.prefill(PREFILL) };
    const decode: Measure = {
      id: `decode/${name}`,
      what: `decode ${steps}`,
      run: (c) => c.decode(steps, 0, 1),
      among: (contestant) => contestant !== 'ours avx512vnni',
    };
    const measures = this.#wanted([...(model.decodeOnly === true ? [] : [prefill]), decode]);
    const load = { model: file, threads: THREADS, context: 1024, sequences: 1, kv: 'f16', text: this.#text } as const;
    for (const entrants of groups(field.everybody, sizeOf(file)))
      await this.#take(name, entrants, load, measures, rounds);

    if (model.avx2 === true || this.#options.model !== undefined) {
      const forced = this.#wanted([
        { ...prefill, id: `prefill-avx2/${name}`, what: `prefill ${PREFILL}, AVX2` },
        { id: `decode-avx2/${name}`, what: `decode ${steps / 2}, AVX2`, run: (c) => c.decode(steps / 2, 0, 1) },
      ]);
      await this.#take(name, field.avx2, load, forced, Math.min(rounds, 5));
    }
    if (name === DEFAULT || model.quick !== true || this.#options.model !== undefined)
      await this.#together(model, file, field.main);
  }

  async #together(model: BenchModel, file: string, entrants: readonly Entrant[]): Promise<void> {
    if (model.name !== DEFAULT && model.name !== '1.5B-Q6_K' && this.#options.model === undefined) return;
    const steps = Math.max(16, (model.steps ?? DECODE) / 4);
    for (const n of TOGETHER) {
      const load = { model: file, threads: THREADS, context: 512, sequences: n, kv: 'f16', text: this.#text } as const;
      const measure = {
        id: `together-${n}/${model.name}`,
        what: `${n} sequences together`,
        run: (c: Contestant) => c.decode(steps, 0, n),
      };
      await this.#take(model.name, entrants, load, this.#wanted([measure]), this.#options.rounds);
    }
  }

  async #depth(name: string, file: string, entrants: readonly Entrant[]): Promise<void> {
    for (const kv of ['f16', 'q8_0'] as const) {
      const measure = {
        id: `depth-${kv}/${name}`,
        what: `decode 32 at ${DEPTH}, ${kv} KV`,
        run: (c: Contestant) => c.decode(32, DEPTH, 1),
      };
      const load = { model: file, threads: THREADS, context: DEPTH + 256, sequences: 1, kv, text: this.#text } as const;
      await this.#take(name, entrants, load, this.#wanted([measure]), this.#options.rounds);
    }
  }

  /** A fresh process each time, with the model's own context: load, first token, a short answer, resident memory. */
  async #loading(name: string, file: string, entrants: readonly Entrant[]): Promise<void> {
    const ids = [`load/${name}`, `memory/${name}`];
    if (!ids.some((id) => this.#wants(id))) return;
    const load = { model: file, threads: THREADS, context: 0, sequences: 1, kv: 'f16', text: this.#text } as const;
    const figures = await takeTurnsFresh(
      entrants,
      load,
      async (contestant, loadMs) => {
        const ms = loadMs + (await contestant.first(8));
        await contestant.prefill(128);
        await contestant.decode(32, 0, 1);
        return [ms, (contestant.residentBytes() ?? Number.NaN) / 1e6];
      },
      this.#options.rounds,
    );
    const column = (at: number): Record<string, number[]> =>
      Object.fromEntries(Object.entries(figures).map(([who, rows]) => [who, rows.map((row) => row[at] ?? Number.NaN)]));
    const common = { file: name, better: 'less' } as const;
    this.#measurements.push(
      { ...common, id: `load/${name}`, what: 'load to first token', unit: 'ms', figures: column(0) },
      { ...common, id: `memory/${name}`, what: 'resident after an answer', unit: 'MB', figures: column(1) },
    );
  }

  async #take(
    file: string,
    entrants: readonly Entrant[],
    load: Load,
    measures: readonly Measure[],
    rounds: number,
  ): Promise<void> {
    if (measures.length === 0 || entrants.length === 0) return;
    const all = await takeTurns(entrants, load, measures, rounds, (who, why) => this.#skip(`${who}, ${file}`, why));
    for (const { id, what } of measures) {
      const figures = all.get(id) ?? {};
      if (Object.keys(figures).length === 0) continue;
      const before = this.#measurements.findIndex((m) => m.id === id);
      // A second group measured ours again: its pairs are its own, so the first group's stay and the new peers join.
      if (before >= 0) {
        const old = this.#measurements[before];
        if (old !== undefined) this.#measurements[before] = { ...old, figures: { ...figures, ...old.figures } };
      } else this.#measurements.push({ id, what, file, unit: 'tokens/s', better: 'more', figures });
    }
  }

  #wanted(measures: readonly Measure[]): Measure[] {
    return measures.filter((m) => this.#wants(m.id));
  }

  #wants(id: string): boolean {
    return this.#options.only.length === 0 || this.#options.only.some((start) => id.startsWith(start));
  }

  /** Whether any measurement of the file is wanted: files take time to make. */
  #wantsFile(name: string): boolean {
    const kinds = ['prefill', 'decode', 'prefill-avx2', 'decode-avx2', ...TOGETHER.map((n) => `together-${n}`)];
    if (name === DEFAULT || this.#options.model !== undefined) kinds.push('depth-f16', 'depth-q8_0', 'load', 'memory');
    return kinds.some((kind) => this.#wants(`${kind}/${name}`));
  }

  #skip(what: string, why: string): void {
    this.#skipped.push(`${what}: ${why}`);
    this.#options.say(`left out: ${what}: ${why}`);
  }
}

/** Everybody at once, or ours with one other at a time when memory cannot hold a copy of the file for each. */
function groups(entrants: readonly Entrant[], bytes: number): (readonly Entrant[])[] {
  if (bytes * (entrants.length + 1) * 1.2 < availableBytes()) return [entrants];
  const [first, ...others] = entrants;
  return first === undefined ? [] : others.length === 0 ? [[first]] : others.map((other) => [first, other]);
}

function availableBytes(): number {
  try {
    return Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return os.freemem();
  }
}

function lastLevelCacheBytes(): number {
  try {
    const folder = '/sys/devices/system/cpu/cpu0/cache';
    const sizes = readdirSync(folder)
      .filter((name) => name.startsWith('index'))
      .map((name) => readFileSync(path.join(folder, name, 'size'), 'utf8').trim());
    return Math.max(...sizes.map((size) => Number.parseInt(size, 10) * (size.endsWith('M') ? 2 ** 20 : 2 ** 10)));
  } catch {
    return 64 * 2 ** 20;
  }
}

function sizeOf(file: string): number {
  return statSync(file).size;
}
