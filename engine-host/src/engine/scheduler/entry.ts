/** A task in the scheduler's hands: where it waits or runs, and what its sequence holds. */
import { PRIORITIES } from '#protocol/generation.ts';
import type { Task } from '../inference/task.ts';

/** Waiting this long lifts a task by one class of priority, so that nothing waits forever. */
export const AGEING_MS = 5000;
/** A prompt that no step took for this long comes one class earlier, so that short ones cannot hold it up forever. */
export const PASSED_OVER_MS = 300;

export interface Entry {
  readonly task: Task;
  readonly enqueuedAt: number;
  /** Its class, 0 is served first. */
  readonly rank: number;
  /** Class of the most urgent one who waits for what this one computes; its own while none does. */
  lifted: number;
  /** When it first got a slot; 0 before. */
  admittedAt: number;
  /** When a step last took some of it. */
  servedAt: number;
  /** Its adapters, see `adapterKey`. */
  readonly key: string;
  /** Names its adapters by content, so that the name holds over restarts; undefined: nothing of it may be stored under a name. */
  readonly stored: string | undefined;
  /** Native sequence; undefined until its first admission. A paused entry keeps it, and with it its sampler. */
  sequence: number | undefined;
  /** Reading its beginning from the disk: not tried yet, under way, or over. */
  restore: 'open' | 'reading' | 'over';
  /** It gave its memory away and waits to go on. */
  parked: boolean;
  /** Tokens that the sequence holds. */
  evaluated: number;
  /** Of its tokens, those that it got from others. */
  reused: number;
  ended: boolean;
  /** What it computed may serve others when it is over. */
  keep: boolean;
  sampled: number;
  firstSampledAt: number;
  /** Its last draft was worth checking. */
  drafting: boolean;
}

/** SHA-256 of an adapter's file by its native id; undefined when it is unloaded. */
export type AdapterHash = (id: number) => string | undefined;

export function newEntry(task: Task, now: number, adapterHash?: AdapterHash): Entry {
  const rank = PRIORITIES.indexOf(task.priority);
  return {
    task,
    enqueuedAt: now,
    rank,
    lifted: rank,
    admittedAt: 0,
    servedAt: now,
    key: adapterKey(task),
    stored: storedName(task, adapterHash),
    sequence: undefined,
    restore: 'open',
    parked: false,
    evaluated: 0,
    reused: 0,
    ended: false,
    keep: true,
    sampled: 0,
    firstSampledAt: 0,
    drafting: false,
  };
}

/** Names a set of adapters with scales: keys and values may be shared only under the same name. */
export function adapterKey(task: Task): string {
  return task.adapters.map(({ id, scale }) => `${id}:${scale}`).join(' ');
}

/** In the order in which they act: sums of the same adapters in another order may differ in the last bit. */
export function storedName(task: Task, adapterHash: AdapterHash = () => undefined): string | undefined {
  const names = task.adapters.map(({ id, scale }) => [adapterHash(id), scale] as const);
  return names.some(([hash]) => hash === undefined) ? undefined : names.map((name) => name.join(':')).join(' ');
}

/** Tokens that must be evaluated before the next one can be sampled; 1 while decoding. */
export function remaining(entry: Entry): number {
  return entry.task.tokens.length - entry.evaluated;
}

/** Class in force after waiting. */
export function agedRank(entry: Entry, now: number): number {
  return Math.max(0, entry.rank - Math.floor((now - entry.enqueuedAt) / AGEING_MS));
}

/** Class in force among prompts that are being evaluated. */
export function turnRank(entry: Entry, now: number): number {
  return Math.min(entry.rank, entry.lifted) - Math.floor(Math.max(0, now - entry.servedAt) / PASSED_OVER_MS);
}

/** Order of admission: class in force, then who came first. */
export function byService(now: number): (a: Entry, b: Entry) => number {
  return (a, b) => agedRank(a, now) - agedRank(b, now) || a.enqueuedAt - b.enqueuedAt;
}

/**
 * Which of a task's first `length` tokens may lie on the disk. Never what was sampled: nobody has searched it for secrets before it comes
 * back as a part of the next prompt.
 */
export function writable({ keepOnDisk, tokens, promptTokens }: Task, length: number): readonly number[] {
  return keepOnDisk === true ? tokens.slice(0, Math.min(length, promptTokens)) : [];
}
