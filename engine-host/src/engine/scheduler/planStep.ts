/** Chooses what one step evaluates. Slices change when a token is computed, never which one. */
import { agedRank, remaining, type Entry } from './entry.ts';

/** Prefill tokens of a step when nothing decodes: enough for full tiles, short enough to let a newcomer in. */
export const PREFILL_ALONE = 256;
/** Prefill tokens of a step beside running answers: their next token waits for it. */
export const PREFILL_BESIDE_DECODE = 64;

export interface PlannedItem {
  readonly entry: Entry;
  /** The next `count` tokens after those that the sequence holds. */
  readonly count: number;
}

/**
 * One token of everything that decodes, and a slice of prefill: the more urgent class first, in one class the shortest rest
 * first (it frees its reader soonest; ageing keeps the long ones from starving).
 */
export function planStep(running: readonly Entry[], now: number): PlannedItem[] {
  const plan: PlannedItem[] = [];
  const prefills: Entry[] = [];
  for (const entry of running) {
    if (remaining(entry) === 1) plan.push({ entry, count: 1 });
    else prefills.push(entry);
  }
  prefills.sort(
    (a, b) => agedRank(a, now) - agedRank(b, now) || remaining(a) - remaining(b) || a.enqueuedAt - b.enqueuedAt,
  );
  let budget = plan.length > 0 ? PREFILL_BESIDE_DECODE : PREFILL_ALONE;
  for (const entry of prefills) {
    if (budget === 0) break;
    const count = sliceOf(entry, budget);
    plan.push({ entry, count });
    budget = Math.max(0, budget - count);
  }
  return plan;
}

/** Means of an embedding's slices are added up: they must not depend on what runs beside it. */
function sliceOf(entry: Entry, budget: number): number {
  const { embedding } = entry.task;
  if (embedding === undefined) return Math.min(budget, remaining(entry));
  return embedding.whole ? remaining(entry) : Math.min(PREFILL_BESIDE_DECODE, remaining(entry));
}
