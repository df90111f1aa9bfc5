/** Makes the host single: takes the lock, or finds the one that holds it, or waits for the older one to leave. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcement } from '#protocol/announcement.ts';
import { ZellError } from '#protocol/errors.ts';
import { findRunning } from './announcement.ts';
import type { OsLock } from './osLock.ts';
import type { ZellPaths } from './paths.ts';
import { isNewer } from './version.ts';

export type Claim =
  { readonly kind: 'mine'; readonly release: () => void } | { readonly kind: 'joined'; readonly other: Announcement };

export interface ClaimParts {
  readonly lock: OsLock;
  readonly paths: Pick<ZellPaths, 'lock' | 'announcement'>;
  readonly version: string;
  /** Asks an older host to finish what it runs and end. */
  readonly requestDrain: (other: Announcement) => Promise<void>;
  /** How long to wait for a host that starts or leaves. */
  readonly patienceMs?: number;
}

/**
 * An announcement without a lock behind it is stale and simply taken over. While somebody holds the lock but does not answer
 * (it starts, it leaves), this looks again every 25 ms.
 * @throws {ZellError} busy when it neither answers nor leaves
 */
export async function claimHome(parts: ClaimParts): Promise<Claim> {
  const deadline = Date.now() + (parts.patienceMs ?? 20_000);
  let drained: string | undefined;
  for (;;) {
    const handle = parts.lock.tryLock(parts.paths.lock);
    if (handle !== null) return { kind: 'mine', release: () => parts.lock.unlock(handle) };
    const other = await findRunning(parts.paths.announcement);
    if (other !== undefined && other.instance !== drained) {
      if (!isNewer(parts.version, other.version)) return { kind: 'joined', other };
      drained = other.instance;
      await parts.requestDrain(other);
    }
    if (Date.now() > deadline) {
      throw new ZellError(
        'busy',
        'Another Zell engine holds this home folder but does not answer. End it with "zell stop", then try again.',
      );
    }
    await sleep(25);
  }
}
