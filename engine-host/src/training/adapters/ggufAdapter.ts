/** LoRA adapters as GGUF files, read and written: what exporting, importing and changing the dose need. Files are hostile. */
import { open } from 'node:fs/promises';
import { ZellError } from '#protocol/errors.ts';
import { halfToFloat } from './halfFloat.ts';

/** An adapter of rank 64 for a model of 70 billion weights takes 1.7 GB; what is larger is none. */
const MOST_BYTES = 2 ** 31 - 1;
const MOST_ENTRIES = 100_000;
const F32 = 0;
const F16 = 1;
const BF16 = 30;
const STRING = 8;
const ARRAY = 9;
const FLOAT32 = 6;
/** Bytes of a value by its type; strings and arrays have none. */
const SIZES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

export interface AdapterMatrix {
  /** `blk.0.attn_q.weight.lora_a` */
  readonly name: string;
  /** Row by row. */
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

export interface GgufAdapter {
  /** Strings and numbers, without arrays. */
  readonly metadata: ReadonlyMap<string, string | number | bigint | boolean>;
  readonly matrices: readonly AdapterMatrix[];
}

/** @throws {ZellError} bad_model_file, not_found, io */
export async function readGgufAdapter(file: string): Promise<GgufAdapter> {
  const { metadata, matrices, data } = parse(await readWhole(file), file);
  return {
    metadata,
    matrices: matrices.map((m) => ({ name: m.name, rows: m.rows, columns: m.columns, values: values(m, data, file) })),
  };
}

/** The bytes of an adapter file with alpha multiplied: the dose becomes part of the file, so that every loader gives it. */
export function scaledAdapter(bytes: Buffer, scale: number, file: string): Buffer {
  const { alphaAt } = parse(bytes, file);
  const alpha = alphaAt === undefined ? 0 : bytes.readFloatLE(alphaAt);
  if (alphaAt === undefined || alpha === 0)
    throw new ZellError('bad_model_file', `${file}: has no adapter.lora.alpha, so its dose cannot be changed.`);
  const copy = Buffer.from(bytes);
  copy.writeFloatLE(alpha * scale, alphaAt);
  return copy;
}

/**
 * Integers and strings of a GGUF file's metadata, of any kind of file; reads its beginning only.
 * @throws {ZellError} bad_model_file
 */
export async function readGgufMetadata(file: string): Promise<GgufAdapter['metadata']> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw unreadable(file, error);
  });
  try {
    const { size } = await handle.stat();
    for (let wanted = 1 << 20; ; wanted *= 4) {
      const bytes = Buffer.alloc(Math.min(wanted, size, MOST_BYTES));
      await handle.read(bytes, 0, bytes.length, 0);
      const cursor = new Cursor(bytes, file);
      try {
        const { pairs } = header(cursor);
        return metadataOf(cursor, pairs).metadata;
      } catch (error) {
        if (!(error instanceof RangeError) || bytes.length === size) throw bad(file, 'ends too early');
      }
    }
  } finally {
    await handle.close();
  }
}

/** F32 throughout. Metadata: strings, and `adapter.lora.alpha`. */
export function writeGgufAdapter(
  metadata: ReadonlyMap<string, string | number>,
  matrices: readonly AdapterMatrix[],
): Buffer {
  const parts: Buffer[] = [Buffer.from('GGUF'), u32(3), u64(matrices.length), u64(metadata.size)];
  for (const [key, value] of metadata) {
    parts.push(text(key));
    if (typeof value === 'string') parts.push(u32(STRING), text(value));
    else {
      const number = Buffer.alloc(4);
      number.writeFloatLE(value);
      parts.push(u32(FLOAT32), number);
    }
  }
  let offset = 0;
  for (const { name, rows, columns } of matrices) {
    parts.push(text(name), u32(2), u64(columns), u64(rows), u32(F32), u64(offset));
    offset = aligned(offset + rows * columns * 4);
  }
  const head = Buffer.concat(parts);
  const start = aligned(head.length);
  const file = Buffer.alloc(start + offset);
  head.copy(file);
  let at = start;
  for (const { values: numbers } of matrices) {
    for (let i = 0; i < numbers.length; i += 1) file.writeFloatLE(numbers[i] ?? 0, at + 4 * i);
    at = aligned(at - start + numbers.length * 4) + start;
  }
  return file;
}

interface Place {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly type: number;
  readonly offset: number;
}

interface Parsed {
  readonly metadata: Map<string, string | number | bigint | boolean>;
  readonly alphaAt: number | undefined;
  readonly matrices: readonly Place[];
  readonly data: Buffer;
}

function parse(bytes: Buffer, file: string): Parsed {
  try {
    const cursor = new Cursor(bytes, file);
    const { pairs, tensors } = header(cursor);
    const { metadata, alphaAt } = metadataOf(cursor, pairs);
    if (metadata.get('general.type') !== 'adapter' || metadata.get('adapter.type') !== 'lora')
      throw bad(file, 'is no LoRA adapter');
    const matrices: Place[] = [];
    const names = new Set<string>();
    for (let i = 0; i < tensors; i += 1) {
      const place = tensorOf(cursor);
      if (names.has(place.name)) throw bad(file, `holds ${place.name} twice`);
      names.add(place.name);
      matrices.push(place);
    }
    const alignment = Number(metadata.get('general.alignment') ?? 32);
    if (!Number.isInteger(alignment) || alignment < 1 || alignment > 65_536)
      throw bad(file, 'has a senseless alignment');
    const start = Math.ceil(cursor.at / alignment) * alignment;
    return { metadata, alphaAt, matrices, data: bytes.subarray(Math.min(start, bytes.length)) };
  } catch (error) {
    if (error instanceof RangeError) throw bad(file, 'ends too early');
    throw error;
  }
}

function header(cursor: Cursor): { pairs: number; tensors: number } {
  if (cursor.bytes.toString('latin1', 0, 4) !== 'GGUF') throw bad(cursor.file, 'is no GGUF file');
  cursor.at = 4;
  const version = cursor.u32();
  if (version !== 3 && version !== 2) throw bad(cursor.file, `has GGUF version ${version}`);
  const tensors = cursor.size();
  const pairs = cursor.size();
  if (tensors > MOST_ENTRIES || pairs > MOST_ENTRIES) throw bad(cursor.file, 'has far too many entries');
  return { pairs, tensors };
}

function metadataOf(cursor: Cursor, pairs: number): Pick<Parsed, 'metadata' | 'alphaAt'> {
  const metadata: Parsed['metadata'] = new Map();
  let alphaAt: number | undefined;
  for (let i = 0; i < pairs; i += 1) {
    const key = cursor.text();
    const type = cursor.u32();
    if (key === 'adapter.lora.alpha' && type === FLOAT32) alphaAt = cursor.at;
    const value = cursor.value(type);
    if (value !== undefined) metadata.set(key, value);
  }
  return { metadata, alphaAt };
}

function tensorOf(cursor: Cursor): Place {
  const name = cursor.text();
  const dimensions = cursor.u32();
  if (dimensions < 1 || dimensions > 2) throw bad(cursor.file, `${name} has ${dimensions} dimensions`);
  const columns = cursor.size();
  const rows = dimensions === 2 ? cursor.size() : 1;
  return { name, columns, rows, type: cursor.u32(), offset: cursor.size() };
}

function values({ name, rows, columns, type, offset }: Place, data: Buffer, file: string): Float32Array {
  const count = rows * columns;
  const width = type === F32 ? 4 : type === F16 || type === BF16 ? 2 : 0;
  if (width === 0) throw new ZellError('unsupported', `${file}: ${name} has a type that cannot be exported.`);
  if (!Number.isSafeInteger(count) || count > MOST_BYTES || offset + count * width > data.length)
    throw bad(file, `ends before ${name} does`);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    const at = offset + i * width;
    if (type === F32) out[i] = data.readFloatLE(at);
    else out[i] = halfToFloat(data.readUInt16LE(at), type === BF16);
  }
  return out;
}

/** Reads on; past the end it throws a RangeError, as Buffer does. */
class Cursor {
  at = 0;
  readonly bytes: Buffer;
  readonly file: string;

  constructor(bytes: Buffer, file: string) {
    this.bytes = bytes;
    this.file = file;
  }

  u32(): number {
    const value = this.bytes.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  size(): number {
    const value = this.bytes.readBigUInt64LE(this.at);
    this.at += 8;
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw bad(this.file, 'has a senseless size');
    return Number(value);
  }

  text(): string {
    const length = this.size();
    if (length > this.bytes.length - this.at) throw new RangeError('text');
    const value = this.bytes.toString('utf8', this.at, this.at + length);
    this.at += length;
    return value;
  }

  /** Undefined for arrays, which are passed over. */
  value(type: number): string | number | bigint | boolean | undefined {
    if (type === STRING) return this.text();
    if (type === ARRAY) {
      const element = this.u32();
      const count = this.size();
      if (element === ARRAY) throw bad(this.file, 'has arrays of arrays');
      if (element === STRING) for (let i = 0; i < count; i += 1) this.text();
      else this.#skip(count * this.#width(element));
      return undefined;
    }
    const at = this.at;
    this.#skip(this.#width(type));
    const { bytes } = this;
    switch (type) {
      case 0:
        return bytes.readUInt8(at);
      case 1:
        return bytes.readInt8(at);
      case 2:
        return bytes.readUInt16LE(at);
      case 3:
        return bytes.readInt16LE(at);
      case 4:
        return bytes.readUInt32LE(at);
      case 5:
        return bytes.readInt32LE(at);
      case 6:
        return bytes.readFloatLE(at);
      case 7:
        return bytes.readUInt8(at) !== 0;
      case 10:
        return bytes.readBigUInt64LE(at);
      case 11:
        return bytes.readBigInt64LE(at);
      default:
        return bytes.readDoubleLE(at);
    }
  }

  #width(type: number): number {
    const width = SIZES[type];
    if (width === undefined) throw bad(this.file, `has a value of unknown type ${type}`);
    return width;
  }

  #skip(count: number): void {
    if (count > this.bytes.length - this.at) throw new RangeError('value');
    this.at += count;
  }
}

async function readWhole(file: string): Promise<Buffer> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw unreadable(file, error);
  });
  try {
    const { size } = await handle.stat();
    if (size > MOST_BYTES) throw bad(file, 'is too large for an adapter');
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, error: unknown): ZellError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  return new ZellError(code === 'ENOENT' ? 'not_found' : 'io', `${file} cannot be read (${code}).`, { cause: error });
}

function bad(file: string, what: string): ZellError {
  return new ZellError('bad_model_file', `${file}: ${what}.`);
}

function aligned(offset: number): number {
  return Math.ceil(offset / 32) * 32;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}
