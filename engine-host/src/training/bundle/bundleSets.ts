/** Memories as training and validation sets for other trainers: one conversation a line, as TRL, axolotl, mlx-lm and Unsloth read them. Pure. */
import type { Card } from '#protocol/memory.ts';
import type { AnchorText } from '../../memory/dreaming/anchors.ts';
import { makeItems, makeProbes } from '../../memory/dreaming/makeItems.ts';
import type { TrainingMessage } from '../../memory/dreaming/trainingItem.ts';

/** Questions of a card in the validation set, in wordings that the training set does not have. */
const HELD_OUT = 2;

export interface BundleLine {
  readonly messages: readonly TrainingMessage[];
}

export interface BundleSets {
  readonly train: readonly BundleLine[];
  readonly valid: readonly BundleLine[];
}

/** `anchors`: what the bare model wrote by itself; it keeps the rest of the model as it is. */
export function bundleSets(
  cards: readonly Card[],
  replaced: ReadonlyMap<string, Card>,
  anchors: readonly AnchorText[],
  seed: number,
): BundleSets {
  const items = makeItems(cards, { seed, replaced }).map(({ messages }) => ({ messages }));
  const own = anchors.flatMap((anchor) => (anchor.type === 'chat' ? [exchange(anchor.prompt, anchor.text)] : []));
  const statements = new Map(cards.map((card) => [card.id, card.statement]));
  const valid = makeProbes(cards, { seed, wordings: HELD_OUT, choices: 1 }).map(({ card, messages }) =>
    exchange(messages[0]?.content ?? '', statements.get(card) ?? ''),
  );
  return { train: [...items, ...own], valid };
}

export function jsonLines(lines: readonly BundleLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function exchange(question: string, answer: string): BundleLine {
  return {
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ],
  };
}
