// A night's training without the sleep cycle around it: cards or raw exchanges become items, anchors are written, an adapter comes out.
import path from 'node:path';
import type { Card, MemoryEvent } from '#protocol/memory.ts';
import type { TrainerItem, TrainRecipe } from '#protocol/trainer.ts';
import { loadAddon } from '../../engine-host/src/engine/native/loadAddon.ts';
import { AddonTrainer } from '../../engine-host/src/engine/native/nativeTrainer.ts';
import { ANCHOR_PROMPTS, writeAnchors, type AnchorText } from '../../engine-host/src/memory/dreaming/anchors.ts';
import { makeItems, placeboCards, rawLogItems } from '../../engine-host/src/memory/dreaming/makeItems.ts';
import type { ChatItem } from '../../engine-host/src/memory/dreaming/trainingItem.ts';
import { ItemTokens } from '../../engine-host/src/training/renderItem.ts';
import { ROOT } from '../lib/setup.mjs';
import type { Subject } from './subject.ts';

const NEVER = new AbortController().signal;
const ANCHOR_TOP = 32;
const PROGRESS_STEPS = 5;

export type Lesson = 'cards' | 'placebo' | 'raw log';

/** What is taught: the cards, the cards with each other's values, or the exchanges as they were. */
export function lessonOf(
  lesson: Lesson,
  cards: readonly Card[],
  events: readonly MemoryEvent[],
  seed: number,
): ChatItem[] {
  if (lesson === 'raw log') return rawLogItems(events);
  return makeItems(lesson === 'placebo' ? placeboCards(cards, seed) : cards, { seed });
}

/** What the bare model writes by itself. */
export async function anchorsOf(base: Subject, seed: number): Promise<AnchorText[]> {
  const free = await base.tokens([], true);
  const start = free.length > 0 ? free : [base.info.special.bos ?? base.info.special.eos ?? 0];
  return writeAnchors(
    {
      free: (options) => base.write([{ tokens: start }], options),
      chat: async (prompt, options) => base.write(await base.render([{ role: 'user', content: prompt }]), options),
    },
    seed,
    NEVER,
  );
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
  step: (done: number, of: number) => void,
): Promise<Trained> {
  const started = performance.now();
  const tokens = new ItemTokens({
    render: (messages) => base.render(messages),
    tokenize: (parts, addBos) => base.tokens(parts, addBos),
    eosToken: base.info.special.eos ?? 0,
  });
  const addon = loadAddon(path.join(ROOT, 'dist/zell_engine.node'));
  const trainer = await AddonTrainer.open(addon, base.info.path, recipe, {}, NEVER);
  try {
    const rendered: TrainerItem[] = [];
    for (const item of items) rendered.push(await tokens.item(item, NEVER));
    for (const anchor of anchors) {
      const item = await tokens.anchor(anchor, NEVER);
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
export function trainedQuestions(items: readonly ChatItem[]): ReadonlySet<string> {
  return new Set(items.flatMap(({ messages }) => messages.filter((m) => m.role === 'user').map((m) => m.content)));
}

export const ANCHORED: ReadonlySet<string> = new Set(ANCHOR_PROMPTS);
