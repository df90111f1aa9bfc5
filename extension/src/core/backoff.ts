/** How long to wait before the next attempt. */

/** 0.25 s, doubled each time, at most 30 s. `attempt` counts from 0. */
export function backoffMs(attempt: number): number {
  return Math.min(30_000, 250 * 2 ** Math.min(attempt, 10));
}
