// Whether a soak's curves are flat: windows of equal numbers of requests, and how far the last ones lie above the middle ones.
import type { Sample } from './samples.ts';

export interface Window {
  /** Requests at its end. */
  readonly requests: number;
  /** Least memory and most descriptors seen in it: what garbage collection leaves. */
  readonly hostMb: number;
  readonly engineMb: number;
  readonly hostFds: number;
  readonly engineFds: number;
  /** Milliseconds of the answered requests that ended in it. */
  readonly p50: number;
  readonly p95: number;
}

export interface Timed {
  /** Requests that had ended by then. */
  readonly requests: number;
  readonly ms: number;
}

export function windows(samples: readonly Sample[], times: readonly Timed[], count: number): Window[] {
  const total = samples.at(-1)?.requests ?? 0;
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [(total * i) / count, (total * (i + 1)) / count];
    const inside = ({ requests }: { readonly requests: number }): boolean => requests > from && requests <= to;
    const here = samples.filter(inside);
    const ms = times.filter(inside).map((timed) => timed.ms);
    return {
      requests: Math.round(to),
      hostMb: Math.min(...here.map((s) => s.host.mb)),
      engineMb: Math.min(...here.map((s) => s.engine.mb)),
      hostFds: Math.max(...here.map((s) => s.host.fds)),
      engineFds: Math.max(...here.map((s) => s.engine.fds)),
      p50: quantile(ms, 0.5),
      p95: quantile(ms, 0.95),
    };
  }).filter(({ hostMb }) => Number.isFinite(hostMb));
}

/** A curve and how much it may grow over 10,000 requests after the first third, in its own unit. */
const LIMITS = [
  ['hostMb', 'memory of the host', 16, 'MB'],
  ['engineMb', 'memory of the engine', 16, 'MB'],
  ['hostFds', 'descriptors of the host', 4, ''],
  ['engineFds', 'descriptors of the engine', 4, ''],
] as const;
/** What a curve may differ by chance, however few requests there were. */
const CHANCE = { hostMb: 24, engineMb: 24, hostFds: 16, engineFds: 4 } as const;

/** @returns a sentence for each curve that grows */
export function slopes(all: readonly Window[]): string[] {
  const settled = all.slice(Math.floor(all.length / 3));
  const [first, last] = [settled[0], settled.at(-1)];
  if (settled.length < 3 || first === undefined || last === undefined) return [];
  const span = last.requests - first.requests;
  return LIMITS.flatMap(([key, what, limit, unit]) => {
    const grown = slope(settled.map((window) => [window.requests, window[key]])) * span;
    const allowed = Math.max(CHANCE[key], (limit * span) / 10_000);
    if (grown <= allowed) return [];
    return [
      `The ${what} grew by ${grown.toFixed(1)} ${unit} over ${span} requests; ${allowed.toFixed(1)} are allowed.`,
    ];
  });
}

/** Theil–Sen: the median of the slopes of all pairs, which a single outlier does not move. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const pairs = points.flatMap(([x, y], i) => points.slice(i + 1).map(([x2, y2]) => (y2 - y) / (x2 - x)));
  return quantile(pairs, 0.5);
}

function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? NaN;
}
