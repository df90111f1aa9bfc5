// The same tokens whatever the number of threads and neighbours; every instruction set that this machine has, forced in turn.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cpuFlags } from '../../scripts/bench/report.ts';
import { processesUnavailable } from '../helpers/processes.ts';
import { ZellHome, type RunningHost } from '../helpers/zellHost.ts';

const unavailable = processesUnavailable();
const PROMPT = 'Once upon a time, in a village by the sea,';
const TOKENS = 32;

/** What each table of kernels needs, by the names in /proc/cpuinfo. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  scalar: [],
  avx2: ['avx2', 'fma', 'f16c'],
  avx2vnni: ['avx2', 'fma', 'f16c', 'avx_vnni'],
  avx512vnni: ['avx512f', 'avx512bw', 'avx512vl', 'avx512_vnni'],
  amx: ['amx_tile', 'amx_int8', 'avx512_vnni'],
};
const missing = (isa: string): string[] => NEEDS[isa]!.filter((flag) => !cpuFlags().has(flag));

interface Continuation {
  readonly tokens: number[];
  readonly content: string;
}

/** Greedy continuations of several prompts at once; the first is PROMPT. */
async function go(host: RunningHost, prompts: readonly string[]): Promise<Continuation[]> {
  const common = { n_predict: TOKENS, temperature: 0, repeat_penalty: 1, ignore_eos: true, return_tokens: true };
  return Promise.all(prompts.map((prompt) => host.post<Continuation>('/completion', { prompt, ...common })));
}

describe.skipIf(unavailable !== undefined)('greedy', () => {
  let home: ZellHome;
  beforeAll(async () => {
    home = await ZellHome.make();
  });
  afterAll(() => home.remove());

  async function withHost<T>(env: Record<string, string>, work: (host: RunningHost) => Promise<T>): Promise<T> {
    const host = await home.serve(['--port', '0'], env);
    try {
      return await work(host);
    } finally {
      await host.stop();
    }
  }

  test('the same tokens with one, two and three threads, alone and beside others', async () => {
    const others = ['The recipe begins with', 'function fibonacci(n) {', '1, 2, 3, 4,'];
    const runs: Continuation[] = [];
    for (const threads of ['1', '2', '3']) {
      await withHost({ ZELL_THREADS: threads }, async (host) => {
        expect(await home.json(['bench', '--prompt-tokens', '8', '--decode-tokens', '2', '--quick'])).toMatchObject({
          threads: Number(threads),
        });
        // Crowded first, so that nothing is reused from the other.
        runs.push((await go(host, [PROMPT, ...others]))[0]!);
        runs.push((await go(host, [PROMPT]))[0]!);
      });
    }
    expect(runs[0]!.tokens).toHaveLength(TOKENS);
    expect(new Set(runs[0]!.tokens).size).toBeGreaterThan(10);
    for (const run of runs) expect(run).toMatchObject({ tokens: runs[0]!.tokens, content: runs[0]!.content });
  });

  for (const isa of Object.keys(NEEDS)) {
    const lacking = missing(isa);
    test.skipIf(lacking.length > 0)(
      `ZELL_ISA=${isa} answers${lacking.length > 0 ? ` (this CPU has no ${lacking.join(', ')})` : ''}`,
      async (context) => {
        await withHost({ ZELL_ISA: isa }, async () => {
          const bench = await home.json<{ isa: string; decode: { tokensPerSecond: number } }>([
            'bench',
            '--prompt-tokens',
            '16',
            '--decode-tokens',
            '4',
            '--quick',
          ]);
          // The flag alone is not enough: the operating system has to let a process have the tiles.
          if (isa === 'amx' && bench.isa !== 'amx') context.skip('the operating system gives no tiles');
          expect(bench.isa).toBe(isa);
          const paris = await home.zell(['test-paris', '--json']);
          expect(paris.stdout).toContain('"passed":true');
          expect(paris.code).toBe(0);
        });
      },
    );
  }

  test('an instruction set that does not exist is named, and the best one is taken', async () => {
    await withHost({ ZELL_ISA: 'sse9' }, async () => {
      const { isa } = await home.json<{ isa: string }>([
        'bench',
        '--prompt-tokens',
        '8',
        '--decode-tokens',
        '2',
        '--quick',
      ]);
      expect(Object.keys(NEEDS)).toContain(isa);
    });
    expect(readFileSync(home.path('engine.log'), 'utf8')).toMatch(
      /ZELL_ISA=sse9 cannot be used; supported here: scalar/,
    );
  });
});

if (unavailable !== undefined) test.skip(`no greedy tests: ${unavailable}`);
