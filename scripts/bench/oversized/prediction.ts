// What `zell build` says beforehand about a scenario's speed.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../lib/setup.mjs';
import { dropCaches } from './confinement.ts';
import type { RunInput } from './runs.ts';

const run = promisify(execFile);
const CLI = path.join(ROOT, 'dist/cli.mjs');
/** Of a build; it takes a minute at most by itself. */
const LIMIT_MS = 180_000;

/**
 * The command's own processes would take from the memory of a small scenario, so it gets the limit as an option instead; the disk is
 * held as in the runs. @returns tokens a second, or why there are none
 */
export async function predictedSpeed({ file, confinement, memoryBytes, threads }: RunInput): Promise<number | string> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'zell-build-'));
  const env = {
    ...process.env,
    ZELL_HOME: home,
    ZELL_THREADS: String(threads),
    ...(memoryBytes === undefined ? {} : { ZELL_MEMORY_LIMIT: String(Math.floor(memoryBytes)) }),
  };
  try {
    dropCaches(file);
    confinement.setMemory(2 ** 40);
    const child = run(process.execPath, [CLI, 'build', file, '--json'], {
      ...{ env, timeout: LIMIT_MS, maxBuffer: 16 * 1024 * 1024 },
    });
    if (child.child.pid !== undefined) confinement.enter(child.child.pid);
    return speedIn((await child).stdout) ?? 'zell build said no speed';
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    return `zell build: ${said.split('\n')[0] || String(error)}`;
  } finally {
    // The host that the command started would stay for a while.
    await run(process.execPath, [CLI, 'stop'], { env }).catch(() => undefined);
    rmSync(home, { recursive: true, force: true });
  }
}

/** Of a profile, or of an answer that holds one. */
export function speedIn(text: string): number | undefined {
  const answer = JSON.parse(text) as { profile?: Predicted } & Predicted;
  return (answer.profile ?? answer).prediction?.tokensPerSecond;
}

interface Predicted {
  readonly prediction?: { readonly tokensPerSecond: number };
}
