import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  readGgufAdapter,
  readGgufMetadata,
  scaledAdapter,
  writeGgufAdapter,
  type AdapterMatrix,
} from './ggufAdapter.ts';
import { halfToFloat } from './halfFloat.ts';
import { fromPeft, toPeft, type BaseShape } from './peft.ts';
import { exportPeft, importPeft } from './peftFolder.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const HASH = '0123456789abcdef';
/** 4 query heads and 2 key heads of width 6, model width 24, MLP 32. */
const LLAMA: BaseShape = { architecture: 'llama', heads: 4, kvHeads: 2 };
const RANK = 3;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-peft-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const SHAPES: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  attn_q: [24, 24],
  attn_k: [12, 24],
  attn_v: [12, 24],
  attn_output: [24, 24],
  ffn_gate: [32, 24],
  ffn_up: [32, 24],
  ffn_down: [24, 32],
};

function matrices(): AdapterMatrix[] {
  let seed = 1;
  const numbers = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return Math.fround(seed / 2_147_483_647 - 0.5);
    });
  return [0, 1].flatMap((layer) =>
    Object.entries(SHAPES).flatMap(([name, [rows, columns]]) => [
      { name: `blk.${layer}.${name}.weight.lora_a`, rows: RANK, columns, values: numbers(RANK * columns) },
      { name: `blk.${layer}.${name}.weight.lora_b`, rows, columns: RANK, values: numbers(rows * RANK) },
    ]),
  );
}

function metadata(architecture = 'llama', alpha = 6): Map<string, string | number> {
  return new Map<string, string | number>([
    ['general.type', 'adapter'],
    ['general.architecture', architecture],
    ['adapter.type', 'lora'],
    ['adapter.lora.alpha', alpha],
    ['zell.base.model_hash', HASH],
  ]);
}

/** A model file as far as its heads are asked for. */
async function model(architecture: string): Promise<string> {
  const file = path.join(folder, `${architecture}.gguf`);
  const counts = new Map<string, string | number>([
    ['general.architecture', architecture],
    [`${architecture}.attention.head_count`, 4],
    [`${architecture}.attention.head_count_kv`, 2],
  ]);
  await writeFile(file, writeGgufAdapter(counts, []));
  return file;
}

test.each(['llama', 'qwen2'])(
  '%s: exported and imported again, every number and the scale are the same',
  async (arch) => {
    const file = path.join(folder, 'a.lora');
    const base = await model(arch);
    await writeFile(file, writeGgufAdapter(metadata(arch), matrices()));
    await exportPeft(file, base, HASH, path.join(folder, 'peft'));
    await importPeft(path.join(folder, 'peft'), base, HASH, path.join(folder, 'b.lora'));
    const [before, after] = [await readGgufAdapter(file), await readGgufAdapter(path.join(folder, 'b.lora'))];
    const byName = (a: AdapterMatrix, b: AdapterMatrix): number => (a.name < b.name ? -1 : 1);
    expect(after.matrices.toSorted(byName)).toEqual(before.matrices.toSorted(byName));
    expect(after.metadata.get('adapter.lora.alpha')).toBe(6);
    expect(after.metadata.get('zell.base.model_hash')).toBe(HASH);
  },
);

test('rows of Q and K of Llama files go back to the order of the original; other matrices and families keep theirs', () => {
  // Each row of B holds its own number, so that the order can be read.
  const rowed = matrices().map((m) => ({ ...m, values: m.values.map((_v, i) => Math.floor(i / m.columns)) }));
  const rows = (name: string, base: BaseShape): number[] => {
    const { tensors } = toPeft({ metadata: metadata(base.architecture), matrices: rowed }, base);
    const found = tensors.find((t) => t.name === `base_model.model.model.layers.0.${name}.lora_B.weight`);
    return Array.from({ length: found?.shape[0] ?? 0 }, (_n, i) => found?.values[i * RANK] ?? -1);
  };
  const paired = [0, 2, 4, 1, 3, 5];
  expect(rows('self_attn.q_proj', LLAMA)).toEqual([0, 6, 12, 18].flatMap((head) => paired.map((i) => head + i)));
  expect(rows('self_attn.k_proj', LLAMA)).toEqual([0, 6].flatMap((head) => paired.map((i) => head + i)));
  expect(rows('self_attn.v_proj', LLAMA)).toEqual([...Array(12).keys()]);
  expect(rows('self_attn.q_proj', { ...LLAMA, architecture: 'qwen3' })).toEqual([...Array(24).keys()]);
});

test('alpha is whole in PEFT: what it lacks is in B; alpha 0 is the rank', () => {
  const b = (t: { tensors: { name: string; values: Float32Array }[] }): number =>
    t.tensors.find(({ name }) => name.endsWith('lora_B.weight'))?.values[0] ?? 0;
  const whole = toPeft({ metadata: metadata('llama', 6), matrices: matrices() }, LLAMA);
  const half = toPeft({ metadata: metadata('llama', 4.5), matrices: matrices() }, LLAMA);
  expect([whole.config.lora_alpha, half.config.lora_alpha]).toEqual([6, 5]);
  expect(b(half) * 5).toBeCloseTo(b(whole) * 4.5, 6);
  expect(toPeft({ metadata: metadata('llama', 0), matrices: matrices() }, LLAMA).config.lora_alpha).toBe(RANK);
});

test('rsLoRA is folded into alpha', () => {
  const { tensors } = toPeft({ metadata: metadata(), matrices: matrices() }, LLAMA);
  const config = { peft_type: 'LORA', r: RANK, lora_alpha: 2 };
  expect(fromPeft(tensors, config, LLAMA).alpha).toBe(2);
  expect(fromPeft(tensors, { ...config, use_rslora: true }, LLAMA).alpha).toBeCloseTo(2 * Math.sqrt(3));
});

test.each([
  [{ peft_type: 'IA3' }, /IA3/],
  [{ use_dora: true }, /DoRA/],
  [{ modules_to_save: ['lm_head'] }, /modules_to_save/],
  [{ rank_pattern: { q_proj: 4 } }, /rank_pattern/],
  [{ r: 0 }, /rank/],
  [{ r: 4 }, /rank 4/],
  [{ lora_alpha: '8' }, /lora_alpha/],
])('a configuration with %j is refused', (change, message) => {
  const { tensors } = toPeft({ metadata: metadata(), matrices: matrices() }, LLAMA);
  const config = { peft_type: 'LORA', r: RANK, lora_alpha: 6, modules_to_save: null, alpha_pattern: {}, ...change };
  expect(() => fromPeft(tensors, config, LLAMA)).toThrow(message);
});

test('what has no table is refused by name', () => {
  const adapter = { metadata: metadata('phi3'), matrices: matrices() };
  expect(() => toPeft(adapter, { ...LLAMA, architecture: 'phi3' })).toThrow(/phi3/);
  const odd = [{ name: 'token_embd.weight.lora_a', rows: RANK, columns: 4, values: new Float32Array(12) }];
  expect(() => toPeft({ metadata: metadata(), matrices: odd }, LLAMA)).toThrow(/token_embd/);
  expect(() => fromPeft([], { peft_type: 'LORA', r: 3, lora_alpha: 6 }, LLAMA)).toThrow(/no matrices/);
  const nan = [
    {
      name: 'base_model.model.model.layers.0.mlp.up_proj.lora_A.weight',
      shape: [3, 1],
      values: Float32Array.of(1, NaN, 1),
    },
  ];
  expect(() => fromPeft(nan, { peft_type: 'LORA', r: 3, lora_alpha: 6 }, LLAMA)).toThrow(/finite/);
});

describe('hostile files', () => {
  test('a GGUF adapter that is cut anywhere is refused, never read past its end', async () => {
    const whole = writeGgufAdapter(metadata(), matrices().slice(0, 2));
    const file = path.join(folder, 'cut.lora');
    for (let length = 0; length < whole.length; length += length < 700 ? 7 : 61) {
      await writeFile(file, whole.subarray(0, length));
      await expect(readGgufAdapter(file)).rejects.toMatchObject({ code: 'bad_model_file' });
    }
    await expect(readGgufAdapter(path.join(folder, 'none'))).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a GGUF adapter with any byte of its table changed is read or refused, nothing else', async () => {
    const whole = writeGgufAdapter(metadata(), matrices().slice(0, 2));
    const file = path.join(folder, 'flipped.lora');
    for (let at = 0; at < 400; at += 3) {
      const bytes = Buffer.from(whole);
      bytes[at] = 0xff;
      await writeFile(file, bytes);
      await readGgufAdapter(file).catch((error: unknown) => expect(error).toHaveProperty('code'));
    }
  });

  test('safetensors: cut, overlapping, mis-sized, of unknown type', () => {
    const good = writeSafetensors([{ name: 'x', shape: [2, 3], values: new Float32Array(6) }], {});
    expect(readSafetensors(good, 'f')).toHaveLength(1);
    for (let length = 0; length < good.length; length += 3)
      expect(() => readSafetensors(good.subarray(0, length), 'f')).toThrow();
    const table = (json: unknown, data = 64): Buffer => {
      const text = Buffer.from(JSON.stringify(json));
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(text.length));
      return Buffer.concat([size, text, Buffer.alloc(data)]);
    };
    const x = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] };
    expect(() => readSafetensors(table({ x, y: { ...x, data_offsets: [8, 24] } }), 'f')).toThrow(/inside another/);
    expect(() => readSafetensors(table({ x: { ...x, shape: [2, 3] } }), 'f')).toThrow(/another size/);
    expect(() => readSafetensors(table({ x: { ...x, shape: [-2, -2] } }), 'f')).toThrow(/wrongly/);
    expect(() => readSafetensors(table({ x: { ...x, dtype: 'I8' } }), 'f')).toThrow(/I8/);
    expect(() => readSafetensors(table({ x: null }), 'f')).toThrow();
    expect(() => readSafetensors(table([]), 'f')).toThrow(/table/);
  });
});

test('halves are read exactly', () => {
  expect([0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000].map((b) => halfToFloat(b, false))).toEqual([
    1,
    -2,
    2 ** -24,
    65_504,
    -0,
  ]);
  expect([0x3f80, 0xc000].map((b) => halfToFloat(b, true))).toEqual([1, -2]);
});

test('a dose becomes part of the file and changes nothing else', async () => {
  const file = path.join(folder, 'a.lora');
  const bytes = writeGgufAdapter(metadata(), matrices());
  await writeFile(file, scaledAdapter(bytes, 0.5, file));
  const after = await readGgufAdapter(file);
  expect(after.metadata.get('adapter.lora.alpha')).toBe(3);
  expect(after.matrices).toEqual(matrices());
  expect((await readGgufMetadata(file)).get('zell.base.model_hash')).toBe(HASH);
});

const python = ((): string | undefined => {
  try {
    const there =
      "import sys; from importlib.util import find_spec; sys.exit(not all(map(find_spec, ['peft', 'torch'])))";
    execFileSync('python3', ['-c', there], { stdio: 'ignore', timeout: 60_000 });
    return 'python3';
  } catch {
    return undefined;
  }
})();

test.skipIf(python === undefined)(
  'the peft package loads the exported folder without a missing or unexpected key',
  async () => {
    const file = path.join(folder, 'a.lora');
    await writeFile(file, writeGgufAdapter(metadata(), matrices()));
    await exportPeft(file, await model('llama'), HASH, path.join(folder, 'peft'));
    const script = `
import sys, torch, warnings
from transformers import LlamaConfig, LlamaForCausalLM
from peft import PeftModel
# A missing or unexpected key is a UserWarning.
warnings.simplefilter('error', UserWarning)
base = LlamaForCausalLM(LlamaConfig(hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, vocab_size=64))
model = PeftModel.from_pretrained(base, sys.argv[1])
b = model.base_model.model.model.layers[1].self_attn.q_proj.lora_B['default'].weight
print(b.shape[0], float(b[1, 0]), model.peft_config['default'].lora_alpha)
`;
    const printed = execFileSync(python ?? '', ['-c', script, path.join(folder, 'peft')], { encoding: 'utf8' });
    const [rows, second, alpha] = printed.trim().split(/\s+/).map(Number);
    const q = matrices().find((m) => m.name === 'blk.1.attn_q.weight.lora_b');
    expect([rows, alpha]).toEqual([24, 6]);
    expect(second).toBeCloseTo(q?.values[2 * RANK] ?? NaN, 6);
    expect(await readFile(path.join(folder, 'peft/adapter_config.json'), 'utf8')).toMatch(/"CAUSAL_LM"/);
  },
  120_000,
);
