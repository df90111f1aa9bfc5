/** `zell dashboard`: the engine at work, in a terminal, until `q`. */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { dashboardFrame, type Sample } from '../dashboard/frame.ts';
import { live, LOOK_MS, type LiveParts } from '../dashboard/live.ts';
import type { JsonOption } from '../jsonOption.ts';
import { withRunningHost, type Session } from '../session.ts';
import { EXIT, ExitError, print, printJson } from '../terminal.ts';

const NARROW = 80;

export async function dashboard(options: JsonOption, signal: AbortSignal): Promise<void> {
  if (options.json === true || !process.stdout.isTTY) await once(options, signal);
  else {
    const { stdin: input, stdout: output, env } = process;
    const attend: LiveParts['attend'] = (show, ended) => withRunningHost((session) => follow(session, show, ended));
    await live({ input, output, env, attend, nothing }, signal);
  }
}

/** For programs and pipes: one look. */
async function once(options: JsonOption, signal: AbortSignal): Promise<void> {
  const sample = await withRunningHost((session) => look(session, signal));
  if (sample?.engine === undefined) {
    if (options.json === true) printJson({ state: 'stopped' });
    else print('No Zell engine is running.');
    throw new ExitError(EXIT.notRunning);
  }
  if (options.json === true) printJson({ ...sample.engine, machine: sample.machine });
  else for (const line of dashboardFrame(sample, [], { columns: NARROW, rows: 100 }).slice(0, -2)) print(line);
}

async function follow(session: Session, show: (sample: Sample) => void, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    show(await look(session, ended));
    await sleep(LOOK_MS, undefined, { signal: ended }).catch(() => undefined);
  }
}

async function look(session: Session, signal: AbortSignal): Promise<Sample> {
  const [status, stats] = await Promise.all([
    session.request('zell/status/get', {}, signal),
    session.request('zell/engine/stats', {}, signal),
  ]);
  const experts =
    stats.experts === undefined ? {} : { experts: (await session.request('zell/engine/experts', {}, signal)).layers };
  return { at: performance.now(), engine: { base: session.base, status, stats, ...experts }, machine: machine() };
}

function nothing(): Sample {
  return { at: performance.now(), machine: machine() };
}

function machine(): Sample['machine'] {
  return { totalBytes: os.totalmem(), availableBytes: os.freemem() };
}
