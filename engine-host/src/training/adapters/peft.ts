/** LoRA adapters between GGUF and the folder form of PEFT: names, the order of rows, the scale. Pure. */
import { ZellError } from '#protocol/errors.ts';
import type { AdapterMatrix, GgufAdapter } from './ggufAdapter.ts';
import type { NamedTensor } from './safetensors.ts';

/** What the order of rows depends on. */
export interface BaseShape {
  readonly architecture: string;
  readonly heads: number;
  readonly kvHeads: number;
}

export interface PeftConfig {
  readonly r: number;
  readonly lora_alpha: number;
  readonly target_modules: readonly string[];
  readonly use_rslora?: boolean;
}

/** Their converters put the rows of Q and K in another order, pairs that rotate together side by side. */
const PERMUTED: ReadonlySet<string> = new Set(['llama', 'granite', 'minicpm', 'olmo', 'smollm3']);
/** These keep the order of the original. */
const AS_IT_IS: ReadonlySet<string> = new Set(['qwen2', 'qwen3', 'gemma', 'gemma2', 'gemma3', 'olmo2']);

/** Whether adapters of this architecture's models can be exported and imported. */
export function comesBack(architecture: string): boolean {
  return PERMUTED.has(architecture) || AS_IT_IS.has(architecture);
}

const MODULES: readonly (readonly [gguf: string, peft: string])[] = [
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_output', 'self_attn.o_proj'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
];

/** @throws {ZellError} unsupported names what PEFT or this architecture's table cannot express */
export function toPeft(
  adapter: GgufAdapter,
  base: BaseShape,
): { readonly tensors: NamedTensor[]; readonly config: PeftConfig } {
  const order = rowOrder(base);
  const ranks = new Set<number>();
  const targets = new Set<string>();
  const tensors = adapter.matrices.map((matrix): NamedTensor => {
    const match = /^blk\.(\d+)\.([a-z_]+)\.weight\.lora_([ab])$/.exec(matrix.name);
    const [, layer = '', gguf = '', half = ''] = match ?? [];
    const module = MODULES.find(([name]) => name === gguf)?.[1];
    if (module === undefined) throw unsupported(`${matrix.name} has no name in PEFT's form of ${base.architecture}.`);
    targets.add(module.slice(module.indexOf('.') + 1));
    ranks.add(half === 'a' ? matrix.rows : matrix.columns);
    return {
      name: `base_model.model.model.layers.${layer}.${module}.lora_${half.toUpperCase()}.weight`,
      shape: [matrix.rows, matrix.columns],
      values: half === 'b' ? order.toOriginal(gguf, matrix) : matrix.values,
    };
  });
  const [rank] = ranks;
  if (rank === undefined || ranks.size !== 1)
    throw unsupported('Matrices of different ranks have no form in PEFT here.');
  const alpha = Number(adapter.metadata.get('adapter.lora.alpha') ?? 0);
  // Alpha 0 means in GGUF that the scale alone counts, which is alpha = rank.
  const wanted = alpha === 0 ? rank : alpha;
  const whole = Math.round(wanted);
  // Readers take alpha as a whole number; what it lacks goes into B.
  if (whole !== wanted || whole < 1) {
    const integer = Math.max(1, whole);
    const factor = wanted / integer;
    const scaled = tensors.map((t) =>
      t.name.endsWith('lora_B.weight') ? { ...t, values: t.values.map((v) => v * factor) } : t,
    );
    return { tensors: scaled, config: { r: rank, lora_alpha: integer, target_modules: [...targets].toSorted() } };
  }
  return { tensors, config: { r: rank, lora_alpha: whole, target_modules: [...targets].toSorted() } };
}

/** @throws {ZellError} unsupported, bad_model_file */
export function fromPeft(
  tensors: readonly NamedTensor[],
  config: unknown,
  base: BaseShape,
): { readonly alpha: number; readonly matrices: AdapterMatrix[] } {
  const { r, alpha } = checkedConfig(config);
  const order = rowOrder(base);
  const matrices = tensors.map((tensor): AdapterMatrix => {
    const match = /^base_model\.model\.(?:model\.)?layers\.(\d+)\.([a-z_.]+)\.lora_([AB])(?:\.default)?\.weight$/.exec(
      tensor.name,
    );
    const [, layer = '', peft = '', half = ''] = match ?? [];
    const gguf = MODULES.find(([, name]) => name === peft)?.[0];
    const [rows, columns] = tensor.shape;
    if (gguf === undefined || rows === undefined || columns === undefined || tensor.shape.length !== 2)
      throw unsupported(`The tensor ${tensor.name.slice(0, 200)} cannot be imported.`);
    if ((half === 'A' ? rows : columns) !== r)
      throw new ZellError('bad_model_file', `${tensor.name} does not have the rank ${r} of its configuration.`);
    if (tensor.values.some((value) => !Number.isFinite(value)))
      throw new ZellError('bad_model_file', `${tensor.name} holds values that are not finite.`);
    const matrix = {
      name: `blk.${layer}.${gguf}.weight.lora_${half.toLowerCase()}`,
      rows,
      columns,
      values: tensor.values,
    };
    return half === 'B' ? { ...matrix, values: order.fromOriginal(gguf, matrix) } : matrix;
  });
  if (matrices.length === 0) throw new ZellError('bad_model_file', 'The adapter holds no matrices.');
  return { alpha, matrices: matrices.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

function checkedConfig(config: unknown): { r: number; alpha: number } {
  if (typeof config !== 'object' || config === null)
    throw new ZellError('bad_model_file', 'adapter_config.json is no object.');
  const given = config as Readonly<Record<string, unknown>>;
  const { peft_type: kind, r, lora_alpha: alpha } = given;
  if (kind !== 'LORA') throw unsupported(`The adapter is of type ${String(kind).slice(0, 40)}, not LORA.`);
  if (given['use_dora'] === true) throw unsupported('DoRA cannot be expressed in a GGUF adapter.');
  const full = (key: string): boolean => {
    const value = given[key];
    return value !== undefined && value !== null && Object.keys(value).length > 0;
  };
  for (const key of ['modules_to_save', 'alpha_pattern', 'rank_pattern', 'lora_bias'])
    if (given[key] === true || full(key)) throw unsupported(`Adapters with ${key} cannot be imported.`);
  if (typeof r !== 'number' || !Number.isInteger(r) || r < 1 || r > 4096)
    throw new ZellError('bad_model_file', 'adapter_config.json has no rank from 1 to 4096.');
  if (typeof alpha !== 'number' || !Number.isFinite(alpha) || alpha <= 0)
    throw new ZellError('bad_model_file', 'adapter_config.json has no lora_alpha above 0.');
  // PEFT divides by the square root of the rank then; GGUF always divides by the rank.
  return { r, alpha: given['use_rslora'] === true ? alpha * Math.sqrt(r) : alpha };
}

interface RowOrder {
  toOriginal(gguf: string, matrix: AdapterMatrix): Float32Array;
  fromOriginal(gguf: string, matrix: AdapterMatrix): Float32Array;
}

function rowOrder(base: BaseShape): RowOrder {
  const permuted = PERMUTED.has(base.architecture);
  if (!comesBack(base.architecture))
    throw unsupported(`Adapters of ${base.architecture} models cannot be exported or imported yet.`);
  const headsOf = (gguf: string): number | undefined =>
    !permuted ? undefined : gguf === 'attn_q' ? base.heads : gguf === 'attn_k' ? base.kvHeads : undefined;
  const reorder = (gguf: string, matrix: AdapterMatrix, toOriginal: boolean): Float32Array => {
    const heads = headsOf(gguf);
    if (heads === undefined) return matrix.values;
    const width = matrix.rows / heads;
    if (!Number.isInteger(width) || width % 2 !== 0)
      throw new ZellError('bad_model_file', `${matrix.name} does not fit ${heads} heads.`);
    const out = new Float32Array(matrix.values.length);
    const { columns } = matrix;
    for (let head = 0; head < heads; head += 1)
      for (let half = 0; half < 2; half += 1)
        for (let j = 0; j < width / 2; j += 1) {
          const original = head * width + half * (width / 2) + j;
          const paired = head * width + 2 * j + half;
          const [from, to] = toOriginal ? [paired, original] : [original, paired];
          out.set(matrix.values.subarray(from * columns, (from + 1) * columns), to * columns);
        }
    return out;
  };
  return {
    toOriginal: (gguf, matrix) => reorder(gguf, matrix, true),
    fromOriginal: (gguf, matrix) => reorder(gguf, matrix, false),
  };
}

function unsupported(message: string): ZellError {
  return new ZellError('unsupported', message);
}
