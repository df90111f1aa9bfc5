import { expect, test } from 'vitest';
import { slopes, windows } from './judge.ts';
import type { Sample } from './samples.ts';

/** A run of 20,000 requests whose host's memory and descriptors follow these curves. */
function run(mb: (n: number) => number, fds: (n: number) => number = () => 30): Sample[] {
  return Array.from({ length: 400 }, (_, i) => {
    const requests = (i + 1) * 50;
    return { requests, host: { mb: mb(requests), fds: fds(requests) }, engine: { mb: 900, fds: 20 } };
  });
}
const judge = (samples: readonly Sample[]): string[] => slopes(windows(samples, [], 10));

test('flat, sawtooth and warm-up curves pass', () => {
  expect(judge(run(() => 200))).toEqual([]);
  expect(judge(run((n) => 200 + (n % 1500) / 10))).toEqual([]);
  expect(judge(run((n) => 200 + Math.min(n, 4000) / 40))).toEqual([]);
  expect(judge(run((n) => (n === 9000 ? 5000 : 200)))).toEqual([]);
});

test('what grows with the requests is named', () => {
  // Three kilobytes a request.
  expect(judge(run((n) => 200 + n / 333))).toEqual([expect.stringContaining('memory of the host')]);
  expect(judge(run((n) => 200 + (n % 1500) / 10 + n / 333))).toHaveLength(1);
  // A descriptor for every 500 requests.
  expect(
    judge(
      run(
        () => 200,
        (n) => 30 + n / 500,
      ),
    ),
  ).toEqual([expect.stringContaining('descriptors')]);
});

test('latencies belong to the window in which they ended', () => {
  const times = Array.from({ length: 100 }, (_, i) => ({ requests: (i + 1) * 200, ms: i < 50 ? 10 : 20 }));
  const found = windows(
    run(() => 200),
    times,
    4,
  );
  expect(found.map(({ p50 }) => p50)).toEqual([10, 10, 20, 20]);
  expect(found.at(-1)?.requests).toBe(20_000);
});
