// Our trainer on one job, in a process of its own so that its peak of memory is its own: `tsx trainOurs.ts JOB OUT`.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadAddon } from '../../engine-host/src/engine/native/loadAddon.ts';
import { AddonTrainer } from '../../engine-host/src/engine/native/nativeTrainer.ts';
import { ROOT } from '../lib/setup.mjs';
import type { TrainJob } from './trainJob.ts';

/** What either side measured: one number for each step. */
export interface TrainResult {
  readonly loss: number[];
  readonly anchorLoss: number[];
  readonly ms: number[];
  readonly tokens: number[];
  peakBytes: number;
}

const [, , jobFile, outFile] = process.argv;
if (jobFile !== undefined && outFile !== undefined) {
  const job = JSON.parse(readFileSync(jobFile, 'utf8')) as TrainJob;
  const never = new AbortController().signal;
  const addon = loadAddon(path.join(ROOT, 'dist/zell_engine.node'));
  const trainer = await AddonTrainer.open(addon, job.model, job.recipe, {}, never);
  trainer.addItems(
    job.items.map(({ tokens, loss, anchor, teacher }) => ({
      tokens: Int32Array.from(tokens),
      loss: Uint8Array.from(loss),
      anchor,
      ...(teacher === undefined
        ? {}
        : {
            teacher: {
              top: teacher.top,
              ids: Int32Array.from(teacher.ids),
              logprobs: Float32Array.from(teacher.logprobs),
            },
          }),
    })),
  );
  const result: TrainResult = { loss: [], anchorLoss: [], ms: [], tokens: [], peakBytes: 0 };
  await trainer.run(
    job.steps,
    (progress) => {
      result.loss.push(progress.loss);
      result.anchorLoss.push(progress.anchorLoss);
      result.ms.push(progress.stepMs);
      result.tokens.push(progress.tokens);
    },
    never,
  );
  await trainer.close();
  result.peakBytes = process.resourceUsage().maxRSS * 1024;
  writeFileSync(outFile, JSON.stringify(result));
}
