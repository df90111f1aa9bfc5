/** The table of tensors of a GGUF file, read from its beginning alone. Files are hostile: every count and length is held against limits. */
import { open, type FileHandle } from 'node:fs/promises';
import { ZellError } from '#protocol/errors.ts';

export interface TensorEntry {
  readonly name: string;
  /** `Q4_K`; `type 99` for one that has no name here. */
  readonly type: string;
  /** Fastest-changing dimension first. */
  readonly shape: readonly number[];
}

const TYPES: Readonly<Record<number, string>> = {
  ...{ 0: 'F32', 1: 'F16', 2: 'Q4_0', 3: 'Q4_1', 6: 'Q5_0', 7: 'Q5_1', 8: 'Q8_0', 9: 'Q8_1', 10: 'Q2_K', 11: 'Q3_K' },
  ...{ 12: 'Q4_K', 13: 'Q5_K', 14: 'Q6_K', 15: 'Q8_K', 16: 'IQ2_XXS', 17: 'IQ2_XS', 18: 'IQ3_XXS', 19: 'IQ1_S' },
  ...{ 20: 'IQ4_NL', 21: 'IQ3_S', 22: 'IQ2_S', 23: 'IQ4_XS', 24: 'I8', 25: 'I16', 26: 'I32', 27: 'I64', 28: 'F64' },
  ...{ 29: 'IQ1_M', 30: 'BF16', 34: 'TQ1_0', 35: 'TQ2_0', 39: 'MXFP4' },
};
/** Bytes of a metadata value by its type; texts and lists have none. */
const SIZES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const TEXT = 8;
const LIST = 9;
const MOST_TENSORS = 1_000_000;
const MOST_VALUES = 100_000;
const MOST_NAME_BYTES = 65_535;
const MOST_DIMENSIONS = 8;
const CHUNK = 1024 * 1024;

/** @throws {ZellError} bad_model_file, io */
export async function readTensors(path: string): Promise<TensorEntry[]> {
  const file = await open(path, 'r').catch(() => {
    throw new ZellError('io', 'The model file cannot be read.');
  });
  try {
    const reader = new Reader(file, (await file.stat()).size);
    if ((await reader.bytes(4)).toString('latin1') !== 'GGUF') throw broken();
    const version = await reader.u32();
    if (version !== 2 && version !== 3) throw broken();
    const tensors = await reader.count(MOST_TENSORS);
    const values = await reader.count(MOST_VALUES);
    for (let i = 0; i < values; i++) {
      await reader.bytes(await reader.count(MOST_NAME_BYTES));
      await skipValue(reader, await reader.u32(), 0);
    }
    const table: TensorEntry[] = [];
    for (let i = 0; i < tensors; i++) table.push(await readTensor(reader));
    return table;
  } finally {
    await file.close();
  }
}

async function readTensor(reader: Reader): Promise<TensorEntry> {
  const name = (await reader.bytes(await reader.count(MOST_NAME_BYTES))).toString('utf8');
  const dimensions = await reader.u32();
  if (dimensions > MOST_DIMENSIONS) throw broken();
  const shape: number[] = [];
  for (let d = 0; d < dimensions; d++) shape.push(await reader.count(Number.MAX_SAFE_INTEGER));
  const type = await reader.u32();
  reader.skip(8);
  return { name, type: TYPES[type] ?? `type ${type}`, shape };
}

async function skipValue(reader: Reader, type: number, depth: number): Promise<void> {
  const size = SIZES[type];
  if (size !== undefined) reader.skip(size);
  else if (type === TEXT) reader.skip(await reader.count(reader.left));
  else if (type === LIST && depth === 0) {
    const element = await reader.u32();
    const count = await reader.count(reader.left);
    const bytes = SIZES[element];
    if (bytes !== undefined) reader.skip(count * bytes);
    else for (let i = 0; i < count; i++) await skipValue(reader, element, depth + 1);
  } else throw broken();
}

class Reader {
  readonly #file: FileHandle;
  readonly #size: number;
  #at = 0;
  #chunk = Buffer.alloc(0);
  #chunkAt = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  get left(): number {
    return this.#size - this.#at;
  }

  /** @throws {ZellError} bad_model_file past the end */
  skip(bytes: number): void {
    if (bytes > this.left) throw broken();
    this.#at += bytes;
  }

  /** At most `CHUNK`; valid until the next call. */
  async bytes(count: number): Promise<Buffer> {
    const from = this.#at;
    this.skip(count);
    if (from < this.#chunkAt || from + count > this.#chunkAt + this.#chunk.length) {
      const chunk = Buffer.alloc(Math.min(CHUNK, this.#size - from));
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, from);
      this.#chunk = chunk.subarray(0, bytesRead);
      this.#chunkAt = from;
      if (bytesRead < count) throw broken();
    }
    return this.#chunk.subarray(from - this.#chunkAt, from - this.#chunkAt + count);
  }

  async u32(): Promise<number> {
    return (await this.bytes(4)).readUInt32LE();
  }

  async count(most: number): Promise<number> {
    const value = (await this.bytes(8)).readBigUInt64LE();
    if (value > BigInt(most)) throw broken();
    return Number(value);
  }
}

function broken(): ZellError {
  return new ZellError('bad_model_file', 'The model file is no GGUF file, or broken.');
}
