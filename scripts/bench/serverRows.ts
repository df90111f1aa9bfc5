// The requirements that the server suite judges itself by, each computed from what was measured.
import type { Measurement } from './measure.ts';
import { judged, median, nothing, ratio, type BenchRow, type Reached } from './report.ts';

export const LLAMA_SERVER = 'llama-server';

/** The wait that a short prompt may have beside a long one: this many times its wait alone, and some milliseconds. */
const BUSY_TIMES = 1.2;
const BUSY_MS = 50;
/** The gap that a running stream may have beside prompts, or two of its plain steps. */
const GAP_MS = 50;

export function serverRows(measurements: readonly Measurement[], isa: string): BenchRow[] {
  const find = (name: string): Measurement | undefined => measurements.find((m) => m.id.startsWith(`${name}/`));
  const of = (name: string, who = 'ours'): readonly number[] => find(name)?.figures[who] ?? [];
  /** Median of each round's own quotient. */
  const quotient = (above: string, below: string, who = 'ours'): number | null => {
    const [a, b] = [of(above, who), of(below, who)];
    const pairs = Math.min(a.length, b.length);
    return pairs === 0 ? null : median(a.slice(0, pairs).map((value, i) => value / (b[i] ?? Number.NaN)));
  };
  const figure = (name: string, who = 'ours'): string => {
    const values = of(name, who);
    if (values.length === 0) return '–';
    const value = median(values);
    return value.toFixed(value < 10 ? 1 : 0);
  };
  const reached = (value: number | null, note: string): Reached =>
    value === null ? nothing('not measured') : { value, note };
  const both = (name: string, unit: string): string => `${figure(name)} and ${figure(name, LLAMA_SERVER)} ${unit}`;
  const less = (name: string): number | null => {
    const times = ratio(find(name), LLAMA_SERVER);
    return times === null ? null : 1 / times;
  };
  const absolute = (name: string): number | null => (of(name).length === 0 ? null : median(of(name)));

  const rows: BenchRow[] = [];
  const add = (
    id: string,
    what: string,
    value: Reached,
    must: number | null,
    aim: number | null,
    more: Partial<Pick<BenchRow, 'unit' | 'atMost'>> = {},
  ): void => {
    rows.push(judged(id, what, value, must, aim, { isa, ...more }));
  };

  add(
    'users-4',
    'decode of 4 users together, vs llama-server',
    reached(ratio(find('users-4'), LLAMA_SERVER), both('users-4', 'tokens/s')),
    2,
    3,
  );
  const pair = (who: string): string => `${figure('users-4', who)} ÷ ${figure('users-1', who)}`;
  const theirs = of('users-1', LLAMA_SERVER).length === 0 ? '' : `; llama-server ${pair(LLAMA_SERVER)}`;
  add(
    'users-4-own',
    'decode of 4 users ÷ 1 user',
    reached(quotient('users-4', 'users-1'), `${pair('ours')} tokens/s${theirs}`),
    2.5,
    3.5,
  );
  for (const n of [1, 4])
    add(
      `http-${n}`,
      `decode of ${n} over HTTP, of the engine's own`,
      reached(quotient(`users-${n}`, `engine-${n}`), `${figure(`users-${n}`)} of ${figure(`engine-${n}`)} tokens/s`),
      null,
      null,
      { unit: 'share' },
    );
  const idle = absolute('ttft-idle');
  add(
    'ttft-busy',
    'first token for 3 users while a 4th’s 4k tokens are evaluated',
    reached(absolute('ttft-busy'), `alone ${figure('ttft-idle')} ms`),
    idle === null ? null : BUSY_TIMES * idle + BUSY_MS,
    null,
    { unit: 'ms', atMost: true },
  );
  const step = absolute('gap-step');
  add(
    'gap',
    'p95 gap of a running stream while 4k tokens are evaluated',
    reached(absolute('gap-beside'), `a plain step ${figure('gap-step')} ms`),
    step === null ? null : Math.max(GAP_MS, 2 * step),
    null,
    { unit: 'ms', atMost: true },
  );
  add(
    'full',
    'p95 wait for the refusal by a full queue, 10 a second',
    reached(absolute('full-refusal'), `running streams keep ${figure('full-rate')} of their rate`),
    50,
    null,
    { unit: 'ms', atMost: true },
  );
  add(
    'cancel',
    'p99 of 1,000 cancellations until the engine stops',
    reached(absolute('cancel'), 'steps of 512 tokens, in the engine'),
    10,
    null,
    { unit: 'ms', atMost: true },
  );
  add(
    'prefix-warm',
    'first token, warm prefix of 2,000 tokens, of llama-server’s time',
    reached(less('prefix-warm'), both('prefix-warm', 'ms')),
    1,
    0.5,
    { atMost: true },
  );
  add(
    'prefix-again',
    'first token, the same prefix cold ÷ warm',
    reached(quotient('prefix-cold', 'prefix-warm'), `${figure('prefix-cold')} ÷ ${figure('prefix-warm')} ms`),
    20,
    null,
  );
  add(
    'prefix-restart',
    'first token after a restart, cold ÷ from disk',
    reached(quotient('restart-cold', 'restart-disk'), `${figure('restart-cold')} ÷ ${figure('restart-disk')} ms`),
    10,
    20,
  );
  add(
    'whole',
    'whole answer of 128 tokens behind that prefix, cold ÷ warm',
    reached(
      quotient('whole-cold', 'whole-warm'),
      `${figure('whole-cold')} ÷ ${figure('whole-warm')} ms${paidBack(absolute('prefix-build'), absolute('whole-cold'), absolute('whole-warm'))}`,
    ),
    1.76,
    4,
  );
  add(
    'overhead',
    'CPU of the host process for each streamed token',
    reached(
      absolute('overhead-1'),
      `${figure('overhead-4')} µs with 4 users; Node that only forwards ${figure('overhead-bare')} µs`,
    ),
    60,
    30,
    { unit: 'µs', atMost: true },
  );
  add(
    'inline',
    'completion of 24 tokens behind 1,800 cached ones',
    reached(
      absolute('inline'),
      of('inline', LLAMA_SERVER).length === 0 ? '' : `llama-server ${figure('inline', LLAMA_SERVER)} ms`,
    ),
    250,
    150,
    { unit: 'ms', atMost: true },
  );
  return rows;
}

/** What building a prefix ahead costs once, and after how many requests that is paid back. */
function paidBack(build: number | null, cold: number | null, warm: number | null): string {
  if (build === null || cold === null || warm === null) return '';
  const once = `; once ${build.toFixed(0)} ms to build and write it`;
  return cold > warm
    ? `${once}, paid back by ${Math.ceil(build / (cold - warm))} requests`
    : `${once}, never paid back`;
}
