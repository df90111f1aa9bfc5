/** What a test sees of Zell from outside the editor: the announcement, the counters, the log of events, the processes. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseAnnouncement, type Announcement } from '#protocol/announcement.ts';
import type { HostStatus } from '#protocol/editor.ts';
import type { EventRecord } from '#protocol/memory.ts';
import { ROOT } from '../helpers/cache.ts';
import { isRunning, until } from '../helpers/processes.ts';

const run = promisify(execFile);
/** A sleep that runs saves first. */
const STOP_MS = 20_000;

export class ZellProbe {
  readonly home: string;

  /** `home`: the `ZELL_HOME` under test. */
  constructor(home: string) {
    this.home = home;
  }

  /** Undefined while no host is announced. */
  announcement(): Announcement | undefined {
    try {
      return parseAnnouncement(readFileSync(path.join(this.home, 'engine.json'), 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** The host's status as the command line reads it. @throws when none runs */
  async status(): Promise<HostStatus> {
    const cli = path.join(ROOT, 'dist/cli.mjs');
    const { stdout } = await run(process.execPath, [cli, 'status', '--json'], {
      env: { ...process.env, ZELL_HOME: this.home },
    });
    return JSON.parse(stdout) as HostStatus;
  }

  /** A number of `/metrics`, e.g. `prompt_tokens_total`. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#port()}/metrics`);
    const line = new RegExp(`^llamacpp:${name} (\\S+)$`, 'm').exec(await response.text());
    return Number(line?.[1] ?? Number.NaN);
  }

  /** Every line of the log, oldest first. */
  events(): EventRecord[] {
    const folder = path.join(this.home, 'conversations');
    const files = filesBelow(folder).filter((file) => file.endsWith('.jsonl'));
    const lines = files.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
    return lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as EventRecord)
      .sort((a, b) => a.event_id - b.event_id);
  }

  /** Files of the models' profiles. */
  profileNames(): string[] {
    return readdirSync(path.join(this.home, 'profiles')).toSorted();
  }

  /** Process of the engine child of this home's host. @throws when there is none */
  enginePid(): number {
    const host = this.announcement()?.pid;
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        const parent = / \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^\d+/, ''))?.[1];
        if (Number(parent) === host && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('engine.mjs'))
          return Number(name);
      } catch {
        // It ended while we looked.
      }
    }
    throw new Error('the host has no engine child');
  }

  /** Ends the host, which ends its children, and waits until it has written everything; nothing happens when none runs. */
  async stop(): Promise<void> {
    const pid = this.announcement()?.pid;
    if (pid === undefined) return;
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      return;
    }
    await until('the host has ended', () => !isRunning(pid), STOP_MS);
  }

  #port(): number {
    const port = this.announcement()?.port;
    if (port === undefined) throw new Error('no host is announced');
    return port;
  }
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}
