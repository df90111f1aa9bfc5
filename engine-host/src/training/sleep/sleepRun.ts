/** One night's work as a record that outlives a crash: what it is made of, its name, how far it is. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { TrainRecipe } from '#protocol/trainer.ts';
import { syncFolder, writeDurably } from '../../store/durable.ts';

export type RunStep = 'dreaming' | 'training' | 'evaluating';

export interface SleepRun {
  /** 16 hex digits: a hash of everything below that decides what comes out. */
  readonly id: string;
  /** Hash of the model, and its file. */
  readonly model: string;
  readonly modelPath: string;
  /** SHA-256 of the adapter that training goes on from; absent: from nothing. */
  readonly parent?: string;
  /** Exchanges that this night consolidates, rising. */
  readonly events: readonly number[];
  /** Cards that it is to learn again or for the first time, whatever was said since; absent: a usual night. */
  readonly cards?: readonly string[];
  readonly recipe: TrainRecipe;
  /** Counts the nights over the same events whose adapter was rejected. */
  readonly attempt: number;
  readonly budgetMs: number;
  readonly startedAt: number;
}

export interface RunRecord {
  readonly run: SleepRun;
  /** The step that runs or comes next. */
  readonly at: RunStep;
  /** How often a step of it failed. */
  readonly failures: number;
}

/** H(model, parent, sorted ids, recipe with its seed, attempt, cards if named): the same work has the same name, and its files are found again. */
export function runId(run: Pick<SleepRun, 'model' | 'parent' | 'events' | 'recipe' | 'attempt' | 'cards'>): string {
  const recipe = Object.entries(run.recipe).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const ids = run.events.toSorted((a, b) => a - b);
  const cards = run.cards === undefined ? [] : [run.cards.toSorted()];
  const text = JSON.stringify([1, run.model, run.parent ?? null, ids, recipe, run.attempt, ...cards]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** `memory/sleep/`: `run.json` is the night that is under way, `{id}/` holds its files. */
export class RunFolder {
  readonly folder: string;

  constructor(memoryFolder: string) {
    this.folder = path.join(memoryFolder, 'sleep');
  }

  /** Of one run; made when missing. */
  async of(run: Pick<SleepRun, 'id'>): Promise<string> {
    const folder = path.join(this.folder, run.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  /** The interrupted night, if there is one whose record is whole. */
  async read(): Promise<RunRecord | undefined> {
    try {
      const value: unknown = JSON.parse(await readFile(path.join(this.folder, 'run.json'), 'utf8'));
      return isRecord(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  async write(run: SleepRun, at: RunStep, failures = 0): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await writeDurably(path.join(this.folder, 'run.json'), `${JSON.stringify({ v: 1, run, at, failures })}\n`);
  }

  /** The night is over: its record goes first, then everything of any night that is not under way. */
  async clear(): Promise<void> {
    await rm(path.join(this.folder, 'run.json'), { force: true });
    await syncFolder(this.folder).catch(() => undefined);
    await this.collect(undefined);
  }

  /** Removes what nights left that are not `keep`. */
  async collect(keep: string | undefined): Promise<void> {
    const names = await readdir(this.folder).catch(() => []);
    for (const name of names)
      if (name !== keep && name !== 'run.json' && name !== 'sleeper.lock')
        await rm(path.join(this.folder, name), { recursive: true, force: true });
  }
}

function isRecord(value: unknown): value is RunRecord {
  if (typeof value !== 'object' || value === null || !('run' in value) || !('at' in value) || !('v' in value))
    return false;
  const { run, at, v } = value;
  if (!('failures' in value) || typeof value.failures !== 'number') return false;
  if (v !== 1 || !['dreaming', 'training', 'evaluating'].includes(at as string)) return false;
  if (typeof run !== 'object' || run === null) return false;
  const { id, model, modelPath, events, recipe, attempt, budgetMs, startedAt, parent, cards } = run as Record<
    string,
    unknown
  >;
  const whole =
    typeof model === 'string' &&
    typeof modelPath === 'string' &&
    (parent === undefined || typeof parent === 'string') &&
    Array.isArray(events) &&
    events.every((event) => Number.isSafeInteger(event)) &&
    (cards === undefined || (Array.isArray(cards) && cards.every((card) => typeof card === 'string'))) &&
    typeof recipe === 'object' &&
    recipe !== null &&
    typeof attempt === 'number' &&
    typeof budgetMs === 'number' &&
    typeof startedAt === 'number';
  // A record that was changed by hand has another name than its work would have.
  return whole && id === runId(run as SleepRun);
}
