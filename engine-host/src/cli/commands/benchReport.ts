/** The figures of `zell bench` and the table made of them. */
import type { BenchmarkResult } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { MachineLimits } from '#protocol/survey.ts';

export interface Together {
  readonly sequences: number;
  /** Of all of them. */
  readonly tokensPerSecond: number;
}

/** The shape of `--json`. With `--quick`, `limits` and `deep` are null and `together` is empty. */
export interface BenchFigures {
  readonly model: string;
  readonly isa: string;
  readonly threads: number;
  /** What one token of decoding reads and multiplies. */
  readonly tokenWork: ModelInfo['tokenWork'];
  readonly prefill: BenchmarkResult['prefill'];
  readonly decode: BenchmarkResult['decode'];
  readonly deep: { readonly depth: number; readonly tokensPerSecond: number } | null;
  readonly together: readonly Together[];
  readonly limits: MachineLimits | null;
}

/** The depth that was asked for, or what the context holds of it beside the answer. */
export function depthFor(wanted: number, steps: number, contextLength: number): number {
  return Math.max(0, Math.min(wanted, contextLength - steps - 1));
}

export function benchLines(figures: BenchFigures): string[] {
  const { tokenWork, prefill, decode, deep, together, limits } = figures;
  const rows: (readonly [what: string, speed: number, share: string])[] = [
    [`prompt of ${prefill.tokens} tokens`, prefill.tokensPerSecond, computeShare(prefill.tokensPerSecond, figures)],
    [`answer of ${decode.tokens} tokens`, decode.tokensPerSecond, readShare(decode.tokensPerSecond, figures)],
  ];
  if (deep !== null) rows.push([`answer after ${deep.depth} tokens`, deep.tokensPerSecond, '']);
  for (const { sequences, tokensPerSecond } of together)
    rows.push([`${sequences} answers at once`, tokensPerSecond, computeShare(tokensPerSecond, figures)]);
  const width = Math.max(...rows.map(([what]) => what.length)) + 2;
  const lines = [
    `${figures.model} on ${figures.isa}, ${figures.threads} ${figures.threads === 1 ? 'thread' : 'threads'}`,
  ];
  for (const [what, speed, share] of rows)
    lines.push(`  ${what.padEnd(width)}${speed.toFixed(1).padStart(8)} tokens/s  ${share}`.trimEnd());
  if (limits === null) return lines;
  const peak = limits.int8OpsPerSecond > 0 ? `, multiplies ${billions(limits.int8OpsPerSecond)} GOPS of int8` : '';
  lines.push(
    `This machine reads ${billions(limits.readBytesPerSecond, 1)} GB/s from memory${peak}.`,
    `One token of answer reads ${(tokenWork.bytes / 1e6).toFixed(0)} MB of weights: at most ${ceiling(figures)} tokens/s from memory.`,
  );
  if (readFraction(decode.tokensPerSecond, figures) > 1) lines.push('More than that: a cache holds a part of them.');
  return lines;
}

/** Share of the memory's speed that reading the weights for each token takes. */
function readShare(tokensPerSecond: number, figures: BenchFigures): string {
  return figures.limits === null ? '' : `${percent(readFraction(tokensPerSecond, figures))} of memory speed`;
}

function readFraction(tokensPerSecond: number, { tokenWork, limits }: BenchFigures): number {
  return limits === null ? 0 : (tokensPerSecond * tokenWork.bytes) / limits.readBytesPerSecond;
}

/** Share of the int8 peak that multiplying the weights takes: attention is left out. */
function computeShare(tokensPerSecond: number, { tokenWork, limits }: BenchFigures): string {
  if (limits === null || limits.int8OpsPerSecond <= 0) return '';
  return `${percent((tokensPerSecond * 2 * tokenWork.weights) / limits.int8OpsPerSecond)} of int8 peak`;
}

function ceiling({ tokenWork, limits }: BenchFigures): string {
  return limits === null ? '' : (limits.readBytesPerSecond / Math.max(tokenWork.bytes, 1)).toFixed(0);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function billions(value: number, digits = 0): string {
  return (value / 1e9).toFixed(digits);
}
