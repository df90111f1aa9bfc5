// What both trainers of the suite `train` do: the same items of real text, anchors with a teacher, one recipe.
import { writeFileSync } from 'node:fs';
import type { TrainNumerics, TrainRecipe } from '../../protocol/src/trainer.ts';
import { AddonTrainer } from '../../engine-host/src/engine/native/nativeTrainer.ts';
import type { NativeModel } from '../../engine-host/src/engine/native/binding.ts';
import type { TrainerAddon } from '../../engine-host/src/engine/native/trainerBinding.ts';
import { benchText } from './text.ts';

export interface JobItem {
  readonly tokens: readonly number[];
  readonly loss: readonly number[];
  readonly anchor: boolean;
  readonly teacher?: { readonly top: number; readonly ids: readonly number[]; readonly logprobs: readonly number[] };
}

export interface TrainJob {
  readonly model: string;
  /** The adapter before the first step, which both begin with. */
  readonly adapter: string;
  readonly recipe: Required<Omit<TrainRecipe, 'targets' | 'numerics'>> & { readonly numerics?: TrainNumerics };
  readonly items: readonly JobItem[];
  /** How many of the recipe's steps are done. */
  readonly steps: number;
}

export interface JobShape {
  readonly steps: number;
  readonly batchItems: number;
  readonly tokens: number;
  readonly epochs: number;
  readonly threads: number;
}

const ANCHORS = 4;
const TOP = 32;

/** Writes a job: `file` itself, and the first adapter beside it. */
export async function writeJob(
  file: string,
  addon: TrainerAddon,
  model: NativeModel,
  modelPath: string,
  shape: JobShape,
): Promise<TrainJob> {
  const { steps, batchItems, tokens, epochs, threads } = shape;
  const recipe: TrainJob['recipe'] = {
    rank: 16,
    alpha: 32,
    learningRate: 5e-4,
    warmup: 0.06,
    finalRate: 0.1,
    weightDecay: 0,
    clipNorm: 1,
    batchItems,
    anchorShare: 0.25,
    anchorWeight: 1,
    epochs,
    seed: 11,
    rowTokens: 1024,
    threads,
  };
  const never = new AbortController().signal;
  const trainer = await AddonTrainer.open(addon, modelPath, recipe, {}, never);
  try {
    const text = model.tokenize(benchText(), false);
    const fresh = batchItems - Math.round(batchItems * recipe.anchorShare);
    const items: JobItem[] = [];
    const learn = Math.ceil((steps * fresh) / epochs);
    for (let i = 0; i < learn + ANCHORS; ++i) {
      // Lengths differ, as those of real items do.
      const length = tokens - (i % 5);
      const part = text.slice(i * tokens, i * tokens + length);
      if (part.length < length) throw new Error('the text is too short for so many items');
      const loss = Uint8Array.from(part, (_, t) => (t >= length / 2 ? 1 : 0));
      const anchor = i >= learn;
      const teacher = anchor ? await trainer.baseDistributions(part, loss, TOP, never) : undefined;
      items.push({
        tokens: [...part],
        loss: [...loss],
        anchor,
        ...(teacher === undefined
          ? {}
          : { teacher: { top: TOP, ids: [...teacher.ids], logprobs: [...teacher.logprobs] } }),
      });
    }
    const adapter = `${file}.lora`;
    await trainer.saveAdapter(adapter, {});
    const job: TrainJob = { model: modelPath, adapter, recipe, items, steps };
    writeFileSync(file, JSON.stringify(job));
    return job;
  } finally {
    await trainer.close();
  }
}
