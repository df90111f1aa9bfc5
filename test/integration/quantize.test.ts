// `zell quantize` and `zell imatrix` on the default model: a model that still answers, refusals, nothing left behind.
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesUnavailable, until } from '../helpers/processes.ts';
import { CLI, ZellHome } from '../helpers/zellHost.ts';

const unavailable = processesUnavailable();

let home: ZellHome;
let folder: string;
beforeAll(async () => {
  if (unavailable !== undefined) return;
  home = await ZellHome.make();
  folder = home.path('quantized');
  mkdirSync(folder, { recursive: true });
});
afterAll(() => (unavailable === undefined ? home.remove() : undefined));

describe.skipIf(unavailable !== undefined)('zell quantize', () => {
  test('writes a model that loads and still knows its geography', async () => {
    const output = path.join(folder, 'small.gguf');
    const report = await home.json<{ types: { name: string }[]; bytesAfter: number; fromQuantised: boolean }>([
      'quantize',
      home.model,
      output,
      'q5_0',
    ]);
    expect(report.types.map((t) => t.name).sort()).toEqual(['F32', 'Q5_0', 'Q8_0']); // 576 is no multiple of 256
    expect(report.fromQuantised).toBe(true);
    const answer = await home.json<{ text: string; model: string }>([
      'run',
      '--max-tokens',
      '20',
      path.relative(process.cwd(), output),
      'What is the capital of France?',
    ]);
    expect(answer.model).toBe('small');
    expect(answer.text).toContain('Paris');
  });

  test('an importance matrix is measured and used', async () => {
    const [matrix, output] = [path.join(folder, 'matrix.gguf'), path.join(folder, 'weighted.gguf')];
    const measured = await home.json<{ tokens: number; chunks: number; tensors: number; unreached: number }>([
      ...['imatrix', home.model, 'SECURITY.md', 'CONTRIBUTING.md', '-o', matrix, '--chunk', '256'],
    ]);
    expect(measured).toMatchObject({ tensors: 210, unreached: 0 }); // seven matrices in each of 30 layers
    expect(measured.chunks).toBe(Math.ceil(measured.tokens / 256));
    const report = await home.json<{ types: { name: string }[]; withoutImportance: number }>([
      ...['quantize', home.model, output, 'IQ4_XS', '--importance', matrix],
    ]);
    expect(report.types.map((t) => t.name).sort()).toEqual(['F32', 'IQ4_NL', 'IQ4_XS', 'Q8_0']);
    expect(report.withoutImportance).toBe(0); // the embedding, which is not in it, has its type already
    const again = await home.zell(['imatrix', home.model, 'SECURITY.md', '-o', matrix]);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain('--force');
    const nothing = await home.zell(['imatrix', home.model, 'nowhere.txt', '-o', path.join(folder, 'no.gguf')]);
    expect(nothing).toMatchObject({ code: 1, stdout: '' });
    expect(nothing.stderr).toMatch(/^zell: [^\n]*nowhere\.txt[^\n]*\n$/);
    expect(readdirSync(folder)).not.toContain('no.gguf');
  });

  test('never replaces a file unasked, and never the one that it reads', async () => {
    const output = path.join(folder, 'there.gguf');
    writeFileSync(output, 'mine');
    const refused = await home.zell(['quantize', home.model, output, 'Q8_0']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('--force');
    const self = await home.zell(['quantize', '--force', home.model, home.model, 'Q8_0']);
    expect(self.code).toBe(2);
    expect(self.stderr).toContain('made from');
  });

  test.each([
    ['an unknown type', ['Q9_X'], 2, 'Q4_K_M'],
    ['an importance matrix that is none', ['Q4_0', '--importance', 'package.json'], 1, 'importance matrix'],
    ['no importance matrix', ['Q4_0', '--importance', 'nowhere.dat'], 1, 'nowhere.dat'],
  ])('%s', async (_name, args, code, words) => {
    const result = await home.zell(['quantize', home.model, path.join(folder, 'no.gguf'), ...args]);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toMatch(/^zell: [^\n]+\n$/);
    expect(result.stderr).toContain(words);
    expect(readdirSync(folder)).not.toContain('no.gguf');
  });

  test('--help names every type that a wrong one is answered with', async () => {
    const { stderr } = await home.zell(['quantize', home.model, path.join(folder, 'no.gguf'), 'Q9_X']);
    const types = /these are: (.+)\.\n$/.exec(stderr)?.[1]?.split(', ') ?? [];
    expect(types.length).toBeGreaterThan(20);
    const { stdout } = await home.zell(['quantize', '--help']);
    const listed = /from exact to small:\n([^]+)What a row/.exec(stdout)?.[1] ?? '';
    expect(listed.match(/\b[A-Z]+\d[A-Z0-9_]*/g)).toEqual(types);
  });

  test('Ctrl-C ends it and leaves nothing', async () => {
    const child = execFile(process.execPath, [CLI, 'quantize', home.model, path.join(folder, 'cut.gguf'), 'Q2_K'], {
      env: home.env,
    });
    const code = new Promise<number | null>((resolve) => child.on('close', resolve));
    await until('a file in the making', () => readdirSync(folder).some((name) => name.startsWith('cut.gguf.')));
    child.kill('SIGINT');
    expect(await code).toBe(130);
    expect(readdirSync(folder).filter((name) => name.startsWith('cut'))).toEqual([]);
  });
});

if (unavailable !== undefined) test.skip(`no tests of zell quantize: ${unavailable}`);
