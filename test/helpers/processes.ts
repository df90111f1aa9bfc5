// Other processes as /proc shows them, for tests that kill and count. Linux only.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Why processes cannot be looked at here, or undefined. */
export function processesUnavailable(): string | undefined {
  return existsSync('/proc/self/stat') ? undefined : 'this system has no /proc';
}

/** A process that has ended but was not yet waited for counts as gone. */
export function isRunning(pid: number): boolean {
  const state = fields(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Process ids of the direct children that still run. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(fields(Number(name))?.[1]) === pid)
    .map(Number)
    .filter(isRunning);
}

/** Its arguments, the program first; empty when it is gone. */
export function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** Seconds of processor time, user and system, that a process has used so far. */
export function processorSeconds(pid: number): number {
  const stat = fields(pid);
  if (stat === undefined) throw new Error(`process ${pid} is gone`);
  // USER_HZ is 100 on every Linux that programs see.
  return (Number(stat[11]) + Number(stat[12])) / 100;
}

/** Addresses, as /proc/net/tcp and tcp6 write them, on which somebody listens at this port. */
export function listenersOn(port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const found: string[] = [];
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    if (!existsSync(table)) continue;
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const [, local, , state] = line.trim().split(/\s+/);
      if (local?.endsWith(suffix) === true && state === '0A') found.push(local.slice(0, -suffix.length));
    }
  }
  return found;
}

/** Waits until `check` holds. @throws when it does not within `limitMs` */
export async function until(what: string, check: () => boolean | Promise<boolean>, limitMs = 15_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await sleep(20);
  }
}

/** Fields of /proc/PID/stat from the state on (the name before it may hold anything). */
function fields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
