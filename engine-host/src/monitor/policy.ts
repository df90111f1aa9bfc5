/** Whether heavy background work may run now, and why not, in words. Pure: state in, verdict out. */
import type { MachineState, ThermalLevel } from './machineState.ts';

/** `throttle`: half the duty. `pause`: stop at once, keep everything in memory. `abort`: save and give the memory back. */
export type Verdict = 'run' | 'throttle' | 'pause' | 'abort';

export interface Thresholds {
  readonly fairCelsius: number;
  readonly seriousCelsius: number;
  readonly criticalCelsius: number;
  /** Share of time stalled on memory, 0–100, that pauses running work, and below which work may start. */
  readonly pauseFullStalled: number;
  readonly startSomeStalled: number;
  /** Share of the memory that has to stay available. */
  readonly abortAvailable: number;
  readonly abortDiskBytes: number;
  /** What hindered has to be over for so long. */
  readonly clearMs: number;
  /** After a request, when the user asked for the work. */
  readonly clearAfterRequestMs: number;
  /** Before a start by itself. */
  readonly idleMs: number;
  readonly startLoad: number;
  /** With less, only mains power will do. */
  readonly batteryPercent: number;
  readonly duty: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  fairCelsius: 75,
  seriousCelsius: 85,
  criticalCelsius: 95,
  pauseFullStalled: 1,
  startSomeStalled: 5,
  abortAvailable: 0.1,
  abortDiskBytes: 2 * 1024 ** 3,
  clearMs: 120_000,
  clearAfterRequestMs: 5_000,
  idleMs: 10 * 60_000,
  startLoad: 0.5,
  batteryPercent: 80,
  duty: 0.5,
};

/** What the state of the machine does not say. */
export interface GateContext {
  /** Milliseconds of one clock. */
  readonly now: number;
  /** Requests that the engine is answering. */
  readonly requests: number;
  /** When the last one ended; undefined: none yet. */
  readonly lastRequestAt: number | undefined;
  /** The user asked for the work just now: it does not wait for an idle machine. */
  readonly asked: boolean;
  /** The user allows battery power above `batteryPercent`. */
  readonly onBattery: boolean;
  /** The user wants full speed where no thermal sensor can be read. */
  readonly fullSpeed: boolean;
}

/** The worst first. */
const KINDS = ['abort', 'pause', 'request', 'throttle', 'blind'] as const;
/** `request`: somebody is being answered; `blind`: a sensor is missing. */
type Kind = (typeof KINDS)[number];

const VERDICT: Readonly<Record<Kind, Verdict>> = {
  abort: 'abort',
  pause: 'pause',
  request: 'pause',
  throttle: 'throttle',
  blind: 'throttle',
};

interface Hindrance {
  readonly kind: Kind;
  readonly reason: string;
}

/** Carried from one decision to the next. */
export interface GateMemory {
  /** The last time that there was a hindrance of a kind. */
  readonly seen: Readonly<Partial<Record<Kind, Hindrance & { readonly at: number }>>>;
  readonly throttleCount: number | undefined;
}

export const FRESH_GATE: GateMemory = { seen: {}, throttleCount: undefined };

export interface GateDecision {
  readonly verdict: Verdict;
  /** One sentence for people. */
  readonly reason: string;
  /** Share of the time that may be worked, 0–1. */
  readonly duty: number;
  readonly memory: GateMemory;
}

/** For work that runs or is paused. What got better counts only after it stayed so for `clearMs`. */
export function decide(
  state: MachineState,
  before: GateMemory,
  context: GateContext,
  t: Thresholds = DEFAULT_THRESHOLDS,
): GateDecision {
  const { now } = context;
  const present = hindrances(state, before, context, t);
  const seen: Partial<Record<Kind, Hindrance & { readonly at: number }>> = {};
  for (const kind of KINDS) {
    const found = present.find((p) => p.kind === kind);
    const last = before.seen[kind];
    if (found !== undefined) seen[kind] = { ...found, at: now };
    else if (last !== undefined && now - last.at < clearMs(kind, context, t)) seen[kind] = last;
  }
  const memory: GateMemory = { seen, throttleCount: state.thermal.throttleCount ?? before.throttleCount };
  for (const kind of KINDS) {
    const held = seen[kind];
    if (held === undefined) continue;
    const verdict = VERDICT[kind];
    const left = Math.ceil((held.at + clearMs(kind, context, t) - now) / 1000);
    const reason = held.at === now ? held.reason : `${held.reason} That is over; ${left} s more to be sure.`;
    return { verdict, reason, duty: verdict === 'throttle' ? t.duty : 0, memory };
  }
  return { verdict: 'run', reason: 'Nothing hinders.', duty: 1, memory };
}

/** How long a hindrance has to be over before it counts no more. */
function clearMs(kind: Kind, context: GateContext, t: Thresholds): number {
  if (kind === 'blind') return 0;
  return kind === 'request' && context.asked ? t.clearAfterRequestMs : t.clearMs;
}

/** What keeps work from starting, the most important first; empty: it may. `needBytes`: the memory that it will take. */
export function whyNotStart(
  state: MachineState,
  before: GateMemory,
  context: GateContext,
  needBytes: number,
  t: Thresholds = DEFAULT_THRESHOLDS,
): string[] {
  const reasons: string[] = [];
  const gate = decide(state, before, context, t);
  if (gate.verdict === 'pause' || gate.verdict === 'abort') reasons.push(gate.reason);
  const { availableBytes, someStalled } = state.memory;
  const wanted = 1.5 * needBytes + 1024 ** 3;
  if (availableBytes !== undefined && availableBytes < wanted)
    reasons.push(`${gigabytes(wanted)} of free memory are needed to start, ${gigabytes(availableBytes)} are free.`);
  if (someStalled !== undefined && someStalled >= t.startSomeStalled) reasons.push('Programs are waiting for memory.');
  if (state.thermal.level !== undefined && state.thermal.level !== 'nominal' && gate.verdict === 'throttle')
    reasons.push(gate.reason);
  if (context.asked) return reasons;
  const idle = idleMs(state, context);
  if (idle < t.idleMs) reasons.push(`The machine is in use; it has to be idle for ${minutes(t.idleMs)}.`);
  if (state.load !== undefined && state.load >= t.startLoad)
    reasons.push(`Other programs use ${Math.round(state.load * 100)} % of the processor.`);
  return reasons;
}

/** Shortest of what is known: since the last input and since the last request. Nothing known counts as idle. */
function idleMs(state: MachineState, { now, lastRequestAt, requests }: GateContext): number {
  if (requests > 0) return 0;
  return Math.min(state.inputIdleMs ?? Infinity, lastRequestAt === undefined ? Infinity : now - lastRequestAt);
}

function hindrances(state: MachineState, before: GateMemory, context: GateContext, t: Thresholds): Hindrance[] {
  const found: Hindrance[] = [];
  const add = (kind: Kind, reason: string): void => {
    found.push({ kind, reason });
  };
  const { thermal, power, memory, diskFreeBytes } = state;

  const level = thermalLevel(state, t);
  const heat = thermal.celsius === undefined ? '' : ` (${Math.round(thermal.celsius)} °C)`;
  const slowed =
    thermal.throttleCount !== undefined &&
    before.throttleCount !== undefined &&
    thermal.throttleCount > before.throttleCount;
  if (level === 'critical') add('abort', `The machine is far too hot${heat}.`);
  else if (level === 'serious') add('pause', `The machine is too hot${heat}.`);
  else if (slowed) add('pause', `The processor slowed itself down because of heat${heat}.`);
  else if (level === 'fair') add('throttle', `The machine is warm${heat}; work goes on at half speed.`);
  else if (level === undefined && !context.fullSpeed)
    add('blind', 'This machine has no thermal sensor that Zell can read; work goes on at half speed.');

  const { availableBytes, totalBytes } = memory;
  if (availableBytes !== undefined && totalBytes !== undefined && availableBytes < t.abortAvailable * totalBytes)
    add('abort', `Only ${gigabytes(availableBytes)} of memory are free.`);
  if (memory.pressure === 'critical') add('abort', 'The system reports critical memory pressure.');
  if (memory.pressure === 'warning') add('pause', 'The system reports memory pressure.');
  if (memory.fullStalled !== undefined && memory.fullStalled > t.pauseFullStalled)
    add('pause', 'All programs are waiting for memory.');
  if (diskFreeBytes !== undefined && diskFreeBytes < t.abortDiskBytes)
    add('abort', `Only ${gigabytes(diskFreeBytes)} are free on the disk.`);

  if (power.saver === true) add('pause', 'The system is saving energy.');
  const charged = power.percent !== undefined && power.percent >= t.batteryPercent;
  if (power.source === 'battery' && !(context.onBattery && charged)) {
    const percent = power.percent === undefined ? '' : ` (${Math.round(power.percent)} %)`;
    add('pause', `The machine runs on its battery${percent}.`);
  }
  if (context.requests > 0) add('request', 'A request is being answered.');
  return found;
}

/** A level that the system names, or the one that the temperature means: the worse of them. */
function thermalLevel({ thermal }: MachineState, t: Thresholds): ThermalLevel | undefined {
  const order: readonly ThermalLevel[] = ['nominal', 'fair', 'serious', 'critical'];
  const { celsius, level } = thermal;
  if (celsius === undefined) return level;
  const limits = [t.fairCelsius, t.seriousCelsius, t.criticalCelsius];
  const measured = limits.filter((limit) => celsius >= limit).length;
  return order[Math.max(measured, level === undefined ? 0 : order.indexOf(level))];
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} minutes`;
}
