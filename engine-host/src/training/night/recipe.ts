/** How Zell trains by itself: what kept the default model as it was and taught it most (docs/decisions/0006-what-a-night-trains.md). */
import type { TrainRecipe } from '#protocol/trainer.ts';

export const NIGHT_RECIPE = {
  seed: 1,
  epochs: 2,
  learningRate: 5e-4,
  batchItems: 8,
  anchorShare: 0.5,
  anchorWeight: 8,
} as const satisfies TrainRecipe;
