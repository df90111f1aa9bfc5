/** Speed of the loaded model: prefill on an empty context, and decode of one or more sequences at a depth, greedily. */
import type { BenchmarkRequest, BenchmarkResult } from '#protocol/engine.ts';
import { GREEDY } from '#protocol/sampling.ts';
import { ZellError } from '#protocol/errors.ts';
import type { NativeModel, StepItem, StepOutput } from '../native/binding.ts';

/** Most tokens of one step, as the scheduler's own prefill slices. */
export const BENCH_SLICE = 256;

const MOST_SEQUENCES = 64;
const WARM_UP_STEPS = 4;

/** Sequences that hold `depth` tokens each, ready to decode. */
interface Filled {
  readonly sequences: readonly number[];
  readonly depth: number;
  readonly text: string | undefined;
}

/** What a `keep` call left for the next one. */
const kept = new WeakMap<NativeModel, Filled>();
/** Models that have had their warm-up. */
const warm = new WeakSet<NativeModel>();

/** KV room that a benchmark takes, in tokens. */
export function benchmarkTokens(request: BenchmarkRequest): number {
  const { promptTokens, decodeTokens, depth = 0, sequences = 1 } = request;
  return Math.max(promptTokens, sequences * (depth + decodeTokens)) + 1;
}

/**
 * Needs the model for itself. The first benchmark of a loaded model is preceded by a short one that does not count.
 * Filling sequences to their depth is not measured.
 * @throws {ZellError} invalid_request, context_overflow, cancelled (checked between steps), or what a step failed with.
 */
export async function runBenchmark(
  model: NativeModel,
  request: BenchmarkRequest,
  now: () => number,
  signal: AbortSignal,
): Promise<BenchmarkResult> {
  const { promptTokens, decodeTokens, depth = 0, sequences = 1, forced } = request;
  check(model, request);
  const run = new Runner(model, tokensOf(model, request.text), signal);
  const before = kept.get(model);
  const useless = decodeTokens > 0 ? before !== undefined && !fits(before, request) : request.keep !== true;
  if (before !== undefined && useless) release(model, before);
  let prefillMs = 0;
  let decodeMs = 0;
  if (!warm.has(model)) {
    await run.prefill(Math.min(promptTokens, BENCH_SLICE));
    warm.add(model);
  }
  if (promptTokens > 0) prefillMs = await timed(now, () => run.prefill(promptTokens));
  if (decodeTokens > 0) {
    const filled = await fill(model, run, request);
    try {
      if (forced !== true) await run.decode(filled, Math.min(decodeTokens, WARM_UP_STEPS), false);
      decodeMs = await timed(now, () => run.decode(filled, decodeTokens, forced === true));
      for (const sequence of filled.sequences) model.truncateSequence(sequence, depth);
    } finally {
      if (request.keep !== true) release(model, filled);
    }
  }
  return {
    prefill: { tokens: promptTokens, tokensPerSecond: rate(promptTokens, prefillMs) },
    decode: { tokens: decodeTokens * sequences, tokensPerSecond: rate(decodeTokens * sequences, decodeMs) },
    isa: model.info.isa,
    threads: model.info.threads,
  };
}

function check(model: NativeModel, request: BenchmarkRequest): void {
  const { promptTokens, decodeTokens, depth = 0, sequences = 1 } = request;
  for (const count of [promptTokens, decodeTokens, depth, sequences]) {
    if (!Number.isInteger(count) || count < 0)
      throw new ZellError('invalid_request', 'A benchmark needs whole, non-negative token counts.');
  }
  if (sequences < 1 || sequences > MOST_SEQUENCES)
    throw new ZellError('invalid_request', `A benchmark takes 1 to ${MOST_SEQUENCES} sequences.`);
  const { contextLength } = model.info;
  if (Math.max(promptTokens, depth + decodeTokens) >= contextLength)
    throw new ZellError('context_overflow', `The benchmark needs more than the context of ${contextLength}.`, {
      details: { promptTokens, decodeTokens, depth, contextLength },
    });
}

/** The kept sequences, which `runBenchmark` has found to be what is asked for, or new ones. */
async function fill(model: NativeModel, run: Runner, request: BenchmarkRequest): Promise<Filled> {
  const before = kept.get(model);
  if (before !== undefined) return before;
  const { depth = 0, sequences = 1, text } = request;
  const filled = { sequences: Array.from({ length: sequences }, () => model.createSequence()), depth, text };
  kept.set(model, filled);
  try {
    for (const [i, sequence] of filled.sequences.entries()) {
      model.setSampler(sequence, GREEDY, new Int32Array(0));
      await run.evaluate(sequence, depth, i);
    }
  } catch (error) {
    release(model, filled);
    throw error;
  }
  return filled;
}

function fits(filled: Filled, { depth = 0, sequences = 1, text }: BenchmarkRequest): boolean {
  return filled.depth === depth && filled.sequences.length === sequences && filled.text === text;
}

function release(model: NativeModel, filled: Filled): void {
  for (const sequence of filled.sequences) model.freeSequence(sequence);
  if (kept.get(model) === filled) kept.delete(model);
}

/** What is evaluated, from its beginning on, over and over. */
function tokensOf(model: NativeModel, text: string | undefined): Int32Array {
  const tokens = text === undefined ? new Int32Array(0) : model.tokenize(text, false);
  if (tokens.length > 0) return tokens;
  // Spread over the vocabulary, the same in every run.
  const size = model.info.vocabularySize;
  return Int32Array.from({ length: size }, (_, at) => (at * 7919 + 101) % size);
}

class Runner {
  readonly #model: NativeModel;
  readonly #tokens: Int32Array;
  readonly #signal: AbortSignal;

  constructor(model: NativeModel, tokens: Int32Array, signal: AbortSignal) {
    this.#model = model;
    this.#tokens = tokens;
    this.#signal = signal;
  }

  async prefill(count: number): Promise<void> {
    const sequence = this.#model.createSequence();
    try {
      await this.evaluate(sequence, count, 0);
    } finally {
      this.#model.freeSequence(sequence);
    }
  }

  /** `count` tokens on an empty sequence; each sequence's text starts elsewhere. */
  async evaluate(sequence: number, count: number, index: number): Promise<void> {
    for (let at = 0; at < count; at += BENCH_SLICE) {
      const slice = Math.min(BENCH_SLICE, count - at);
      const tokens = Int32Array.from({ length: slice }, (_, i) => this.#token(index, at + i));
      await this.#step([{ sequence, tokens, want: {} }]);
    }
  }

  /** From `filled.depth` on, whatever was decoded there before. `forced`: tokens are the text's, not the sampled ones. */
  async decode(filled: Filled, steps: number, forced: boolean): Promise<void> {
    for (const sequence of filled.sequences) this.#model.truncateSequence(sequence, filled.depth);
    const next = filled.sequences.map((_, index) => this.#token(index, filled.depth));
    for (let i = 0; i < steps; i++) {
      const outputs = await this.#step(
        filled.sequences.map((sequence, index) => ({
          sequence,
          tokens: Int32Array.of(next[index] ?? 0),
          want: { sample: true },
        })),
      );
      const sampled = new Map(outputs.map((output) => [output.sequence, output.sampled]));
      for (const [index, sequence] of filled.sequences.entries()) {
        next[index] = forced ? this.#token(index, filled.depth + i + 1) : (sampled.get(sequence) ?? 0);
      }
    }
  }

  async #step(items: readonly StepItem[]): Promise<readonly StepOutput[]> {
    if (this.#signal.aborted) throw new ZellError('cancelled', 'The benchmark was cancelled.');
    const outputs = await this.#model.step(items);
    if (outputs.length !== items.length) throw new ZellError('internal', 'A step left a sequence without a result.');
    for (const { error } of outputs)
      if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
    return outputs;
  }

  #token(index: number, at: number): number {
    return this.#tokens[(index * 997 + at) % this.#tokens.length] ?? 0;
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
