// The proof's stages: what is done stays done in a file, so that a run that breaks goes on where it was; what fails is named.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Progress, Step } from './progress.ts';

interface Kept {
  /** What decides the results: with other options nothing may be taken over. */
  readonly of: string;
  readonly done: Readonly<Record<string, unknown>>;
}

export class Stages {
  readonly #file: string;
  readonly #of: string;
  readonly #progress: Progress;
  readonly #done: Record<string, unknown>;
  readonly #failed = new Map<string, string>();
  readonly #onDone: () => void;

  /** @param of names the options; results of others are not taken over */
  constructor(file: string, of: string, progress: Progress, onDone: () => void) {
    this.#file = file;
    this.#of = of;
    this.#progress = progress;
    this.#onDone = onDone;
    const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : undefined;
    if (kept !== undefined && kept.of !== of) throw new Error(`${file} is of another proof: ${kept.of}, not ${of}.`);
    this.#done = { ...kept?.done };
  }

  /** Of a stage that is done, its result again. A failure is noted, and the stages that need it fail for that reason. */
  async run<T>(name: string, work: (step: Step) => Promise<T>): Promise<T | undefined> {
    if (Object.hasOwn(this.#done, name)) return this.#done[name] as T;
    const step = this.#progress.begin(name);
    try {
      const result = await work(step);
      this.#done[name] = result ?? null;
      const text = JSON.stringify({ of: this.#of, done: this.#done } satisfies Kept);
      writeFileSync(`${this.#file}.tmp`, text);
      renameSync(`${this.#file}.tmp`, this.#file);
      return result;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#failed.set(name, words);
      this.#progress.note(`${name} failed: ${error instanceof Error ? (error.stack ?? words) : words}`);
      return undefined;
    } finally {
      this.#onDone();
    }
  }

  /** Each with its reason. */
  get failed(): readonly string[] {
    return [...this.#failed].map(([name, why]) => `${name}: ${why}`);
  }
}

/** @throws {Error} when a stage is needed that failed */
export function need<T>(result: T | undefined, name: string): T {
  if (result === undefined) throw new Error(`${name} failed before`);
  return result;
}
