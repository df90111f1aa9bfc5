// How sure a difference between two arms is: over questions by McNemar's test, over facts by the bootstrap.
import { byChance } from '../../engine-host/src/training/gate/gate.ts';
import type { Marks } from './measure.ts';
import { Random } from './random.ts';

const SAMPLES = 2000;
/** Shares of the samples outside an interval on either side: 95 % are inside. */
const TAIL = 0.025;

export interface Difference {
  /** Share with − share without, over the questions that both were asked. */
  readonly value: number;
  /** 95 % interval: other facts could have been told. */
  readonly from: number;
  readonly to: number;
  /** How probable so many more right answers are when nothing was learnt: McNemar's exact test, one-sided. */
  readonly chance: number;
}

/** Questions on one fact stand and fall together: the interval draws facts, not questions. @returns undefined without common questions */
export function difference(withIt: Marks, without: Marks, seed: number): Difference | undefined {
  const before = new Map(without.map((mark) => [keyOf(mark), mark.right]));
  const pairs = withIt.flatMap((mark) => {
    const other = before.get(keyOf(mark));
    return other === undefined ? [] : [{ id: mark.id, after: mark.right, before: other }];
  });
  if (pairs.length === 0) return undefined;
  const facts = new Map<string, { sum: number; count: number }>();
  for (const { id, after, before: was } of pairs) {
    const fact = facts.get(id) ?? { sum: 0, count: 0 };
    facts.set(id, { sum: fact.sum + Number(after) - Number(was), count: fact.count + 1 });
  }
  const all = [...facts.values()];
  const random = new Random(seed, 'bootstrap');
  const samples = Array.from({ length: SAMPLES }, () => mean(all.map(() => random.pick(all)))).sort((a, b) => a - b);
  const at = (share: number): number => samples[Math.round(share * (SAMPLES - 1))] ?? Number.NaN;
  return {
    value: mean(all),
    from: at(TAIL),
    to: at(1 - TAIL),
    chance: byChance({ before: pairs.map((pair) => pair.before), after: pairs.map((pair) => pair.after) }),
  };
}

/** "95 % interval +88 … +100, by chance p < 0.001" */
export function inWords({ from, to, chance }: Difference): string {
  const points = (share: number): string => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(0)}`;
  const p = chance < 0.001 ? 'p < 0.001' : `p = ${chance.toFixed(3)}`;
  return `95 % interval ${points(from)} … ${points(to)} over facts, ${p}`;
}

export function keyOf({ id, question }: { readonly id: string; readonly question: string }): string {
  return `${id}\n${question}`;
}

function mean(facts: readonly { readonly sum: number; readonly count: number }[]): number {
  let sum = 0;
  let count = 0;
  for (const fact of facts) {
    sum += fact.sum;
    count += fact.count;
  }
  return sum / count;
}
