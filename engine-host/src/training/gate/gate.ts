/** Whether a trained adapter may answer: a pure function over what was measured. */
import type { GateLimits, Verdict } from '#protocol/adapters.ts';

/** Each list has one entry for a question, in the same order before and after. */
export interface Measured {
  /** Cards of this night: the right answer among several is the likeliest; without and with the adapter. */
  readonly newChoice: Paired;
  /** The answer, written freely, holds the value. */
  readonly newRecall: Paired;
  /** Cards of earlier nights: with the adapter that is in force (or none), and with this one. */
  readonly oldChoice: Paired;
  /** Mean negative log-likelihood per token of texts that have nothing to do with the user. */
  readonly drift: Readonly<Record<string, { readonly before: number; readonly after: number }>>;
  /** Questions about what was never said: whether the answer claims to know. */
  readonly claims: Paired;
  /** Whether each answer came to its end by itself, within what it may take. */
  readonly ended: Paired;
  /** The same of the answers that hold what was learnt: one sentence each, which nothing excuses from ending. */
  readonly recalledEnded: readonly boolean[];
}

export interface Paired {
  readonly before: readonly boolean[];
  readonly after: readonly boolean[];
}

export const GATE_LIMITS: GateLimits = {
  choiceGain: 0.2,
  chance: 0.05,
  oldLoss: 0.05,
  drift: 1.02,
  claimsRise: 0.05,
  ended: 0.98,
  endedLoss: 0.02,
};

/** With fewer questions that were open before, no result could show that it is no chance. */
const FEW = 5;

/** Shares are fractions, whose differences are not exact. */
const ROUNDING = 1e-9;

/** Tried from the largest to the smallest: a smaller dose forgets less and needs no training. */
export const DOSES = [1, 0.75, 0.5, 0.35] as const;

export function judge(measured: Measured, scale: number, limits: GateLimits = GATE_LIMITS): Verdict {
  const failed: string[] = [];
  const { newChoice, newRecall, oldChoice, drift, claims, ended, recalledEnded } = measured;
  const gain = share(newChoice.after) - share(newChoice.before);
  const chance = byChance(newChoice);
  const numbers: Record<string, number> = {
    choiceBefore: share(newChoice.before),
    choiceAfter: share(newChoice.after),
    choiceByChance: chance,
    recallBefore: share(newRecall.before),
    recallAfter: share(newRecall.after),
    oldBefore: share(oldChoice.before),
    oldAfter: share(oldChoice.after),
    claimsBefore: share(claims.before),
    claimsAfter: share(claims.after),
    endedBefore: share(ended.before),
    ended: share(ended.after),
    endedOfRecalled: share(recalledEnded),
  };
  // Without a card of its own (an import), an adapter only has to do no harm.
  if (newChoice.after.length > 0) {
    // Where the bare model is right by luck, there is less to gain.
    const room = 1 - share(newChoice.before);
    if (gain < Math.min(limits.choiceGain, room) - ROUNDING)
      failed.push(
        `It knows ${percent(share(newChoice.after))} of what is new, ${percent(share(newChoice.before))} without it.`,
      );
    if (newChoice.before.filter((right) => !right).length >= FEW) {
      if (!(chance < limits.chance)) failed.push('What it learnt could be chance.');
    } else if (newChoice.after.includes(false)) failed.push('Of so few new memories it has to know all.');
  }
  if (share(oldChoice.before) - share(oldChoice.after) > limits.oldLoss + ROUNDING)
    failed.push(
      `Of earlier memories it knows ${percent(share(oldChoice.after))}, ${percent(share(oldChoice.before))} before.`,
    );
  for (const [slice, { before, after }] of Object.entries(drift)) {
    const ratio = after / before;
    numbers[`drift ${slice}`] = ratio;
    if (!(ratio <= limits.drift)) failed.push(`It changes ${slice} by the factor ${ratio.toFixed(3)}.`);
  }
  if (share(claims.after) - share(claims.before) > limits.claimsRise + ROUNDING)
    failed.push(`It claims to know ${percent(share(claims.after))} of what was never said.`);
  if (share(ended.after) < Math.min(limits.ended, share(ended.before) - limits.endedLoss) - ROUNDING)
    failed.push(`Only ${percent(share(ended.after))} of its answers come to an end.`);
  if (share(recalledEnded) < limits.ended - ROUNDING)
    failed.push(`Only ${percent(share(recalledEnded))} of its answers that are right come to an end.`);
  return { passed: failed.length === 0, scale, failed, numbers };
}

/** The largest dose that passes, or the one that came nearest: with the fewest failures, of those the one that recalls most. */
export async function searchDose(
  measure: (scale: number) => Promise<Measured>,
  doses: readonly number[] = DOSES,
  limits: GateLimits = GATE_LIMITS,
): Promise<Verdict> {
  const verdicts: Verdict[] = [];
  for (const dose of doses) {
    const verdict = judge(await measure(dose), dose, limits);
    verdicts.push(verdict);
    // Less of what does not know enough knows even less.
    const harms = verdict.failed.some((reason) => !/^It knows|chance|so few/.test(reason));
    if (verdict.passed || !harms) break;
  }
  const [best] = verdicts.toSorted((a, b) => a.failed.length - b.failed.length || recalled(b) - recalled(a));
  if (best === undefined) throw new Error('no dose to try');
  if (verdicts.length === 1) return best;
  return { ...best, tried: verdicts.map(({ scale, failed }) => ({ scale, failed })) };
}

function recalled({ numbers }: Verdict): number {
  return numbers['recallAfter'] ?? 0;
}

/** How probable a rise like this one is when the adapter does nothing: one-sided exact McNemar test over the questions that changed. */
export function byChance({ before, after }: Paired): number {
  let better = 0;
  let worse = 0;
  after.forEach((right, i) => {
    if (right && before[i] === false) better += 1;
    if (!right && before[i] === true) worse += 1;
  });
  const changed = better + worse;
  let sum = 0;
  for (let k = better; k <= changed; k += 1) sum += binomial(changed, k);
  return Math.min(1, sum * 0.5 ** changed);
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 0; i < k; i += 1) result *= (n - i) / (k - i);
  return result;
}

/** 1 for an empty list: nothing was missed. */
function share(list: readonly boolean[]): number {
  return list.length === 0 ? 1 : list.filter(Boolean).length / list.length;
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}
