// Adapters and memories across borders, with the real program on tiny random models: import, a new model, a file of the folder, a bundle.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdapterList } from '../../protocol/src/adapters.ts';
import type { MemoryStatus } from '../../protocol/src/memory.ts';
import { testCard } from '../../engine-host/src/memory/cards/testCard.ts';
import { buildNativeTools, oracleUnavailable } from '../helpers/oracle.ts';
import { processesUnavailable, until } from '../helpers/processes.ts';
import { CLI, ZellHome } from '../helpers/zellHost.ts';

const run = promisify(execFile);
const unavailable = processesUnavailable() ?? oracleUnavailable();
const CARD = { ...testCard(1, 'your manager', 'Priya Raman'), sources: [] };

describe.skipIf(unavailable !== undefined)('adapters and memories', () => {
  let home: ZellHome;
  let one: string;
  let other: string;
  let adapter: string;

  beforeAll(async () => {
    home = await ZellHome.make();
    const tools = await buildNativeTools(['zell_synthesize', 'zell_adapter']);
    const shape = [
      '--layers',
      '1',
      '--width',
      '64',
      '--heads',
      '2',
      '--kv-heads',
      '1',
      '--ffn',
      '64',
      '--type',
      'Q8_0',
    ];
    const made = async (name: string, seed: string): Promise<string> => {
      const file = home.path(name);
      await run(path.join(tools, 'zell_synthesize'), [file, '--vocab-from', home.model, ...shape, '--seed', seed]);
      return file;
    };
    one = await made('one.gguf', '1');
    other = await made('other.gguf', '2');
    adapter = home.path('adapter.gguf');
    // Without alpha there is one dose to try.
    await run(path.join(tools, 'zell_adapter'), [one, adapter, '--size', '20', '--alpha', '0']);
    const host = await home.serve(['--port', '0', '--model', one]);
    // The memory is the first model's: it was said while that one answered.
    await host.post('/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello.' }], max_tokens: 4 });
    await until('it is recorded', async () => (await home.json<MemoryStatus>(['memory', 'status', one])).events === 1);
    writeFileSync(home.path('cards.json'), JSON.stringify({ v: 1, cards: [CARD] }));
    expect(await home.json(['memory', 'import', home.path('cards.json')])).toEqual({ added: 1 });
  }, 600_000);
  afterAll(() => home.remove());

  test('a model that is new to the memories gets a night of its own, and the status says so', async () => {
    const known = await home.json<MemoryStatus>(['memory', 'status', one]);
    expect(known.sleep?.next).toBeUndefined();
    const words = 'This model is new here: one memory is taught to it.';
    await until('it is due', async () => {
      const { sleep } = await home.json<MemoryStatus>(['memory', 'status', other]);
      return sleep?.next === words && sleep.phase === 'drowsy';
    });
    expect((await home.zell(['memory', 'status', other])).stdout).toContain(words);
    const back = await home.json<MemoryStatus>(['memory', 'status', one]);
    expect(back.sleep?.next).toBeUndefined();
  });

  test('an import that harms is measured, shown and not taken; its exit code says so', async () => {
    const { code, stdout, stderr } = await home.zell(['lora', one, 'import', adapter]);
    expect([code, stderr]).toEqual([3, expect.stringContaining('Measuring')]);
    expect(stdout).toMatch(/without +with +needed/);
    expect(stdout).toMatch(/change of prose .* at most 1\.02/);
    expect(stdout).toMatch(/not passed/);
    const { active, versions } = await home.json<AdapterList>(['lora', one, 'list']);
    expect([active, versions]).toMatchObject([null, [{ by: 'import', state: 'rejected', version: 1 }]]);
    expect((await home.zell(['lora', one, 'import', home.path('absent')])).stderr).toContain('There is no');
  });

  test('a .lora file of the folder answers and is said aloud; without it, and of another shape, the model answers alone', async () => {
    const folder = home.path('work');
    mkdirSync(folder);
    const ask = async (...options: string[]): Promise<{ stdout: string; stderr: string }> =>
      run(process.execPath, [CLI, 'run', one, 'Once upon a time', '--max-tokens', '12', ...options], {
        cwd: folder,
        env: { ...home.env, TERM_PROGRAM: '' },
      });
    const bare = await ask();
    const file = path.join(folder, 'mine.lora');
    writeFileSync(file, readFileSync(adapter));
    const with_ = await ask();
    expect(with_.stderr).toContain('With the adapter mine.lora of this folder');
    expect(with_.stdout).not.toBe(bare.stdout);
    const without = await ask('--no-lora');
    expect(without.stderr).not.toContain('mine.lora');
    expect(without.stdout).toBe(bare.stdout);
    writeFileSync(file, 'no adapter');
    const broken = await ask();
    expect(broken.stderr).toContain('It is not used:');
    expect(broken.stdout).toBe(bare.stdout);
  });

  test('a bundle is written when the user agrees, and for a model whose original is named', async () => {
    const folder = home.path('bundle');
    const args = ['memory', 'export', '--bundle', folder, '--model', one];
    expect((await home.zell(args)).stderr).toContain('Agree with --yes');
    expect((await home.zell([...args, '--yes'])).stderr).toContain('--base OWNER/NAME');
    expect(existsSync(folder)).toBe(false);
    const report = await home.json<{ train: number; leftOut: number }>([...args, '--yes', '--base', 'Somebody/One']);
    expect(report).toMatchObject({ folder, cards: 1, valid: 2, leftOut: 0 });
    const recipe = JSON.parse(readFileSync(path.join(folder, 'recipe.json'), 'utf8')) as { base: { hub: string } };
    expect(recipe.base.hub).toBe('Somebody/One');
    rmSync(folder, { recursive: true });
  });
});

if (unavailable !== undefined) test.skip(`no life of adapters: ${unavailable}`);
