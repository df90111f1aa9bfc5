// Our engine against the oracle, teacher-forced: the same model as F32, and the quantised files as near to it as the oracle is.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../helpers/cache.ts';
import { defaultModel } from '../helpers/defaultModel.ts';
import { buildNativeTools, oracleBackend, oracleUnavailable } from '../helpers/oracle.ts';

const run = promisify(execFile);
const unavailable = oracleUnavailable();

interface Proof {
  tokens: number;
  f32: { sameBest: number; meanKl: number };
  quant: {
    meanKlOurs: number;
    meanKlOracle: number;
    sameBestAsOracle: number;
    perplexityOurs: number;
    perplexityOracle: number;
  };
}

/** English prose, Markdown and TypeScript of our own. */
const TEXT_FILES = [
  'LICENSE',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/architecture.md',
  'docs/glossary.md',
  'docs/dependencies.md',
  'protocol/src/engine.ts',
  'protocol/src/editor.ts',
];

describe.skipIf(unavailable !== undefined)('against the oracle', () => {
  let folder: string;
  let tools: string;
  let model: string;
  let text: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'zell-proof-'));
    model = await defaultModel();
    tools = await buildNativeTools(['zell_proof', 'zell_synthesize', 'zell_adapter', 'zell_importance_proof']);
    text = path.join(folder, 'text.txt');
    writeFileSync(text, TEXT_FILES.map((file) => readFileSync(path.join(ROOT, file), 'utf8')).join('\n'));
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function prove(f32: string, quant: string, tokens: number, adapters: readonly string[] = []): Promise<Proof> {
    const args = ['--f32', f32, '--quant', quant, '--text', text, '--backend', oracleBackend()];
    const { stdout } = await run(path.join(tools, 'zell_proof'), [...args, '--tokens', String(tokens), ...adapters]);
    console.log(stdout.trim());
    return JSON.parse(stdout) as Proof;
  }

  function expectEqualToTheModel(proof: Proof): void {
    // The oracle's own AVX2 and AVX-512 builds differ by about as much; f32 sums of other order move a logit by ~1e-5.
    expect(proof.f32.sameBest).toBeGreaterThanOrEqual(0.998);
    expect(proof.f32.meanKl).toBeLessThanOrEqual(1e-5);
    expect(proof.quant.meanKlOurs).toBeLessThanOrEqual(1.1 * proof.quant.meanKlOracle);
    expect(Math.abs(proof.quant.perplexityOurs / proof.quant.perplexityOracle - 1)).toBeLessThanOrEqual(0.005);
  }

  test('the default model over 4,096 tokens', async () => {
    const f32 = path.join(folder, 'f32.gguf');
    await run(path.join(tools, 'zell_synthesize'), [f32, '--convert', model, '--type', 'F32']);
    const proof = await prove(f32, model, 4096);
    expect(proof.tokens).toBe(4096);
    expectEqualToTheModel(proof);
    rmSync(f32);
  }, 900_000);

  test('a synthesised qwen2 over 4,096 tokens', async () => {
    const shape = [
      '--model',
      'qwen2',
      '--layers',
      '4',
      '--width',
      '256',
      '--heads',
      '4',
      '--kv-heads',
      '2',
      '--ffn',
      '512',
    ];
    const f32 = path.join(folder, 'qwen2-f32.gguf');
    const quant = path.join(folder, 'qwen2-q4_k.gguf');
    const synthesize = path.join(tools, 'zell_synthesize');
    await run(synthesize, [f32, '--vocab-from', model, ...shape, '--type', 'F32', '--seed', '5']);
    await run(synthesize, [quant, '--convert', f32, '--type', 'Q4_K']);
    expectEqualToTheModel(await prove(f32, quant, 4096));
  }, 600_000);

  test('what an importance matrix is made of: the inputs of every matrix, of experts too', async () => {
    const moe = path.join(folder, 'moe-f32.gguf');
    await run(path.join(tools, 'zell_synthesize'), [
      ...[moe, '--model', 'qwen3moe', '--vocab-from', model, '--type', 'F32'],
    ]);
    const { stdout } = await run(path.join(tools, 'zell_importance_proof'), [
      ...['--model', moe, '--text', path.join(ROOT, 'LICENSE'), '--out', path.join(folder, 'importance.gguf')],
      ...['--backend', oracleBackend()],
    ]);
    console.log(stdout.trim());
    const proof = JSON.parse(stdout) as { tensors: number; ours: number; worst: number; routedElsewhere: number };
    expect(proof.ours).toBe(proof.tensors);
    // A token whose second and third expert are nearly as good may go to either: that moves some 1e-4.
    expect(proof.worst).toBeLessThanOrEqual(0.005);
    expect(proof.routedElsewhere).toBeLessThanOrEqual(0.005);
    rmSync(moe);
  }, 300_000);

  test('two LoRA adapters at once, one of them for the embedding too', async () => {
    // Untied: the oracle cannot run an adapter of an embedding that is the output matrix as well.
    const shape = ['--model', 'qwen2', '--untied', '--layers', '2', '--width', '256', '--ffn', '512'];
    const f32 = path.join(folder, 'lora-f32.gguf');
    const quant = path.join(folder, 'lora-q4_k.gguf');
    const [one, two] = [path.join(folder, 'one.gguf'), path.join(folder, 'two.gguf')];
    await run(path.join(tools, 'zell_synthesize'), [f32, '--vocab-from', model, ...shape, '--type', 'F32']);
    await run(path.join(tools, 'zell_synthesize'), [quant, '--convert', f32, '--type', 'Q4_K']);
    await run(path.join(tools, 'zell_adapter'), [f32, one, '--seed', '1', '--size', '5', '--embedding', '1']);
    await run(path.join(tools, 'zell_adapter'), [f32, two, '--seed', '2', '--size', '3', '--alpha', '0']);
    const adapters = ['--adapter1', one, '--scale1', '0.5', '--adapter2', two, '--scale2', '-1'];
    const [without, proof] = [await prove(f32, quant, 512), await prove(f32, quant, 512, adapters)];
    expectEqualToTheModel(proof);
    // They count: rounding changes the surprise by some 1e-6.
    expect(Math.abs(Math.log(proof.quant.perplexityOurs / without.quant.perplexityOurs))).toBeGreaterThan(1e-3);
  }, 300_000);
});

if (unavailable !== undefined) test.skip(`no comparison: ${unavailable}`);
