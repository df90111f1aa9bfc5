/** Speed of the loaded model: prefill and decode, each on a fresh sequence, greedily. */
import type { BenchmarkResult, EngineCalls, SamplingParams } from '#protocol/engine.ts';
import { ZellError } from '#protocol/errors.ts';
import type { NativeModel, StepItem, StepOutput } from '../native/binding.ts';

/** Most tokens of one step, as the scheduler's own prefill slices. */
export const BENCH_SLICE = 256;

const GREEDY: SamplingParams = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repeatPenalty: 1,
  repeatLastN: 0,
  frequencyPenalty: 0,
  presencePenalty: 0,
  seed: 0,
};

/**
 * Needs the model for itself. A warm-up run of each kind comes first and is not counted.
 * Prefill is measured from an empty context; decode starts after one token, so it does not depend on `promptTokens`.
 * @throws {ZellError} invalid_request, context_overflow, cancelled (checked between steps), or what a step failed with.
 */
export async function runBenchmark(
  model: NativeModel,
  params: EngineCalls['bench']['params'],
  now: () => number,
  signal: AbortSignal,
): Promise<BenchmarkResult> {
  const { promptTokens, decodeTokens } = params;
  for (const count of [promptTokens, decodeTokens]) {
    if (!Number.isInteger(count) || count < 0)
      throw new ZellError('invalid_request', 'A benchmark needs whole, non-negative token counts.');
    if (count >= model.info.contextLength)
      throw new ZellError(
        'context_overflow',
        `The benchmark needs more than the context of ${model.info.contextLength}.`,
        {
          details: { promptTokens, decodeTokens, contextLength: model.info.contextLength },
        },
      );
  }
  const sequence = model.createSequence();
  try {
    model.setSampler(sequence, GREEDY, new Int32Array(0));
    const run = new Runner(model, sequence, signal);
    await run.prefill(Math.min(promptTokens, BENCH_SLICE));
    const prefillMs = await timed(now, () => run.prefill(promptTokens));
    await run.decode(Math.min(decodeTokens, 4));
    const decodeMs = await timed(now, () => run.decode(decodeTokens));
    return {
      prefill: { tokens: promptTokens, tokensPerSecond: rate(promptTokens, prefillMs) },
      decode: { tokens: decodeTokens, tokensPerSecond: rate(decodeTokens, decodeMs) },
      isa: model.info.isa,
      threads: model.info.threads,
    };
  } finally {
    model.freeSequence(sequence);
  }
}

class Runner {
  readonly #model: NativeModel;
  readonly #sequence: number;
  readonly #signal: AbortSignal;

  constructor(model: NativeModel, sequence: number, signal: AbortSignal) {
    this.#model = model;
    this.#sequence = sequence;
    this.#signal = signal;
  }

  async prefill(count: number): Promise<void> {
    this.#model.truncateSequence(this.#sequence, 0);
    for (let at = 0; at < count; at += BENCH_SLICE) {
      const slice = Math.min(BENCH_SLICE, count - at);
      const tokens = Int32Array.from({ length: slice }, (_, i) => this.#token(at + i));
      await this.#step({ sequence: this.#sequence, tokens, want: {} });
    }
  }

  async decode(count: number): Promise<void> {
    this.#model.truncateSequence(this.#sequence, 0);
    let token = this.#model.info.special.bos ?? this.#token(0);
    for (let i = 0; i < count; i++) {
      const output = await this.#step({
        sequence: this.#sequence,
        tokens: Int32Array.of(token),
        want: { sample: true },
      });
      token = output.sampled ?? token;
    }
  }

  async #step(item: StepItem): Promise<StepOutput> {
    if (this.#signal.aborted) throw new ZellError('cancelled', 'The benchmark was cancelled.');
    const [output] = await this.#model.step([item]);
    if (output === undefined) throw new ZellError('internal', 'A step had no output.');
    if (output.error !== undefined) throw Object.assign(new Error(output.error.message), { code: output.error.code });
    return output;
  }

  /** Spread over the vocabulary, the same in every run. */
  #token(at: number): number {
    return (at * 7919 + 101) % this.#model.info.vocabularySize;
  }
}

async function timed(now: () => number, work: () => Promise<void>): Promise<number> {
  const start = now();
  await work();
  return now() - start;
}

function rate(tokens: number, ms: number): number {
  return tokens === 0 ? 0 : tokens / (Math.max(ms, 1e-3) / 1000);
}
