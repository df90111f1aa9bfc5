// Devices of files, as the kernel's limits name them; and a process in a group, where one may be made.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Confinement, deviceNumbers, diskOf } from './confinement.ts';

const FILE = fileURLToPath(import.meta.url);

test('device numbers are unpacked', () => {
  expect(deviceNumbers(0xfe00)).toBe('254:0');
  expect(deviceNumbers(0x801)).toBe('8:1');
  // Minor numbers above 255 go on beyond the major one.
  expect(deviceNumbers(0x100800)).toBe('8:256');
});

test('limits name a whole disk', ({ skip }) => {
  const disk = process.platform === 'linux' ? diskOf(FILE) : undefined;
  if (disk === undefined) skip('no disk of its own');
  expect(existsSync(`/sys/dev/block/${disk}/queue`)).toBe(true);
});

test('a process is confined, and the group goes when it has gone', async ({ skip }) => {
  const group = Confinement.make(FILE, 500e6);
  if (typeof group === 'string') skip(group);
  else {
    const child = spawn('sleep', ['60']);
    try {
      group.setMemory(64 * 2 ** 20);
      group.enter(child.pid ?? 0);
      expect(readFileSync(`/proc/${child.pid ?? 0}/cgroup`, 'utf8')).toContain(`zell-bench-${process.pid}`);
      expect(group.killed()).toBe(0);
    } finally {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
      group.remove();
    }
    expect(existsSync(`/sys/fs/cgroup/memory/zell-bench-${process.pid}`)).toBe(false);
    expect(existsSync(`/sys/fs/cgroup/zell-bench-${process.pid}`)).toBe(false);
  }
});
