/** Which cards a model was trained on, how often and when last: derived from its `sleep.finished` events. */
import type { EventEntry } from '../../store/eventLog.ts';

export interface CardTraining {
  /** Nights. */
  readonly times: number;
  /** Milliseconds since the epoch. */
  readonly last: number;
  /** Its probe failed after the last time. */
  readonly failed: boolean;
}

export function trainingOf(entries: Iterable<EventEntry>, model: string): ReadonlyMap<string, CardTraining> {
  const history = new Map<string, CardTraining>();
  for (const { type, model: of, data, timestamp } of entries) {
    if (type !== 'sleep.finished' || of !== model) continue;
    const failed = new Set(strings(data?.['failed']));
    for (const id of strings(data?.['cards'])) {
      const times = (history.get(id)?.times ?? 0) + 1;
      history.set(id, { times, last: timestamp, failed: failed.has(id) });
    }
  }
  return history;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : [];
}
