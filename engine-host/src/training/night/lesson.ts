/** What one night teaches, as a file between dreaming and training: texts only, so that it can be looked at. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TrainNumerics } from '#protocol/trainer.ts';
import type { AnchorText } from '../../memory/dreaming/anchors.ts';
import type { Probe, TrainingItem } from '../../memory/dreaming/trainingItem.ts';
import { writeDurably } from '../../store/durable.ts';

export interface Lesson {
  readonly items: readonly TrainingItem[];
  readonly anchors: readonly AnchorText[];
  /** Cards that are new to this model, the most important first. */
  readonly fresh: readonly string[];
  readonly replay: readonly string[];
  readonly freshProbes: readonly Probe[];
  readonly oldProbes: readonly Probe[];
  /** Subjects of all cards. */
  readonly subjects: readonly string[];
}

/** What there was time for, decided once for a night. */
export interface TimeBox {
  /** Cards that wait for the next night. */
  readonly carried: readonly string[];
  readonly tokensPerSecond: number;
  /** The arithmetic that the night began with: it goes on with it on whatever processor, since another one has other bits. */
  readonly numerics?: TrainNumerics;
}

export async function writeLesson(folder: string, lesson: Lesson): Promise<void> {
  await writeDurably(path.join(folder, 'lesson.json'), JSON.stringify(lesson));
}

/** Undefined when dreaming has not completed. */
export function readLesson(folder: string): Promise<Lesson | undefined> {
  return readJson<Lesson>(path.join(folder, 'lesson.json'));
}

/** A file that only this program writes, whole or not at all. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** Items of the cards that are not carried over, and those of no card in proportion. */
export function itemsInTime(lesson: Lesson, carried: readonly string[]): TrainingItem[] {
  const gone = new Set(carried);
  const kept = lesson.items.filter((item) => item.cards.length > 0 && !item.cards.some((card) => gone.has(card)));
  const others = lesson.items.filter((item) => item.cards.length === 0);
  const cards = lesson.fresh.length + lesson.replay.length;
  const share = cards === 0 ? 1 : (cards - gone.size) / cards;
  return [...kept, ...others.slice(0, Math.ceil(others.length * share))];
}

/**
 * Cards that there is no time for: the newest of the fresh ones wait, what was known before is never left out for them.
 * `tokens`: of all items with their epochs, `seconds`: the budget.
 */
export function carryOver(lesson: Lesson, tokens: number, tokensPerSecond: number, seconds: number): string[] {
  const needed = tokens / tokensPerSecond;
  if (needed <= seconds) return [];
  const cards = lesson.fresh.length + lesson.replay.length;
  const affordable = Math.floor((cards * seconds) / needed);
  const fresh = Math.max(1, affordable - lesson.replay.length);
  return lesson.fresh.slice(fresh);
}
