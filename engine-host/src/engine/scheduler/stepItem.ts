/** A plan in the words of the addon. */
import type { StepItem } from '../native/binding.ts';
import type { Growth } from './admission.ts';
import type { PlannedItem } from './planStep.ts';

/** What each item's sequence holds and takes. */
export function growths(plan: readonly PlannedItem[]): Growth[] {
  return plan.map(({ entry, count, drafted = [], propose }) => ({
    held: entry.evaluated,
    more: count + drafted.length + (propose?.count ?? 0),
  }));
}

export function stepItem({ entry, count, drafted = [], propose }: PlannedItem): StepItem {
  const { task, sequence, evaluated } = entry;
  if (sequence === undefined) throw new Error('A running entry has no sequence.');
  const tokens = Int32Array.from([...task.tokens.slice(evaluated, evaluated + count), ...drafted]);
  const adapters = task.adapters.length === 0 ? {} : { adapters: task.adapters };
  const { embedding } = task;
  if (embedding !== undefined) return { sequence, tokens, ...adapters, want: { pooled: embedding.pooling } };
  if (evaluated + count < task.tokens.length) return { sequence, tokens, ...adapters, want: {} };
  return {
    sequence,
    tokens,
    ...(drafted.length === 0 ? {} : { draft: drafted.length }),
    ...(propose === undefined ? {} : { propose: propose.count, leastChance: propose.leastChance }),
    ...adapters,
    want: {
      ...(task.sampling === undefined ? {} : { sample: true }),
      ...(task.topLogprobs === undefined ? {} : { topLogprobs: task.topLogprobs }),
      ...(task.postSampling === true ? { postSampling: true } : {}),
    },
  };
}
