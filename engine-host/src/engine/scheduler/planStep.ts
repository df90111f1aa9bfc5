/** Chooses what one step evaluates. Slices change when a token is computed, never which one. */
import { remaining, turnRank, type Entry } from './entry.ts';

/** Tokens of an embedding in one step: its partial sums must not depend on what runs beside it. */
const EMBEDDING_SLICE = 64;

export interface PlannedItem {
  readonly entry: Entry;
  /** The next `count` tokens after those that the sequence holds. */
  readonly count: number;
  /** What probably comes after them; checked in the same step. */
  readonly drafted?: readonly number[];
  /** Or the model's draft head guesses it in the step, at most so many tokens, while all are right with this chance. */
  readonly propose?: { readonly count: number; readonly leastChance: number };
}

/**
 * One token of everything that decodes, and `slice(decoding)` tokens of prompts: the more urgent class first, in one class the
 * shortest rest first (it frees its reader soonest; who was passed over for long comes first all the same). A prompt that ends
 * in this step is not held up by a part of another one.
 */
export function planStep(running: readonly Entry[], now: number, slice: (decoding: number) => number): PlannedItem[] {
  const plan: PlannedItem[] = [];
  const prefills: Entry[] = [];
  for (const entry of running) {
    if (remaining(entry) === 1) plan.push({ entry, count: 1 });
    else prefills.push(entry);
  }
  prefills.sort(
    (a, b) => turnRank(a, now) - turnRank(b, now) || remaining(a) - remaining(b) || a.enqueuedAt - b.enqueuedAt,
  );
  if (prefills.length === 0) return plan;
  let budget = slice(plan.length);
  let ends = false;
  for (const entry of prefills) {
    if (budget === 0) break;
    const count = sliceOf(entry, budget);
    if (ends && count < remaining(entry)) continue;
    plan.push({ entry, count });
    ends ||= count === remaining(entry);
    budget = Math.max(0, budget - count);
  }
  return plan;
}

function sliceOf(entry: Entry, budget: number): number {
  const { embedding } = entry.task;
  if (embedding === undefined) return Math.min(budget, remaining(entry));
  return embedding.whole ? remaining(entry) : Math.min(EMBEDDING_SLICE, remaining(entry));
}
