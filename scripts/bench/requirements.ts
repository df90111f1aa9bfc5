// The requirements that the engine suite judges itself by, each computed from what was measured.
import type { Measurement } from './measure.ts';
import { geometricMean, judged, median, nothing, ratio, type BenchRow, type Reached } from './report.ts';

export interface Facts {
  readonly measurements: readonly Measurement[];
  /** Our best instruction set here. */
  readonly isa: string;
  readonly readBytesPerSecond: number;
  readonly int8OpsPerSecond: number;
  /** Larger files than this count as not cached. */
  readonly cacheBytes: number;
  /** Bytes that one token of decoding reads, operations that it takes, and the size, by file. */
  readonly files: ReadonlyMap<
    string,
    { readonly tokenBytes: number; readonly tokenOps: number; readonly bytes: number }
  >;
}

const LLAMA = 'llama.cpp';
const FORK = 'ik_llama.cpp';
export const PREBUILT_AMX = 'llama.cpp prebuilt amx';
export const LLAMA_AVX2 = 'llama.cpp avx2';

export function requirements(facts: Facts): BenchRow[] {
  const find = (id: string): Measurement | undefined => facts.measurements.find((m) => m.id === id);
  const all = (kind: string): Measurement[] => facts.measurements.filter((m) => m.id.startsWith(`${kind}/`));
  const vs = (kind: string, theirs: string, ours = 'ours'): { file: string; times: number }[] =>
    all(kind).flatMap((m) => {
      const times = ratio(m, theirs, ours);
      return times === null ? [] : [{ file: m.file, times }];
    });
  const mean = (found: readonly { file: string; times: number }[]): Reached =>
    found.length === 0
      ? nothing('not measured')
      : { value: geometricMean(found.map((f) => f.times)), note: `${found.length} files` };
  const worst = (found: readonly { file: string; times: number }[]): Reached => {
    const least = [...found].sort((a, b) => a.times - b.times)[0];
    return least === undefined ? nothing('not measured') : { value: least.times, note: least.file };
  };
  const one = (id: string, theirs = LLAMA): Reached => ({ value: ratio(find(id), theirs), note: '' });
  /** Each file against whoever is faster at it. */
  const better = (kind: string): { file: string; times: number }[] =>
    all(kind).flatMap((m) => {
      const found = [ratio(m, LLAMA), ratio(m, FORK)].filter((times) => times !== null);
      return found.length === 0 ? [] : [{ file: m.file, times: Math.min(...found) }];
    });

  const wide = /^avx512|^amx/.test(facts.isa);
  const rows: BenchRow[] = [];
  const add = (
    id: string,
    what: string,
    reached: Reached,
    must: number | null,
    aim: number | null,
    more: Partial<Pick<BenchRow, 'unit' | 'atMost' | 'isa'>> = {},
  ): void => {
    rows.push(judged(id, what, reached, must, aim, { isa: facts.isa, ...more }));
  };

  const prefill = vs('prefill', LLAMA);
  add('prefill-mean', 'prefill 512, mean over files, vs llama.cpp', mean(prefill), wide ? 1.5 : 1.4, 2.5);
  add('prefill-mean-fork', 'prefill 512, mean over files, vs ik_llama.cpp', mean(vs('prefill', FORK)), null, 1.1);
  add('prefill-worst', 'prefill 512, worst file, vs llama.cpp', worst(prefill), 1.1, 1.5);
  add('prefill-default', 'prefill 512, default model, vs llama.cpp', one('prefill/default'), wide ? 3 : 1.8, 5);
  const decode = better('decode');
  add('decode-mean', 'decode, mean over files, vs the better peer of each', mean(decode), 1.1, 1.6);
  add('decode-worst', 'decode, worst file, vs the better peer of each', worst(decode), null, null);
  const byDefault = decode.find((d) => d.file === 'default');
  add(
    'decode-default',
    'decode 128, default model, vs the better peer',
    { value: byDefault?.times ?? null, note: '' },
    1.5,
    2.2,
  );
  for (const kv of ['f16', 'q8_0'])
    add(`depth-${kv}`, `decode at depth 4096, ${kv} KV, vs llama.cpp`, one(`depth-${kv}/default`), 1.2, 2);
  add(
    'bandwidth',
    'decode of files above the last-level cache, share of memory read',
    bandwidth(facts, all('decode')),
    0.7,
    0.9,
    {
      unit: 'share',
    },
  );
  for (const n of [4, 8]) {
    add(`together-${n}`, `${n} sequences together, worst file, vs llama.cpp`, worst(vs(`together-${n}`, LLAMA)), 2, 3);
    add(
      `together-${n}-own`,
      `${n} sequences together ÷ one sequence of our own`,
      gain(n, all(`together-${n}`), find),
      null,
      null,
    );
    add(
      `together-${n}-roofline`,
      `${n} sequences together, share of the machine's roofline`,
      roofline(facts, n, all),
      null,
      0.8,
      {
        unit: 'share',
      },
    );
  }
  const inverse = ({ value, note }: Reached): Reached => ({ value: value === null ? null : 1 / value, note });
  add('load', 'load to first token, default model, of llama.cpp’s time', inverse(one('load/default')), 1, 0.5, {
    atMost: true,
  });
  add('memory', 'resident memory after one answer, of llama.cpp’s', inverse(one('memory/default')), 1, null, {
    atMost: true,
  });
  if (facts.isa === 'amx') {
    const own = vs('prefill', 'ours avx512vnni');
    add('amx-own', 'prefill with AMX vs our AVX-512', mean(own), 2, 4);
    add('amx-prebuilt', 'prefill with AMX vs node-llama-cpp’s AMX library', mean(vs('prefill', PREBUILT_AMX)), 1, 1.5);
    add('amx-prebuilt-worst', 'the same, worst file', worst(vs('prefill', PREBUILT_AMX)), null, null);
  }
  if (wide) {
    const forced = { isa: 'avx2' };
    const found = vs('prefill-avx2', LLAMA_AVX2, 'ours avx2');
    add('avx2-prefill-mean', 'AVX2 forced: prefill 512, mean, vs llama.cpp with AVX2', mean(found), 1.4, 2.5, forced);
    const small = found.find((f) => f.file === 'default');
    add(
      'avx2-prefill-default',
      'AVX2 forced: prefill 512, default model',
      { value: small?.times ?? null, note: '' },
      1.8,
      5,
      forced,
    );
    add(
      'avx2-decode-mean',
      'AVX2 forced: decode, mean, vs llama.cpp with AVX2',
      mean(vs('decode-avx2', LLAMA_AVX2, 'ours avx2')),
      1.1,
      1.6,
      forced,
    );
  }
  return rows;
}

/** The worst of the files that no cache holds. */
function bandwidth(facts: Facts, decode: readonly Measurement[]): Reached {
  const shares = decode.flatMap((m) => {
    const file = facts.files.get(m.file);
    const speeds = m.figures['ours'] ?? [];
    if (file === undefined || file.bytes <= facts.cacheBytes || speeds.length === 0) return [];
    return [{ file: m.file, share: (median(speeds) * file.tokenBytes) / facts.readBytesPerSecond }];
  });
  const least = [...shares].sort((a, b) => a.share - b.share)[0];
  if (least === undefined) return nothing('no such file measured');
  const list = shares.map((s) => `${s.file} ${(100 * s.share).toFixed(0)} %`).join(', ');
  return { value: least.share, note: `worst of ${list}` };
}

/** Of what memory (weights once for all sequences) and int8 products allow, the lower: the worst file. */
function roofline(facts: Facts, n: number, all: (kind: string) => Measurement[]): Reached {
  const shares = all(`together-${n}`).flatMap((m) => {
    const file = facts.files.get(m.file);
    const speeds = m.figures['ours'] ?? [];
    if (file === undefined || speeds.length === 0) return [];
    const memory = (n * facts.readBytesPerSecond) / file.tokenBytes;
    const products = facts.int8OpsPerSecond / file.tokenOps;
    const bound = memory < products ? 'memory' : 'products';
    return [{ share: median(speeds) / Math.min(memory, products), note: `${m.file}, bound by ${bound}` }];
  });
  const least = [...shares].sort((a, b) => a.share - b.share)[0];
  return least === undefined ? nothing('not measured') : { value: least.share, note: least.note };
}

function gain(n: number, found: readonly Measurement[], find: (id: string) => Measurement | undefined): Reached {
  const gains = found.flatMap((m) => {
    const alone = find(`decode/${m.file}`)?.figures['ours'];
    const together = m.figures['ours'];
    return alone === undefined || together === undefined
      ? []
      : [{ file: m.file, times: median(together) / median(alone) }];
  });
  if (gains.length === 0) return nothing('not measured');
  const note = gains.map((g) => `${g.file} ${g.times.toFixed(2)}×`).join(', ');
  return { value: Math.min(...gains.map((g) => g.times)), note: `of ${n} at most; ${note}` };
}
