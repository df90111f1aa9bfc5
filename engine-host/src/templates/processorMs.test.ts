import { expect, test } from 'vitest';
import { processorMs } from './processorMs.ts';

test.skipIf(process.platform !== 'linux')('what this process computes is counted, and its waiting is not', () => {
  const before = processorMs(process.pid)!;
  const counted = (): number => processorMs(process.pid)! - before;
  const { user, system } = process.cpuUsage();
  while (counted() < 50);
  const spent = process.cpuUsage({ user, system });
  expect((spent.user + spent.system) / 1000).toBeGreaterThan(30);
  expect((spent.user + spent.system) / 1000).toBeLessThan(120);
});

test('of a process that is not there nothing is known', () => {
  expect(processorMs(0)).toBeUndefined();
});
