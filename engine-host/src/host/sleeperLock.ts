/** One sleeper for all homes of a user on this machine. */
import os from 'node:os';
import path from 'node:path';
import type { OsLock } from './osLock.ts';

/** @returns how to let go of it; undefined: somebody else has it */
export function lockSleeper(lock: OsLock): (() => void) | undefined {
  const user = typeof process.getuid === 'function' ? process.getuid() : 0;
  const handle = lock.tryLock(path.join(os.tmpdir(), `zell-sleeper-${user}.lock`));
  return handle === null ? undefined : () => lock.unlock(handle);
}
