/** Starts the engine-host that comes with the extension and waits until it answers. Whoever starts one too many loses its lock and ends. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZellError } from '#protocol/errors.ts';
import type { Announcement } from '#protocol/announcement.ts';
import { isNewer } from '../../core/version.ts';
import { findRunningHost } from './runningHost.ts';

const START_LIMIT_MS = 30_000;
const POLL_MS = 100;
const OUTPUT_FILE = 'engine-start.log';

export interface HostProgram {
  /** Runs JavaScript: the editor's own executable, made to behave as Node. */
  readonly executable: string;
  /** `dist/host.mjs` of the installed extension. */
  readonly script: string;
  readonly home: string;
  /** Of the extension, and so of the script. */
  readonly version: string;
  /** Absent: what the environment says, or the host's own limit. */
  readonly prefixDiskMegabytes?: number | undefined;
  /** As `ZELL_THROTTLE`. */
  readonly throttle?: string | undefined;
}

/** The running host, unless it is older than our own: that one is to be replaced. */
export async function findCurrentHost(program: HostProgram, signal: AbortSignal): Promise<Announcement | undefined> {
  const running = await findRunningHost(program.home, signal);
  return running && !isNewer(program.version, running.version) ? running : undefined;
}

/**
 * The host that runs already, or a new one; it goes on living when this window closes. An older host is asked by the new one
 * to finish and leave.
 * @throws {ZellError} timeout after 30 s, engine_crashed when the program ends at once, io when it cannot be started.
 */
export async function findOrStartHost(program: HostProgram, signal: AbortSignal): Promise<Announcement> {
  return (await findCurrentHost(program, signal)) ?? startHost(program, signal);
}

async function startHost(program: HostProgram, signal: AbortSignal): Promise<Announcement> {
  const child = launch(program);
  const deadline = Date.now() + START_LIMIT_MS;
  while (Date.now() < deadline) {
    const announcement = await findCurrentHost(program, signal);
    if (announcement) return announcement;
    const failure = child.failure();
    if (failure) throw failure;
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new ZellError('timeout', `The engine did not start within ${START_LIMIT_MS / 1000} seconds.`);
}

function launch(program: HostProgram): { failure(): ZellError | undefined } {
  const outputPath = path.join(program.home, OUTPUT_FILE);
  let failure: ZellError | undefined;
  mkdirSync(program.home, { recursive: true, mode: 0o700 });
  const output = openSync(outputPath, 'w', 0o600);
  try {
    const child = spawn(program.executable, [program.script], {
      cwd: program.home,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', output, output],
      env: hostEnvironment(program),
    });
    child.on('error', (cause) => {
      failure = new ZellError('io', `The engine could not be started: ${cause.message}.`, { cause });
    });
    child.on('exit', (code, by) => {
      // Zero: another host was faster, and its announcement is about to appear.
      if (code !== 0)
        failure = new ZellError(
          'engine_crashed',
          `The engine ended at once (${by ?? `code ${code ?? 'unknown'}`}). ${lastLines(outputPath)}`.trim(),
        );
    });
    child.unref();
  } finally {
    closeSync(output);
  }
  return { failure: () => failure };
}

/** The window's environment without what would make the child behave as an editor or a debuggee. */
function hostEnvironment({ home, prefixDiskMegabytes, throttle }: HostProgram): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:VSCODE_|ELECTRON_|NODE_OPTIONS$|NODE_INSPECT)/.test(name),
  );
  const limit = prefixDiskMegabytes === undefined ? {} : { ZELL_PREFIX_DISK_MB: String(prefixDiskMegabytes) };
  const pace = throttle === undefined ? {} : { ZELL_THROTTLE: throttle };
  return { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1', ZELL_HOME: home, ...limit, ...pace };
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-3).join(' ').slice(-400);
  } catch {
    return '';
  }
}
