// A short night that is killed in the middle and goes on, beside the same night undisturbed: both have to end at the same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { copyHome, removeFolder, until, withHost, type RunningHost } from './host.ts';
import type { Step } from './progress.ts';
import { ATTEMPTS, follow, runFolder } from './sleepNight.ts';

/** Exchanges that the short night learns from. */
const EXCHANGES = 24;
const MOST_LISTED = 500;
const ANSWER_MS = 60_000;
const GONE_MS = 30_000;
/** Training saves itself every minute; without that it is killed so far. */
const LATEST = 0.8;

/** @param told a home in which everything was told and no night was yet; it stays as it is */
export async function killedAndResumed(
  model: string,
  told: string,
  folder: string,
  step: Step,
): Promise<{ readonly same: boolean; readonly note: string }> {
  const [calm, killed] = [path.join(folder, 'calm'), path.join(folder, 'killed')];
  try {
    copyHome(told, calm);
    await withHost(model, calm, shorten);
    copyHome(calm, killed);
    const wanted = await withHost(model, calm, (host) =>
      trained(host, calm, (done, of, words) => step((0.4 * done) / of, 1, words)),
    );
    const at = await withHost(model, killed, (host) =>
      killInTheMiddle(host, killed, (done, of, words) => step(0.4 + (0.3 * done) / of, 1, words)),
    );
    const got = await withHost(model, killed, (host) =>
      trained(host, killed, (done, of, words) => step(0.7 + (0.3 * done) / of, 1, words)),
    );
    const went = at.saved ? `went on at ${percent(got.from)}` : 'began again, since nothing was saved yet';
    return { same: wanted.hash === got.hash, note: `killed at ${percent(at.done)}, ${went}` };
  } finally {
    removeFolder(calm);
    removeFolder(killed);
  }
}

async function shorten({ client }: RunningHost): Promise<void> {
  const { events } = await client.request('zell/memory/list', { limit: MOST_LISTED }, AbortSignal.timeout(ANSWER_MS));
  const ids = events.map(({ event_id: id }) => id).toSorted((a, b) => a - b);
  if (ids.length > EXCHANGES)
    await client.request('zell/memory/forget', { ids: ids.slice(EXCHANGES) }, AbortSignal.timeout(ANSWER_MS));
}

/** Sleeps until training is complete. `from`: share of the training at which this process began. */
async function trained({ client }: RunningHost, home: string, step: Step): Promise<{ hash: string; from: number }> {
  const found: { from?: number; hash?: string } = {};
  const troubles: string[] = [];
  for (;;) {
    await client.request('zell/memory/sleep', {}, AbortSignal.timeout(ANSWER_MS));
    const last = await follow(client, step, ({ phase, progress }) => {
      if (phase === 'training' && progress !== undefined) found.from ??= progress.done;
      const file = path.join(runFolder(home) ?? '', 'candidate.lora');
      if (!existsSync(file)) return undefined;
      found.hash = createHash('sha256').update(readFileSync(file)).digest('hex');
      return 'enough';
    });
    const { hash, from = 0 } = found;
    if (hash !== undefined) return { hash, from };
    if (troubles.push(last.reason) === ATTEMPTS)
      throw new Error(`The short night trained nothing: ${troubles.join(' ')}`);
  }
}

/** Neither trainer nor host gets to say a word. */
async function killInTheMiddle(
  { server, client }: RunningHost,
  home: string,
  step: Step,
): Promise<{ done: number; saved: boolean }> {
  await client.request('zell/memory/sleep', {}, AbortSignal.timeout(ANSWER_MS));
  let done = 0;
  let saved = false;
  const last = await follow(client, step, ({ phase, progress }) => {
    if (phase !== 'training' || progress === undefined) return undefined;
    done = progress.done;
    saved = existsSync(path.join(runFolder(home) ?? '', 'checkpoint'));
    return saved || done >= LATEST ? 'enough' : undefined;
  });
  if (last.phase !== 'training') throw new Error(`The short night was over before it could be killed: ${last.reason}`);
  const trainers = processes().filter(({ parent, args }) => parent === server.pid && args.includes('trainer.mjs'));
  if (trainers.length !== 1) throw new Error(`${trainers.length} trainers run instead of one.`);
  const family = processes().filter(({ pid, parent }) => pid === server.pid || parent === server.pid);
  for (const { pid } of [...trainers, { pid: server.pid }]) process.kill(pid, 'SIGKILL');
  const gone = (): boolean => {
    const running = new Set(processes().map(({ pid }) => pid));
    return family.every(({ pid }) => !running.has(pid));
  };
  await until('what was killed is gone', gone, GONE_MS);
  return { done, saved };
}

function processes(): { readonly pid: number; readonly parent: number; readonly args: string }[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return table.split('\n').flatMap((line) => {
    const [, pid, parent, state, args] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    // What ended and was not yet waited for runs no more.
    if (pid === undefined || parent === undefined || args === undefined || state?.startsWith('Z') === true) return [];
    return [{ pid: Number(pid), parent: Number(parent), args }];
  });
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
