// Trainings for the control arms, without the sleep cycle around them: other items, the recipe and the anchors of the real night.
import path from 'node:path';
import type { Card, MemoryEvent } from '#protocol/memory.ts';
import type { TrainerItem, TrainRecipe } from '#protocol/trainer.ts';
import { loadAddon } from '../../engine-host/src/engine/native/loadAddon.ts';
import { AddonTrainer } from '../../engine-host/src/engine/native/nativeTrainer.ts';
import { ANCHOR_PROMPTS } from '../../engine-host/src/memory/dreaming/anchorPrompts.ts';
import type { AnchorText } from '../../engine-host/src/memory/dreaming/anchors.ts';
import { makeItems, placeboCards, rawLogItems } from '../../engine-host/src/memory/dreaming/makeItems.ts';
import type { ChatItem, TrainingItem } from '../../engine-host/src/memory/dreaming/trainingItem.ts';
import { NIGHT_RECIPE } from '../../engine-host/src/training/night/recipe.ts';
import { ItemTokens } from '../../engine-host/src/training/renderItem.ts';
import { ROOT } from '../lib/setup.mjs';
import type { Step } from './progress.ts';
import type { Subject } from './subject.ts';

const NEVER = new AbortController().signal;
const ANCHOR_TOP = 32;
const PROGRESS_STEPS = 5;

export type Control = 'placebo' | 'raw log';

/** What is taught: the cards with each other's values, or the exchanges as they were. */
export function controlItems(
  control: Control,
  cards: readonly Card[],
  events: readonly MemoryEvent[],
  seed: number,
): ChatItem[] {
  return control === 'raw log' ? rawLogItems(events) : makeItems(placeboCards(cards, seed), { seed });
}

export interface Trained {
  readonly path: string;
  readonly hash: string;
  readonly steps: number;
  readonly tokens: number;
  readonly minutes: number;
}

export async function train(
  base: Subject,
  items: readonly ChatItem[],
  anchors: readonly AnchorText[],
  out: string,
  recipe: TrainRecipe,
  step: Step,
): Promise<Trained> {
  const started = performance.now();
  const tokens = new ItemTokens({
    render: (messages) => base.render(messages),
    tokenize: (parts, addBos) => base.tokens(parts, addBos),
    eosToken: base.info.special.eos ?? 0,
  });
  const addon = loadAddon(path.join(ROOT, 'dist/zell_engine.node'));
  const trainer = await AddonTrainer.open(addon, base.info.path, { ...NIGHT_RECIPE, ...recipe }, {}, NEVER);
  try {
    const rendered: TrainerItem[] = [];
    for (const item of items) rendered.push(await tokens.item(item, NEVER));
    for (const anchor of anchors) {
      const item = await tokens.anchor(anchor, NEVER);
      if (item === undefined) continue;
      const teacher = await trainer.baseDistributions(item.tokens, item.loss, ANCHOR_TOP, NEVER);
      rendered.push({ ...item, teacher });
    }
    trainer.addItems(rendered);
    const steps = trainer.steps();
    let progress = await trainer.run(1, () => undefined, NEVER);
    while (progress.step < steps) {
      progress = await trainer.run(Math.min(PROGRESS_STEPS, steps - progress.step), () => undefined, NEVER);
      step(progress.step, steps);
    }
    await trainer.saveAdapter(out, { 'zell.purpose': 'proof' });
    const hash = await trainer.adapterHash();
    return { path: out, hash, steps, tokens: progress.totalTokens, minutes: (performance.now() - started) / 60_000 };
  } finally {
    await trainer.close();
  }
}

/** Questions that the training asks, too: those of the proof may not be among them. */
export function trainedQuestions(items: readonly TrainingItem[]): ReadonlySet<string> {
  return new Set(
    items.flatMap((item) =>
      item.type === 'chat' ? item.messages.filter(({ role }) => role === 'user').map(({ content }) => content) : [],
    ),
  );
}

export const ANCHORED: ReadonlySet<string> = new Set(ANCHOR_PROMPTS);
