/** `zell dashboard`: the engine at work, in a terminal, until `q`. */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { dashboardFrame, ratesBetween, type Rates, type Sample } from '../dashboard/frame.ts';
import { Screen } from '../dashboard/screen.ts';
import type { JsonOption } from '../jsonOption.ts';
import { withRunningHost, type Session } from '../session.ts';
import { EXIT, ExitError, print, printJson } from '../terminal.ts';

const LOOK_MS = 500;
const HISTORY = 400;
const NARROW = 80;

export async function dashboard(options: JsonOption, signal: AbortSignal): Promise<void> {
  if (options.json === true || !process.stdout.isTTY) await once(options, signal);
  else await live(signal);
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

async function live(signal: AbortSignal): Promise<void> {
  const quit = new AbortController();
  const ended = AbortSignal.any([signal, quit.signal]);
  const history: Rates[] = [];
  let last: Sample = { at: performance.now(), machine: machine() };
  const screen = new Screen(
    process.stdin,
    process.stdout,
    () => {
      quit.abort();
    },
    () => {
      screen.draw(dashboardFrame(last, history, screen.size));
    },
  );
  const show = (sample: Sample): void => {
    if (ended.aborted) return;
    const rates = ratesBetween(last, sample);
    if (rates !== undefined && history.push(rates) > HISTORY) history.shift();
    last = sample;
    screen.draw(dashboardFrame(sample, history, screen.size));
  };
  screen.open();
  try {
    while (!ended.aborted) {
      // An engine that ends or restarts under it is waited for.
      await withRunningHost((session) => follow(session, show, ended)).catch(() => undefined);
      show({ at: performance.now(), machine: machine() });
      await sleep(LOOK_MS, undefined, { signal: ended }).catch(() => undefined);
    }
  } finally {
    screen.close();
  }
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
  return { at: performance.now(), engine: { base: session.base, status, stats }, machine: machine() };
}

function machine(): Sample['machine'] {
  return { totalBytes: os.totalmem(), availableBytes: os.freemem() };
}
