// How long a process has computed.
import { readFileSync } from 'node:fs';

/** Milliseconds of one tick of the counters in `/proc`: every Linux that Node runs on counts a hundred in a second. */
const TICK_MS = 10;

/** The processor time that a process has used, in milliseconds, in steps of 10; undefined where the system has no `/proc`, or no such process. */
export function processorMs(pid: number): number | undefined {
  try {
    // The name, in brackets, may hold spaces and brackets itself; what follows the last one is numbers.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return Number.isFinite(ticks) ? ticks * TICK_MS : undefined;
  } catch {
    return undefined;
  }
}
