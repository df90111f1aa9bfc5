/** How long learning may be paused, in the words of a person. */

export interface PauseChoice {
  readonly label: string;
  readonly detail: string;
  /** Milliseconds since the epoch; undefined: until it is resumed. */
  readonly until: number | undefined;
}

const MINUTE = 60_000;
/** When tomorrow begins for somebody at a desk. */
const MORNING_HOUR = 8;

export function pauseChoices(now: number): PauseChoice[] {
  const morning = new Date(now);
  morning.setDate(morning.getDate() + 1);
  morning.setHours(MORNING_HOUR, 0, 0, 0);
  const choice = (label: string, until: number): PauseChoice => ({
    label,
    detail: `Until ${timeOf(until, now)}`,
    until,
  });
  return [
    choice('For 15 minutes', now + 15 * MINUTE),
    choice('For 1 hour', now + 60 * MINUTE),
    choice('Until tomorrow', morning.getTime()),
    { label: 'Until I resume', detail: 'Conversations are recorded meanwhile', until: undefined },
  ];
}

/** The time alone today, with its day otherwise. */
export function timeOf(time: number, now: number): string {
  const date = new Date(time);
  const hours = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return date.toDateString() === new Date(now).toDateString()
    ? hours
    : `${date.toLocaleDateString([], { weekday: 'long' })}, ${hours}`;
}
