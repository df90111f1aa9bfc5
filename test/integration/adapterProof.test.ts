// An adapter that was trained natively, in other hands: llama.cpp loads the very file, PEFT its export, and both compute what we do.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAddon } from '../../engine-host/src/engine/native/loadAddon.ts';
import { AddonTrainer } from '../../engine-host/src/engine/native/nativeTrainer.ts';
import { exportPeft, importPeft } from '../../engine-host/src/training/adapters/peftFolder.ts';
import { ROOT } from '../helpers/cache.ts';
import { buildNativeTools, oracleBackend, oracleUnavailable } from '../helpers/oracle.ts';

const run = promisify(execFile);
const unavailable = oracleUnavailable();
const NEVER = new AbortController().signal;
const python = process.env['ZELL_PYTHON'];
/** Of the range of a row of logits. */
const EQUAL = 1e-3;

/** A few steps with a high rate: enough that every matrix says something. @returns the model's hash */
async function trained(model: string, file: string): Promise<string> {
  const addon = loadAddon(path.join(ROOT, 'dist/zell_engine.node'));
  const recipe = { rank: 4, alpha: 8, learningRate: 2e-2, batchItems: 4, epochs: 3, rowTokens: 64, seed: 3 };
  const trainer = await AddonTrainer.open(addon, model, recipe, {}, NEVER);
  trainer.addItems(
    Array.from({ length: 8 }, (_n, i) => {
      const tokens = Int32Array.from({ length: 12 }, (_t, t) => (i * 37 + t * 11) % 256);
      return { tokens, loss: Uint8Array.from(tokens, (_x, t) => (t >= 6 ? 1 : 0)) };
    }),
  );
  await trainer.run(100, () => undefined, NEVER);
  await trainer.saveAdapter(file, { 'zell.recipe.version': '1' });
  await trainer.close();
  return trainer.plan.modelHash;
}

// Rows of Q and K are in another order in Llama's files than in PEFT's, in Qwen's they are not.
describe.skipIf(unavailable !== undefined).each(['llama', 'qwen2'])('an adapter of a random %s model', (name) => {
  let folder: string;
  let model: string;
  let adapter: string;
  let tools: string;
  const at = (...names: string[]): string => path.join(folder, ...names);

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'zell-adapter-'));
    model = at('model.gguf');
    adapter = at('trained.lora');
    tools = await buildNativeTools(['zell_adapter_proof', 'zell_synthesize']);
    const shape = ['--layers', '2', '--width', '64', '--heads', '4', '--kv-heads', '2', '--ffn', '96'];
    await run(path.join(tools, 'zell_synthesize'), [model, '--model', name, ...shape, '--type', 'F32']);
    const hash = await trained(model, adapter);
    await exportPeft(adapter, model, hash, at('peft'));
    await importPeft(at('peft'), model, hash, at('again.lora'));
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('llama.cpp loads it and gives our logits; exported for PEFT and imported again it gives them too', async () => {
    const args = ['--backend', oracleBackend(), '--model', model, '--adapter', adapter, '--again', at('again.lora')];
    const { stdout } = await run(path.join(tools, 'zell_adapter_proof'), [...args, '--logits', at('logits')]);
    const { changed, oracle, again } = JSON.parse(stdout) as Record<'changed' | 'oracle' | 'again', number>;
    console.log(stdout.trim());
    expect(changed).toBeGreaterThan(100 * EQUAL);
    expect(oracle).toBeLessThan(EQUAL);
    expect(again).toBeLessThan(1e-6);
  });

  test.skipIf(python === undefined)('PEFT gives our logits with the export (needs ZELL_PYTHON)', async () => {
    const script = path.join(ROOT, 'test/helpers/peftLogits.py');
    const { stdout } = await run(python ?? '', [script, model, at('peft'), at('logits')], { maxBuffer: 1 << 24 });
    const { peft, bare } = JSON.parse(stdout) as { peft: number; bare: number };
    console.log(stdout.trim());
    expect(peft).toBeLessThan(EQUAL);
    expect(bare).toBeGreaterThan(100 * EQUAL);
  });
});

if (unavailable !== undefined) test.skip(`no comparison of adapters: ${unavailable}`);
