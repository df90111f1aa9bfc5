/** When a sleep is due: enough closed conversations, or some of them waiting for long. */
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
}

export const DEFAULT_SLEEP_SETTINGS: SleepSettings = {
  conversations: 100,
  days: 7,
  few: 10,
  budgetMinutes: 60,
  onBattery: false,
};

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
  const given = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  const number = (key: keyof SleepSettings, least: number, most: number): number => {
    const found = given[key];
    const fallback = DEFAULT_SLEEP_SETTINGS[key] as number;
    return typeof found === 'number' && Number.isFinite(found) && found >= least && found <= most ? found : fallback;
  };
  return {
    conversations: number('conversations', 1, 100_000),
    days: number('days', 0, 3650),
    few: number('few', 1, 100_000),
    budgetMinutes: number('budgetMinutes', 1, 24 * 60),
    onBattery: given['onBattery'] === true,
  };
}
