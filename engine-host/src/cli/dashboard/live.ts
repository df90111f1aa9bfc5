/** The dashboard on a terminal: a page that follows the engine, whichever runs, until somebody quits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { dashboardFrame, ratesBetween, type Rates, type Sample } from './frame.ts';
import { paint, wantsColours } from './paint.ts';
import { Screen, type ScreenInput, type ScreenOutput } from './screen.ts';

export const LOOK_MS = 500;
const HISTORY = 400;

export interface LiveParts {
  readonly input: ScreenInput;
  readonly output: ScreenOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Shows one look after another at an engine, until that ends or `ended`; returns at once while none runs. May reject. */
  readonly attend: (show: (sample: Sample) => void, ended: AbortSignal) => Promise<unknown>;
  /** What is shown while none runs. */
  readonly nothing: () => Sample;
}

/** Leaves the terminal as it was. */
export async function live({ input, output, env, attend, nothing }: LiveParts, signal: AbortSignal): Promise<void> {
  const quit = new AbortController();
  const ended = AbortSignal.any([signal, quit.signal]);
  const history: Rates[] = [];
  const coloured = wantsColours(env);
  let last = nothing();
  const draw = (): void => {
    const lines = dashboardFrame(last, history, screen.size);
    screen.draw(coloured ? paint(lines) : lines);
  };
  const screen = new Screen(input, output, () => quit.abort(), draw);
  const show = (sample: Sample): void => {
    if (ended.aborted) return;
    const rates = ratesBetween(last, sample);
    if (rates !== undefined && history.push(rates) > HISTORY) history.shift();
    last = sample;
    draw();
  };
  screen.open();
  try {
    while (!ended.aborted) {
      // An engine that ends or restarts under it is waited for.
      await attend(show, ended).catch(() => undefined);
      show(nothing());
      await sleep(LOOK_MS, undefined, { signal: ended }).catch(() => undefined);
    }
  } finally {
    screen.close();
  }
}
