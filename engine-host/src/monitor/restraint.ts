/** How much the engine may work for requests while the machine is hot, saves energy or is short of memory. Pure. */
import type { EngineLimits, Restraint } from '#protocol/engine.ts';
import type { MachineState } from './machineState.ts';

/** `auto`: heat, and power while the system saves energy; `battery`: also whenever it runs on its battery; `never`: neither. */
export const THROTTLE_WISHES = ['auto', 'battery', 'never'] as const;
export type ThrottleWish = (typeof THROTTLE_WISHES)[number];

/** Celsius. Processors that are busy on purpose run up to their limit of 95 or 100 all day: what is hot begins above. */
const HOT = 97;
const TOO_HOT = 105;
/** A limit that was reached counts until it is this much cooler. */
const COOLER = 5;
/** And, whatever it is, until it has been over for so long. */
const CLEAR_MS = 20_000;
/** Share of the memory that has to stay available. */
const LEAST_AVAILABLE = 0.03;
/** Share of the last ten seconds in which everybody waited for memory, 0–100. */
const MOST_STALLED = 10;

export const NO_LIMITS: EngineLimits = { duty: 1, memoryShort: false };

/** The worst first. */
const CAUSES = ['tooHot', 'hot', 'power', 'memory'] as const;
type Cause = (typeof CAUSES)[number];

const LIMITS: Readonly<Record<Cause, EngineLimits>> = {
  tooHot: { ...NO_LIMITS, duty: 0 },
  hot: { ...NO_LIMITS, duty: 0.5 },
  power: { ...NO_LIMITS, duty: 0.5 },
  memory: { ...NO_LIMITS, memoryShort: true },
};

/** Carried from one look to the next: when a cause was there last, and in which words. */
export type RestraintMemory = Readonly<Partial<Record<Cause, { readonly at: number; readonly reason: string }>>>;

/** What is unknown restrains nothing. `now`: milliseconds of one clock. `restraint` is undefined while there is none. */
export function restraintFor(
  state: MachineState,
  before: RestraintMemory,
  now: number,
  wish: ThrottleWish,
): { readonly restraint: Restraint | undefined; readonly memory: RestraintMemory } {
  const present = causes(state, before, wish);
  const memory: Partial<Record<Cause, { readonly at: number; readonly reason: string }>> = {};
  let duty = 1;
  let memoryShort = false;
  const reasons: string[] = [];
  for (const cause of CAUSES) {
    const reason = present[cause];
    const last = before[cause];
    const held = last !== undefined && now - last.at < CLEAR_MS ? last : undefined;
    const found = reason === undefined ? held : { at: now, reason };
    if (found === undefined) continue;
    memory[cause] = found;
    // Of two reasons to go slowly the graver one is told.
    if (LIMITS[cause].duty < duty || LIMITS[cause].memoryShort) reasons.push(found.reason);
    duty = Math.min(duty, LIMITS[cause].duty);
    memoryShort ||= LIMITS[cause].memoryShort;
  }
  return { restraint: reasons.length === 0 ? undefined : { duty, memoryShort, reason: reasons.join(' ') }, memory };
}

function causes(
  { thermal, power, memory }: MachineState,
  before: RestraintMemory,
  wish: ThrottleWish,
): Partial<Record<Cause, string>> {
  const found: Partial<Record<Cause, string>> = {};
  if (wish !== 'never') {
    const { celsius = -Infinity, level } = thermal;
    const above = (cause: Cause, limit: number): boolean =>
      celsius >= (before[cause] === undefined ? limit : limit - COOLER);
    const heat = Number.isFinite(celsius) ? ` (${Math.round(celsius)} °C)` : '';
    if (level === 'critical' || above('tooHot', TOO_HOT))
      found.tooHot = `The machine is far too hot${heat}; answers wait until it is cooler.`;
    else if (level === 'serious' || above('hot', HOT))
      found.hot = `The machine is hot${heat}; answers come at half speed.`;
    if (power.saver === true) found.power = 'The system saves energy; answers come at half speed.';
    else if (wish === 'battery' && power.source === 'battery')
      found.power = 'The machine runs on its battery; answers come at half speed.';
  }
  const { availableBytes, totalBytes } = memory;
  const waits = 'batch work waits.';
  if (memory.pressure === 'warning' || memory.pressure === 'critical')
    found.memory = `The system reports memory pressure; ${waits}`;
  else if (availableBytes !== undefined && totalBytes !== undefined && availableBytes < LEAST_AVAILABLE * totalBytes)
    found.memory = `Only ${Math.round(availableBytes / 1024 ** 2)} MiB of memory are free; ${waits}`;
  else if (memory.fullStalled !== undefined && memory.fullStalled > MOST_STALLED)
    found.memory = `All programs are waiting for memory; ${waits}`;
  return found;
}
