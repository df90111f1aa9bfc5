// A night of the product's own: "sleep now" to a running host, waiting until it is awake, and keeping what the night clears away.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdapterVersion } from '#protocol/adapters.ts';
import type { SleepReport } from '#protocol/memory.ts';
import type { HostClient } from '../../engine-host/src/host/hostClient.ts';
import type { AnchorText } from '../../engine-host/src/memory/dreaming/anchors.ts';
import type { SleepSettings } from '../../engine-host/src/training/sleep/sleepDue.ts';
import type { Lesson } from '../../engine-host/src/training/night/lesson.ts';
import type { Step } from './progress.ts';

const LOOK_MS = 100;
const ANSWER_MS = 60_000;
/** Longer without a change of anything, it hangs. */
const STILL_MS = 60 * 60_000;
/** A failed step is tried again so often, all in all. */
export const ATTEMPTS = 3;
/** How long the phases take beside each other, in hundredths. */
const PHASES: Readonly<Record<SleepReport['phase'], readonly [from: number, share: number]>> = {
  awake: [0, 0],
  drowsy: [0, 0],
  dreaming: [0, 12],
  training: [12, 68],
  evaluating: [80, 20],
};

export interface Night {
  readonly promoted: boolean;
  /** The host's own sentence: what was learnt, or why nothing was changed; and what failed on the way. */
  readonly words: string;
  readonly version: AdapterVersion;
  /** A file: what it taught and asked for the gate. */
  readonly lesson: string;
  /** What answers from now on; when the gate let nothing through, what it refused, in full. */
  readonly adapter: string;
  readonly minutes: Readonly<Record<'dreaming' | 'training' | 'evaluating', number>>;
  readonly tokensPerSecond?: number;
}

/** What any user may write into the home. Heat that cannot be read would halve the speed; this proof was asked for. */
export function writeSleepSettings(home: string, settings: Partial<SleepSettings>): void {
  const folder = path.join(home, 'memory');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(folder, 'sleep.json'), JSON.stringify({ fullSpeed: true, ...settings }));
}

/**
 * @param keep a folder for this night's lesson and candidate
 * @throws {Error} when no night came to a verdict, with the host's reason
 */
export async function sleepNow(client: HostClient, home: string, keep: string, step: Step): Promise<Night> {
  rmSync(keep, { recursive: true, force: true });
  mkdirSync(keep, { recursive: true });
  const minutes = { dreaming: 0, training: 0, evaluating: 0 };
  let speed: number | undefined;
  let looked = performance.now();
  const before = (await status(client)).last?.at;
  const troubles: string[] = [];
  let last: SleepReport['last'];
  // A step that failed goes on where it was, as it would by itself an hour later.
  while (last === undefined) {
    await client.request('zell/memory/sleep', {}, AbortSignal.timeout(ANSWER_MS));
    const report = await follow(client, step, (now) => {
      keepFiles(home, keep);
      const at = performance.now();
      const { phase, progress } = now;
      if (phase in minutes) minutes[phase as keyof typeof minutes] += (at - looked) / 60_000;
      looked = at;
      speed = progress?.tokensPerSecond ?? speed;
      return undefined;
    });
    if (report.last?.at !== before) last = report.last;
    else if (troubles.push(report.reason) === ATTEMPTS) throw new Error(`There was no night: ${troubles.join(' ')}`);
  }
  const { versions } = await client.request('zell/adapters/list', {}, AbortSignal.timeout(ANSWER_MS));
  const version = versions.at(-1);
  if (version?.verdict === undefined) throw new Error(`The night has no verdict: ${last.words}`);
  const candidate = path.join(keep, 'candidate.lora');
  const lesson = path.join(keep, 'lesson.json');
  for (const file of [candidate, lesson]) if (!existsSync(file)) throw new Error(`The night left no ${file}.`);
  const { promoted, words } = last;
  return {
    promoted,
    words: [words, ...troubles].join(' '),
    version,
    lesson,
    adapter: promoted ? kept(home, version, keep) : candidate,
    minutes,
    ...(speed === undefined ? {} : { tokensPerSecond: speed }),
  };
}

/** The adapter that answers with this model; undefined: none. */
export function inForce(home: string, modelHash: string): string | undefined {
  const file = path.join(home, 'lora', `${modelHash}_auto.lora`);
  return existsSync(file) ? file : undefined;
}

/** Later nights change what is in force. */
function kept(home: string, { version, sha256 }: AdapterVersion, keep: string): string {
  const lora = path.join(home, 'lora');
  const pointer = readdirSync(lora).find((name) => name.endsWith('_auto.lora'));
  const to = path.join(keep, 'promoted.lora');
  copyFileSync(path.join(lora, pointer ?? ''), to);
  if (createHash('sha256').update(readFileSync(to)).digest('hex') !== sha256)
    throw new Error(`Adapter ${version} was promoted, and another one is in force.`);
  return to;
}

/** Looks until it is awake, or `onLook` has seen enough. @returns the last report */
export async function follow(
  client: HostClient,
  step: Step,
  onLook: (report: SleepReport) => 'enough' | undefined,
): Promise<SleepReport> {
  let seen = '';
  let changed = performance.now();
  for (;;) {
    const report = await status(client);
    if (onLook(report) === 'enough' || report.phase === 'awake') return report;
    const { phase, progress, held, reason } = report;
    const [from, share] = PHASES[phase];
    const words = held || phase === 'drowsy' ? `: ${reason}` : wordsOf(phase, progress);
    step(from + share * (progress?.done ?? 0), 100, words);
    const now = JSON.stringify([phase, progress?.done, held]);
    if (now !== seen) [seen, changed] = [now, performance.now()];
    if (performance.now() - changed > STILL_MS) throw new Error(`The night stands still: ${reason}`);
    await sleep(LOOK_MS);
  }
}

/** What the bare model wrote for the nights in this home. */
export function anchorsOf(home: string, model: string): readonly AnchorText[] {
  const file = path.join(home, 'memory', 'anchors', `${model}.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly anchors: readonly AnchorText[] }).anchors;
}

export function lessonOf(night: Night): Lesson {
  return JSON.parse(readFileSync(night.lesson, 'utf8')) as Lesson;
}

/** Folder of the night that is under way. */
export function runFolder(home: string): string | undefined {
  const folder = path.join(home, 'memory', 'sleep');
  if (!existsSync(folder)) return undefined;
  const run = readdirSync(folder, { withFileTypes: true }).find((entry) => entry.isDirectory());
  return run === undefined ? undefined : path.join(folder, run.name);
}

async function status(client: HostClient): Promise<SleepReport> {
  const { sleep: report } = await client.request('zell/memory/status', {}, AbortSignal.timeout(ANSWER_MS));
  if (report === undefined) throw new Error('This host cannot sleep.');
  return report;
}

/** A rejected candidate and every lesson are removed in the end; a second name of the file stays. */
function keepFiles(home: string, keep: string): void {
  const run = runFolder(home);
  for (const name of ['lesson.json', 'candidate.lora']) {
    const [from, to] = [path.join(run ?? '', name), path.join(keep, name)];
    if (run === undefined || existsSync(to) || !existsSync(from)) continue;
    linkSync(from, to);
  }
}

function wordsOf(phase: string, progress: SleepReport['progress']): string {
  const { done = 0, loss, tokensPerSecond } = progress ?? {};
  const figures = [
    `${Math.round(100 * done)} %`,
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(2)}`]),
    ...(tokensPerSecond === undefined ? [] : [`${Math.round(tokensPerSecond)} tokens/s`]),
  ];
  return `: ${phase} ${figures.join(', ')}`;
}
