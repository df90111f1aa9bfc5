import { expect } from 'vitest';

/** As `expect`, of a value that becomes right within some seconds on a busy machine: `await eventually(() => …).toBe(…)`. */
export function eventually<T>(look: () => T | Promise<T>): ReturnType<typeof expect.poll<T>> {
  return expect.poll(look, { timeout: 20_000, interval: 100 });
}
