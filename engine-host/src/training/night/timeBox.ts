/** What fits into a night. */
import path from 'node:path';
import type { TrainerItem } from '#protocol/trainer.ts';
import { writeDurably } from '../../store/durable.ts';
import type { NativeTrainer } from '../nativeTrainer.ts';
import type { ItemTokens } from '../renderItem.ts';
import type { SleepRun } from '../sleep/sleepRun.ts';
import { carryOver, readJson, type Lesson, type TimeBox } from './lesson.ts';
import { NIGHT_RECIPE } from './recipe.ts';

/** Steps that tell how fast this machine trains. */
const TRIAL_STEPS = 2;

export interface Trial {
  readonly lesson: Lesson;
  readonly tokens: ItemTokens;
  /** A trainer of the night's recipe. */
  readonly open: () => Promise<NativeTrainer>;
}

/** What fits into the night by the speed of a few steps; measured once, so that a resumed night trains the same, with the same arithmetic. */
export async function timeBoxOf(
  run: SleepRun,
  folder: string,
  { lesson, tokens, open }: Trial,
  signal: AbortSignal,
): Promise<TimeBox> {
  const file = path.join(folder, 'timebox.json');
  const known = await readJson<TimeBox>(file);
  if (known !== undefined) return known;
  const sample: TrainerItem[] = [];
  const batch = run.recipe.batchItems ?? NIGHT_RECIPE.batchItems;
  for (const item of lesson.items.slice(0, batch * TRIAL_STEPS)) sample.push(await tokens.item(item, signal));
  const trainer = await open();
  const { numerics } = trainer.plan;
  let speed: number;
  try {
    await trainer.addItems(sample);
    // The first step warms up.
    await trainer.run(1, () => undefined, signal);
    const { tokens: count, stepMs } = await trainer.run(1, () => undefined, signal);
    speed = (count / stepMs) * 1000;
  } finally {
    await trainer.close();
  }
  const mean = sample.reduce((sum, item) => sum + item.tokens.length, 0) / Math.max(1, sample.length);
  // Anchors are about as long as items.
  const all =
    (mean * lesson.items.length * (run.recipe.epochs ?? NIGHT_RECIPE.epochs)) /
    (1 - (run.recipe.anchorShare ?? NIGHT_RECIPE.anchorShare));
  const box: TimeBox = {
    carried: carryOver(lesson, all, speed, run.budgetMs / 1000),
    tokensPerSecond: speed,
    numerics,
  };
  await writeDurably(file, JSON.stringify(box));
  return box;
}
