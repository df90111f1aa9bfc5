/** `zell stop`: ends the running engine and waits until it is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ZellError } from '#protocol/errors.ts';
import { readAnnouncement } from '../../host/announcement.ts';
import { loadOsLock } from '../../host/osLock.ts';
import { prepareHome, zellPaths } from '../../host/paths.ts';
import type { JsonOption } from '../jsonOption.ts';
import { withRunningHost } from '../session.ts';
import { print, printJson } from '../terminal.ts';

const PATIENCE_MS = 10_000;

export async function stop(options: JsonOption, signal: AbortSignal): Promise<void> {
  const paths = zellPaths();
  await prepareHome(paths);
  if (isFree(paths.lock)) {
    tell(options, false);
    return;
  }
  // Read before it goes: a host that hangs does not answer, but its announcement names its process.
  const announcement = await readAnnouncement(paths.announcement);
  const asked = await withRunningHost((session) => session.request('zell/host/stop', { drain: false }, signal)).catch(
    () => undefined,
  );
  if (asked === undefined && announcement !== undefined) process.kill(announcement.pid, 'SIGTERM');
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    if (isFree(paths.lock)) {
      tell(options, true);
      return;
    }
    await sleep(50, undefined, { signal });
  }
  const who = announcement === undefined ? '' : ` Its process is ${announcement.pid}.`;
  throw new ZellError('timeout', `The engine did not end within ${PATIENCE_MS / 1000} seconds.${who}`);
}

function tell(options: JsonOption, stopped: boolean): void {
  if (options.json === true) printJson({ stopped });
  else print(stopped ? 'The Zell engine has ended.' : 'No Zell engine is running.');
}

/** Nobody holds the lock: then the announcement, if any, is stale, and its process number may be anybody's. */
function isFree(lockFile: string): boolean {
  const lock = loadOsLock();
  const handle = lock.tryLock(lockFile);
  if (handle === null) return false;
  lock.unlock(handle);
  return true;
}
