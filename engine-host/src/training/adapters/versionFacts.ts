/** What follows from a version's record alone. */
import { createHash } from 'node:crypto';
import type { AdapterVersion } from '#protocol/adapters.ts';

/** Its file is gone although nobody went back from it. */
export function isLost({ state }: Pick<AdapterVersion, 'state'>): boolean {
  return state === 'withdrawn' || state === 'damaged';
}

export function learntFrom(version: AdapterVersion, ids: ReadonlySet<number>, cards: ReadonlySet<string>): boolean {
  return version.events.some((id) => ids.has(id)) || version.cards.some((id) => cards.has(id));
}

/** The name of the file that a version has now, if it has one. */
export function ownFile({ version, state }: AdapterVersion): string | undefined {
  if (state === 'rejected' || state === 'withdrawn' || state === 'dropped') return undefined;
  return state === 'candidate' ? `${version}.candidate.lora` : `${version}.lora`;
}

/** A name for exactly these events: SHA-256 of their decimal ids, rising, each ended by a line feed. */
export function eventsRoot(events: readonly number[]): string {
  return sha256(
    Buffer.from(
      sortedSet(events)
        .map((id) => `${id}\n`)
        .join(''),
    ),
  );
}

export function sortedSet(ids: readonly number[]): number[] {
  return [...new Set(ids)].toSorted((a, b) => a - b);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
