// Takes turns: every contestant does the same thing right after the other, round by round, so that a machine that changes
// its speed changes it for all.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant, Entrant, Load } from './contestant.ts';

/** What one row measured: a list of figures, one a round, for each contestant. */
export interface Measurement {
  /** `decode/1.5B-Q6_K`: what, and of which file. */
  readonly id: string;
  readonly what: string;
  readonly file: string;
  readonly unit: 'tokens/s' | 'ms' | 'µs' | 'MB' | 'share';
  readonly better: 'more' | 'less';
  readonly figures: Readonly<Record<string, readonly number[]>>;
}

export interface Measure {
  readonly id: string;
  readonly what: string;
  readonly run: (contestant: Contestant) => Promise<number>;
  /** Who takes part; everybody where absent. */
  readonly among?: (name: string) => boolean;
}

/** Threads that spin after their work have gone to sleep by then. */
export const IDLE_MS = 150;

/** All contestants hold the model at once and take turns; each is warmed up first. */
export async function takeTurns(
  entrants: readonly Entrant[],
  load: Load,
  measures: readonly Measure[],
  rounds: number,
  skip: (name: string, why: string) => void,
): Promise<Map<string, Record<string, number[]>>> {
  const contestants: Contestant[] = [];
  const figures = new Map<string, Record<string, number[]>>(measures.map((m) => [m.id, {}]));
  try {
    for (const { name, open } of entrants) {
      try {
        const { contestant } = await open(load);
        contestants.push(contestant);
        await contestant.prefill(32);
        await contestant.decode(2, 0, 1);
      } catch (error) {
        skip(name, error instanceof Error ? error.message : String(error));
        const broken = contestants.findIndex((c) => c.name === name);
        if (broken >= 0) await contestants.splice(broken, 1)[0]?.stop();
      }
    }
    // Alone, the others' figures would say nothing.
    const some = contestants.some((c) => c.name.startsWith('ours'));
    for (let round = 0; some && round < rounds; round++) {
      for (const measure of measures) {
        const taking = contestants.filter((c) => measure.among?.(c.name) ?? true);
        // Each is first in turn as often as the others.
        for (let i = 0; i < taking.length; i++) {
          const contestant = taking[(i + round) % taking.length];
          if (contestant === undefined) continue;
          await sleep(IDLE_MS);
          const of = figures.get(measure.id);
          if (of !== undefined) (of[contestant.name] ??= []).push(await measure.run(contestant));
        }
      }
    }
  } finally {
    for (const contestant of contestants) await contestant.stop();
  }
  return figures;
}

/** Each measurement starts a process of its own, so that nothing is warm but the file cache. */
export async function takeTurnsFresh(
  entrants: readonly Entrant[],
  load: Load,
  work: (contestant: Contestant, loadMs: number) => Promise<readonly number[]>,
  rounds: number,
): Promise<Record<string, number[][]>> {
  const figures: Record<string, number[][]> = {};
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < entrants.length; i++) {
      const entrant = entrants[(i + round) % entrants.length];
      if (entrant === undefined) continue;
      await sleep(IDLE_MS);
      const { contestant, loadMs } = await entrant.open(load);
      try {
        (figures[entrant.name] ??= []).push([...(await work(contestant, loadMs))]);
      } finally {
        await contestant.stop();
      }
    }
  }
  return figures;
}
