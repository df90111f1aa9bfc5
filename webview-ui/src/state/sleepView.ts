/** What the sleep panel says and offers, from the memory's status. */
import type { MemoryStatus } from '#protocol/memory.ts';
import { leftWords } from './times.ts';

/** The part of the status that comes with every push. */
export type LiveMemory = Pick<MemoryStatus, 'mode' | 'paused' | 'closedWaiting' | 'sleepAfter' | 'state' | 'sleep'>;

export interface SleepView {
  readonly title: string;
  readonly mood: 'awake' | 'waiting' | 'working' | 'held' | 'resting';
  readonly reason: string;
  /** Towards the next sleep; absent while one runs, and where none comes by itself. */
  readonly next?: { readonly waiting: number; readonly of: number; readonly words: string };
  /** Of the step that runs. */
  readonly work?: { readonly done: number; readonly words: string };
  readonly canSleep: boolean;
  readonly canWake: boolean;
  readonly pause: 'pause' | 'resume' | 'none';
}

const PHASES = {
  awake: 'Awake',
  drowsy: 'About to sleep',
  dreaming: 'Dreaming',
  training: 'Training',
  evaluating: 'Checking what was learned',
} as const;

export function sleepView(memory: LiveMemory): SleepView {
  const { mode, paused, sleep, closedWaiting, sleepAfter } = memory;
  const phase = sleep?.phase ?? 'awake';
  const working = phase !== 'awake' && phase !== 'drowsy';
  const resting = mode !== 'learn' || paused !== undefined;
  const held = working && sleep?.held === true;
  const idleTitle = mode === 'off' ? 'Off' : mode === 'log' ? 'Recording only' : paused ? 'Paused' : undefined;
  return {
    title: held ? `${PHASES[phase]}, on hold` : phase === 'awake' ? (idleTitle ?? PHASES.awake) : PHASES[phase],
    mood: held ? 'held' : working ? 'working' : phase === 'drowsy' ? 'waiting' : resting ? 'resting' : 'awake',
    // Some reasons only name the phase, which the title does.
    reason: sleep?.reason === `${PHASES[phase]}.` ? '' : reasonOf(memory),
    ...(working || resting ? {} : { next: nextOf(closedWaiting, sleepAfter) }),
    ...workOf(memory, working),
    canSleep: phase === 'awake' && mode !== 'off' && sleep !== undefined,
    canWake: phase !== 'awake',
    pause: mode !== 'learn' ? 'none' : paused ? 'resume' : 'pause',
  };
}

function reasonOf({ mode, sleep, closedWaiting, sleepAfter }: LiveMemory): string {
  // The bar below says how many wait.
  if (sleep?.reason.startsWith(`${closedWaiting} of ${sleepAfter} `) === true)
    return 'Learns when enough was said and the machine is idle.';
  if (sleep !== undefined) return sleep.reason;
  return mode === 'off' ? 'Nothing new is remembered.' : 'This engine cannot learn.';
}

function nextOf(waiting: number, of: number): NonNullable<SleepView['next']> {
  const words = `${waiting} of ${of} closed ${of === 1 ? 'conversation' : 'conversations'} for the next sleep`;
  return { waiting: Math.min(waiting, of), of: Math.max(1, of), words };
}

function workOf({ sleep }: LiveMemory, working: boolean): Pick<SleepView, 'work'> {
  const progress = sleep?.progress;
  if (!working || progress === undefined) return {};
  const { done, step, steps, tokensPerSecond, leftMs } = progress;
  const parts = [
    step === undefined || steps === undefined ? `${Math.floor(done * 100)} %` : `Step ${step} of ${steps}`,
    ...(tokensPerSecond === undefined ? [] : [`${Math.round(tokensPerSecond).toLocaleString()} tokens/s`]),
    ...(leftMs === undefined ? [] : [leftWords(leftMs)]),
  ];
  return { work: { done: Math.min(1, Math.max(0, done)), words: parts.join(' · ') } };
}
