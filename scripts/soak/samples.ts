// What a soak looks at while it runs: memory and descriptors of each process, read from /proc.
import { readdirSync, readFileSync } from 'node:fs';

/** Megabytes of memory that a process has to itself or shares with nobody else, and its open descriptors. */
export interface ProcessSample {
  readonly mb: number;
  readonly fds: number;
}

export interface Sample {
  /** Requests that had ended by then. */
  readonly requests: number;
  readonly host: ProcessSample;
  readonly engine: ProcessSample;
}

/** Why nothing can be sampled here, or undefined. */
export function samplingUnavailable(): string | undefined {
  return process.platform === 'linux'
    ? undefined
    : 'memory and descriptors are read from /proc, which this system lacks';
}

export function sample(requests: number, host: number, engine: number): Sample {
  return { requests, host: sampleOf(host), engine: sampleOf(engine) };
}

function sampleOf(pid: number): ProcessSample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  // Pages of files (the model, programs) are the system's to take back.
  const kb = Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1]);
  return { mb: kb / 1024, fds: readdirSync(`/proc/${pid}/fd`).length };
}

/** The child whose program is the engine. */
export function engineOf(host: number): number {
  const children = readFileSync(`/proc/${host}/task/${host}/children`, 'utf8').trim().split(' ').map(Number);
  const engine = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('engine.mjs'));
  if (engine === undefined) throw new Error('The host has no engine.');
  return engine;
}
