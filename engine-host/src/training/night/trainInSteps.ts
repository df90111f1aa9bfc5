/** Training as it stands in a night: step by step, resting when the machine is wanted, saved now and then, and gone on with. */
import { rm } from 'node:fs/promises';
import { ZellError } from '#protocol/errors.ts';
import type { NativeTrainer } from '../nativeTrainer.ts';
import type { StepHooks } from '../sleep/sleepCycle.ts';

const CHECKPOINT_MS = 60_000;

/**
 * Takes up what was saved of this training. What cannot be used goes, and the training begins again from the same lesson: only the time
 * is lost. @returns why, in words; undefined: it goes on. @throws {ZellError} io and the like: another attempt may read it
 */
export async function goOn(trainer: NativeTrainer, checkpoint: string): Promise<string | undefined> {
  try {
    await trainer.loadCheckpoint(checkpoint);
    return undefined;
  } catch (error) {
    if (!ZellError.is(error, 'invalid_request') && !ZellError.is(error, 'bad_model_file')) throw error;
    await rm(checkpoint, { force: true });
    return `The training begins again: what was saved of it cannot be used (${error.message}).`;
  }
}

/** In pieces of a few steps: between them the night may rest, save, or end. */
export async function trainInSteps(
  trainer: NativeTrainer,
  checkpoint: string,
  { valve, signal, onProgress }: StepHooks,
  checkpointMs = CHECKPOINT_MS,
): Promise<void> {
  const steps = await trainer.steps();
  let saved = performance.now();
  for (let step = 0; step < steps;) {
    const started = performance.now();
    try {
      const last = await trainer.run(
        1,
        ({ step: done, loss, tokens, stepMs }) =>
          onProgress({
            done: done / steps,
            leftMs: ((steps - done) * stepMs) / Math.max(0.05, valve.duty),
            loss,
            tokensPerSecond: (tokens / stepMs) * 1000,
            step: done,
            steps,
          }),
        signal,
      );
      step = last.step;
      if (performance.now() - saved >= checkpointMs) {
        await trainer.saveCheckpoint(checkpoint);
        saved = performance.now();
      }
      await valve.pass(performance.now() - started, signal);
    } catch (error) {
      // Woken in the middle of a step: that step is lost, nothing else.
      if (signal.aborted && step > 0) await trainer.saveCheckpoint(checkpoint).catch(() => undefined);
      throw error;
    }
  }
}
