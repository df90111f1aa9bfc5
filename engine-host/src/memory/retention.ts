/** How long texts stay: a month, whether they were learnt or not. Cards stay until the user deletes them. */
import type { MemoryStatus } from '#protocol/memory.ts';
import type { EventLog } from '../store/eventLog.ts';

export const RETENTION_DAYS = 30;
/** From this age on the user is told of what was not learnt yet. */
const WARN_DAYS = 25;
/** A host that runs on looks this often. */
export const SWEEP_MS = 6 * 3_600_000;
const DAY_MS = 86_400_000;

/** Of these exchanges, which wait for a night, those that go soon; undefined: none. */
export function expiringSoon(
  log: Pick<EventLog, 'entry'>,
  waiting: readonly number[],
  now: number,
): MemoryStatus['expiring'] {
  const times = waiting
    .flatMap((id) => log.entry(id)?.timestamp ?? [])
    .filter((time) => now - time >= WARN_DAYS * DAY_MS);
  if (times.length === 0) return undefined;
  // Days go as a whole, at midnight UTC, once they are older than the month.
  const oldest = Math.floor(Math.min(...times) / DAY_MS);
  return { events: times.length, at: (oldest + RETENTION_DAYS + 1) * DAY_MS };
}
