/** What measurements do to a prediction. */
import type { Correction, Measured, Prediction, Profile } from '#protocol/profile.ts';
import { predict } from './predict.ts';

export const NO_CORRECTION: Correction = { answers: 1, prompts: 1, count: 0 };

/** Weight of the newest measurement in use; the first one, made with the profile, counts whole. */
const NEWEST = 0.3;
/** A measurement further from the formula than this is an accident, or the formula is of no use: it counts as this far. */
const MOST = 20;

export function corrected(before: Correction, formula: Prediction['formula'], measured: Measured): Correction {
  const weight = before.count === 0 ? 1 : NEWEST;
  const blend = (old: number, seen: number | undefined, expected: number): number => {
    if (seen === undefined || !(seen > 0) || !(expected > 0)) return old;
    const ratio = Math.min(MOST, Math.max(1 / MOST, seen / expected));
    // Factors: twice as fast and half as fast are equally far away.
    return Math.exp((1 - weight) * Math.log(old) + weight * Math.log(ratio));
  };
  return {
    answers: blend(before.answers, measured.tokensPerSecond, formula.tokensPerSecond),
    prompts: blend(before.prompts, measured.promptTokensPerSecond, formula.promptTokensPerSecond),
    count: before.count + 1,
  };
}

/** Measurements that a profile remembers. */
const MOST_MEASURED = 50;

/** The profile after a measurement: the share of experts in memory is known now, and the prediction is corrected. */
export function withMeasured(profile: Profile, measured: Measured): Profile {
  const hitRate = measured.hitRate ?? profile.prediction?.hitRate;
  const formula = predict(profile, hitRate)?.formula;
  if (formula === undefined) return profile;
  const correction = corrected(profile.correction, formula, measured);
  const prediction = predict({ ...profile, correction }, hitRate);
  return {
    ...profile,
    ...(prediction === undefined ? {} : { prediction }),
    correction,
    measured: [...profile.measured, measured].slice(-MOST_MEASURED),
  };
}
