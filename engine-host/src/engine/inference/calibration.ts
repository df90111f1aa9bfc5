/** A text through the loaded model, as a prompt and then token by token: how fast it goes, and how often experts are in memory. */
import { GREEDY } from '#protocol/sampling.ts';
import type { Calibration, CalibrationRequest } from '#protocol/survey.ts';
import { ZellError } from '#protocol/errors.ts';
import type { NativeModel } from '../native/binding.ts';
import { BENCH_SLICE } from './benchmark.ts';

/** Tokens that are decoded at most; of each four the first is not counted. */
const MOST_DECODED = 160;
/** Fewer say nothing about a speed. */
const LEAST_COUNTED = 2;

/** KV room that it takes, in tokens. */
export function calibrationTokens({ promptTokens }: CalibrationRequest): number {
  return promptTokens + MOST_DECODED + 1;
}

/**
 * Needs the model for itself. The text is repeated where it is too short. A slice or token that has begun is finished, so that a slow
 * disk may take longer than the time that is given.
 * @throws {ZellError} cancelled, checked between steps; or what a step failed with
 */
export async function calibrate(
  model: NativeModel,
  { text, promptTokens, seconds }: CalibrationRequest,
  now: () => number,
  signal: AbortSignal,
): Promise<Calibration> {
  const tokens = model.tokenize(text, false);
  if (tokens.length === 0) throw new ZellError('invalid_request', 'The text for calibration is empty.');
  const room = Math.max(1, model.info.contextLength - MOST_DECODED - 1);
  const prompt = Math.max(1, Math.min(promptTokens, room));
  const end = now() + seconds * 1000;
  const sequence = model.createSequence();
  const token = (at: number): number => tokens[at % tokens.length] ?? 0;
  const step = async (from: number, count: number, sample: boolean): Promise<void> => {
    if (signal.aborted) throw new ZellError('cancelled', 'The calibration was cancelled.');
    const slice = Int32Array.from({ length: count }, (_, i) => token(from + i));
    const [output] = await model.step([{ sequence, tokens: slice, want: sample ? { sample } : {} }]);
    const error = output?.error;
    if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
  };
  try {
    model.setSampler(sequence, GREEDY, new Int32Array(0));
    let at = 0;
    const started = now();
    while (at < prompt && (at === 0 || now() < end)) {
      const count = Math.min(BENCH_SLICE, prompt - at);
      await step(at, count, false);
      at += count;
    }
    const promptMs = now() - started;
    const first = at;
    // The times at which each token was done, and what had been read by then.
    const marks = [{ at: now(), reads: model.expertReads() }];
    while (at - first < MOST_DECODED && (now() < end || at - first < LEAST_COUNTED + 1)) {
      await step(at, 1, true);
      at += 1;
      marks.push({ at: now(), reads: model.expertReads() });
    }
    const skipped = Math.max(1, Math.floor((marks.length - 1) / 4));
    const [from, to] = [marks[skipped], marks.at(-1)];
    if (from === undefined || to === undefined) throw new Error('the first mark is always there');
    return {
      promptTokens: first,
      promptMs,
      decodeTokens: marks.length - 1 - skipped,
      decodeMs: to.at - from.at,
      ...(from.reads === undefined || to.reads === undefined
        ? {}
        : {
            experts: {
              hits: to.reads.hits - from.reads.hits,
              misses: to.reads.misses - from.reads.misses,
              bytesRead: to.reads.bytesRead - from.reads.bytesRead,
            },
          }),
    };
  } finally {
    model.freeSequence(sequence);
  }
}
