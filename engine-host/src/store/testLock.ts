/** A lock that only this process knows: for tests, which bring no addon. */
import type { EventLogOptions } from './eventLog.ts';

export function testLock(): EventLogOptions['lock'] {
  const held = new Map<number, string>();
  let next = 1;
  return {
    tryLock: (path) => {
      if ([...held.values()].includes(path)) return null;
      held.set(next, path);
      return next++;
    },
    unlock: (handle) => void held.delete(handle),
  };
}
