/** What the routes for embeddings share: reading texts, asking the engine, shaping vectors. */
import { Type, type Static } from 'typebox';
import type { EmbedRequest } from '#protocol/engine.ts';
import type { PromptPart } from '#protocol/generation.ts';
import type { ApiContext, Call } from './call.ts';
import { invalid } from './errors.ts';

/** Most texts of one request. */
const MAX_INPUTS = 2048;

const Tokens = Type.Array(Type.Integer({ minimum: 0 }));
/** A text, tokens, or a list of either. */
export const EmbeddingInput = Type.Union([Type.String(), Tokens, Type.Array(Type.Union([Type.String(), Tokens]))]);
export type EmbeddingInput = Static<typeof EmbeddingInput>;

export interface Embeddings {
  readonly vectors: readonly Float32Array[];
  /** Of all texts. */
  readonly tokens: number;
}

/** @throws {ZellError} invalid_request */
export function inputsOf(
  input: EmbeddingInput | null | undefined,
  parameter: string,
): readonly (readonly PromptPart[])[] {
  if (input === undefined || input === null) throw invalid(`${parameter} is missing.`, parameter);
  const list: readonly (string | readonly number[] | number)[] = typeof input === 'string' ? [input] : input;
  const inputs = list.every((entry) => typeof entry === 'number') && list.length > 0 ? [list] : list;
  if (inputs.length === 0) throw invalid(`${parameter} is empty.`, parameter);
  if (inputs.length > MAX_INPUTS) throw invalid(`${parameter} may hold ${MAX_INPUTS} texts at most.`, parameter);
  return inputs.map((entry) => {
    if (typeof entry === 'string') return [{ text: entry, special: false }];
    if (typeof entry === 'number') throw invalid(`${parameter} mixes texts and tokens.`, parameter);
    return [{ tokens: entry }];
  });
}

/** Vectors in the order of `inputs`, shortened to `dimensions` when asked. @throws {ZellError} */
export async function embed(
  context: ApiContext,
  call: Call,
  inputs: readonly (readonly PromptPart[])[],
  options: Omit<EmbedRequest, 'inputs' | 'forModel'> & { readonly dimensions?: number | null | undefined },
): Promise<Embeddings> {
  const { dimensions, ...rest } = options;
  const { embeddingLength, modelHash } = call.model;
  if (dimensions !== undefined && dimensions !== null && dimensions > embeddingLength)
    throw invalid(`dimensions is ${dimensions}; vectors of this model have ${embeddingLength}.`, 'dimensions');
  const result = await context.engine.call('embed', { forModel: modelHash, inputs, ...rest }, call.signal);
  const vectors = result.vectors.map((base64) => {
    const vector = floats(base64);
    return dimensions === undefined || dimensions === null ? vector : shortened(vector, dimensions, rest.normalize);
  });
  return { vectors, tokens: result.tokens.reduce((sum, n) => sum + n, 0) };
}

/** As OpenAI's clients decode it: little-endian f32. */
export function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((x, i) => bytes.writeFloatLE(x, i * 4));
  return bytes.toString('base64');
}

function floats(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}

/** The first numbers, of length 1 again if they were. */
function shortened(vector: Float32Array, dimensions: number, normalize: boolean): Float32Array {
  const part = vector.slice(0, dimensions);
  const length = Math.hypot(...part);
  return normalize && length > 0 ? part.map((x) => x / length) : part;
}
