/** An adapter from elsewhere (a PEFT folder or a GGUF file) through the same gate as a night's, and into force when it passes. */
import { copyFile, mkdtemp, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { AdapterVersion, Verdict } from '#protocol/adapters.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import type { Card } from '#protocol/memory.ts';
import { makeProbes } from '../../memory/dreaming/makeItems.ts';
import { ioError } from '../../store/durable.ts';
import { DOSES, searchDose, type Measured } from '../gate/gate.ts';
import { GateMeasurement, type GateEngine } from '../gate/measure.ts';
import type { StepHooks } from '../sleep/sleepCycle.ts';
import type { AdapterStore } from './adapterStore.ts';
import type { AdapterEngine } from './autoAdapter.ts';
import { incumbentOf, withCandidate } from './candidate.ts';
import { readGgufMetadata } from './ggufAdapter.ts';
import { importPeft } from './peftFolder.ts';
import { sha256 } from './versionFacts.ts';

/** Memories that are asked for; each costs some seconds. */
const MOST_CARDS = 30;
/** Of so few each is asked in three wordings. */
const FEW_CARDS = 10;
const NOTHING = { before: [], after: [] };

export interface ImportParts {
  readonly engine: AdapterEngine;
  readonly store: AdapterStore;
  readonly voice: GateEngine;
  /** `lora` in the Zell home. */
  readonly folder: string;
  /** Memories that hold now. */
  readonly cards: readonly Card[];
  readonly hooks: Pick<StepHooks, 'valve' | 'signal'>;
}

/**
 * Memories are asked for in wordings that training never sees: with it no fewer may be known than with the adapter in force. What it
 * turns out to know counts as taught to it, so that forgetting takes it too.
 * @returns the version with its verdict: promoted, or rejected
 * @throws {ZellError} not_found; bad_model_file, unsupported: it does not fit this model, or is none
 */
export async function importAdapter(given: string, model: ModelInfo, parts: ImportParts): Promise<AdapterVersion> {
  const { store } = parts;
  const work = await workFolder(parts.folder);
  try {
    const file = path.join(work, 'candidate.lora');
    await fetchInto(file, given, model);
    const hash = sha256(await readFile(file));
    const { versions, next, active } = await store.manifest(model.modelHash);
    const run = `import-${hash.slice(0, 16)}`;
    const same = versions.find((v) => v.version === active && v.run.startsWith(run));
    if (same !== undefined) return same;
    const { verdict, known } = await measure(file, model, parts);
    const { version } = await store.adopt(model.modelHash, {
      file,
      run: `${run}-${next}`,
      by: 'import',
      events: parts.cards.flatMap((card) => (known.includes(card.id) ? card.sources : [])),
      cards: known,
      recipe: { imported: path.basename(given) },
    });
    return await store.judge(model.modelHash, version, verdict);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fetchInto(file: string, given: string, model: ModelInfo): Promise<void> {
  const found = await stat(given).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ZellError('not_found', `There is no ${given}.`);
    throw ioError(error, given);
  });
  if (found.isDirectory()) return importPeft(given, model.path, model.modelHash, file);
  // A copy: what is measured is what comes into force, whatever happens to the original meanwhile.
  await copyFile(given, file).catch((error: unknown) => {
    throw ioError(error, file);
  });
}

async function measure(
  file: string,
  model: ModelInfo,
  { engine, store, voice, cards, hooks }: ImportParts,
): Promise<{ readonly verdict: Verdict; readonly known: readonly string[] }> {
  const asked = cards.slice(0, MOST_CARDS);
  const wordings = asked.length > FEW_CARDS ? 1 : 3;
  const probes = makeProbes(asked, { seed: 1, wordings, rivals: cards });
  const questions = { fresh: probes, old: probes, subjects: cards.map(({ subject }) => subject) };
  const measurement = new GateMeasurement(voice, questions, hooks);
  // The dose is written into alpha; a file without one has only its own.
  const doses = Number((await readGgufMetadata(file)).get('adapter.lora.alpha') ?? 0) === 0 ? [1] : DOSES;
  return withCandidate(
    engine,
    file,
    async (id) => {
      const incumbent = await incumbentOf(engine, store, model.modelHash);
      const measured = async (scale: number): Promise<Measured> => {
        // Nobody says that it was to learn them: it must not know less than what answers now.
        return { ...(await measurement.measure(id, scale, incumbent)), newChoice: NOTHING };
      };
      const { numbers, ...verdict } = await searchDose(measured, doses);
      const missed = new Set(measurement.missed(verdict.scale));
      const told = Object.entries(numbers).filter(([name]) => !name.startsWith('choice'));
      return {
        verdict: { ...verdict, numbers: Object.fromEntries(told) },
        known: asked.map(({ id: card }) => card).filter((card) => !missed.has(card)),
      };
    },
    hooks.signal,
  );
}

/** One at a time: what a killed import left goes. */
async function workFolder(lora: string): Promise<string> {
  try {
    await mkdir(lora, { recursive: true, mode: 0o700 });
    for (const name of await readdir(lora))
      if (name.startsWith('import-')) await rm(path.join(lora, name), { recursive: true, force: true });
    return await mkdtemp(path.join(lora, 'import-'));
  } catch (error) {
    throw ioError(error, lora);
  }
}
