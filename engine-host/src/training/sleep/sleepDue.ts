/** What the user may set for sleeping, and when a sleep is due: enough closed conversations, or some of them waiting for long. */
import type { GateLimits } from '#protocol/adapters.ts';
import type { TrainRecipe } from '#protocol/trainer.ts';
import { GATE_LIMITS } from '../gate/gate.ts';

export interface SleepSettings {
  /** Closed conversations that start a sleep at once. */
  readonly conversations: number;
  /** Days after which `few` are enough. */
  readonly days: number;
  readonly few: number;
  /** Longest training of one sleep. */
  readonly budgetMinutes: number;
  /** On battery power too, while it is well charged. */
  readonly onBattery: boolean;
  /** Full speed on a machine whose heat cannot be read, too. */
  readonly fullSpeed: boolean;
  /** Texts of the bare model's own that training holds it to; fewer are written sooner and hold less. */
  readonly anchors: number;
  /** What differs from the recipe that Zell uses by itself. */
  readonly recipe: SleepRecipe;
  /** What an adapter has to reach before it may answer, and may cost. Whether it is chance is not to be set. */
  readonly gate: GateLimits;
}

export type SleepRecipe = Pick<
  TrainRecipe,
  'rank' | 'alpha' | 'targets' | 'learningRate' | 'epochs' | 'batchItems' | 'anchorShare' | 'anchorWeight' | 'seed'
>;

export const DEFAULT_SLEEP_SETTINGS: SleepSettings = {
  conversations: 100,
  days: 7,
  few: 10,
  budgetMinutes: 60,
  onBattery: false,
  fullSpeed: false,
  anchors: 480,
  recipe: {},
  gate: GATE_LIMITS,
};

/** Least and most of each number of a recipe. */
const RECIPE_RANGES: readonly (readonly [Exclude<keyof SleepRecipe, 'targets'>, number, number, 'whole' | 'any'])[] = [
  ['rank', 1, 256, 'whole'],
  ['alpha', 0.01, 1024, 'any'],
  ['learningRate', 1e-7, 0.1, 'any'],
  ['epochs', 1, 100, 'whole'],
  ['batchItems', 1, 256, 'whole'],
  ['anchorShare', 0, 0.9, 'any'],
  ['anchorWeight', 0, 100, 'any'],
  ['seed', 0, 2 ** 32 - 1, 'whole'],
];

/** Least and most of each limit of the gate: shares, and the factor of drift. */
const GATE_RANGES: readonly (readonly [Exclude<keyof GateLimits, 'chance'>, number, number])[] = [
  ['choiceGain', 0, 1],
  ['oldLoss', 0, 1],
  ['drift', 1, 2],
  ['claimsRise', 0, 1],
  ['endedLoss', 0, 1],
  ['ended', 0, 1],
];

/** `closedAt`: the time of each closed conversation that is not consolidated for this model. */
export function sleepDue(
  closedAt: readonly number[],
  settings: SleepSettings,
  now: number,
): { readonly is: boolean; readonly words: string } {
  const { conversations, days, few } = settings;
  const waiting = closedAt.length;
  const counted = `${waiting} of ${conversations} conversations`;
  if (waiting >= conversations) return { is: true, words: `${waiting} conversations are waiting.` };
  const oldest = Math.min(...closedAt);
  const age = now - oldest;
  if (waiting >= few && age >= days * 86_400_000)
    return { is: true, words: `${waiting} conversations have been waiting for ${days} days.` };
  return { is: false, words: waiting === 0 ? 'Nothing to learn yet.' : `${counted} for the next sleep.` };
}

/** Settings as a file gives them: what is missing or senseless has its default. */
export function readSleepSettings(value: unknown): SleepSettings {
  const given = membersOf(value);
  const number = (
    key: Exclude<keyof SleepSettings, 'recipe' | 'gate' | 'onBattery' | 'fullSpeed'>,
    least: number,
    most: number,
  ): number => {
    const found = given[key];
    const fallback = DEFAULT_SLEEP_SETTINGS[key];
    return typeof found === 'number' && Number.isFinite(found) && found >= least && found <= most ? found : fallback;
  };
  return {
    conversations: number('conversations', 1, 100_000),
    days: number('days', 0, 3650),
    few: number('few', 1, 100_000),
    budgetMinutes: number('budgetMinutes', 1, 24 * 60),
    onBattery: given['onBattery'] === true,
    fullSpeed: given['fullSpeed'] === true,
    anchors: Math.floor(number('anchors', 2, 480)),
    recipe: readRecipe(membersOf(given['recipe'])),
    gate: readLimits(membersOf(given['gate'])),
  };
}

function readRecipe(given: Readonly<Record<string, unknown>>): SleepRecipe {
  const numbers = RECIPE_RANGES.flatMap(([name, least, most, kind]) => {
    const found = given[name];
    const fits = typeof found === 'number' && found >= least && found <= most;
    return fits && (kind === 'any' || Number.isInteger(found)) ? [[name, found] as const] : [];
  });
  const { targets } = given;
  return {
    ...Object.fromEntries(numbers),
    ...(targets === 'all' || targets === 'middle-mlp' ? { targets } : {}),
  };
}

function readLimits(given: Readonly<Record<string, unknown>>): GateLimits {
  const numbers = GATE_RANGES.flatMap(([name, least, most]) => {
    const found = given[name];
    return typeof found === 'number' && found >= least && found <= most ? [[name, found] as const] : [];
  });
  return { ...GATE_LIMITS, ...Object.fromEntries(numbers) };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
