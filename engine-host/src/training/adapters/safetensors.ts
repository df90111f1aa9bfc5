/** The safetensors format: a JSON table in front of raw numbers. Files are hostile. */
import { ZellError } from '#protocol/errors.ts';
import { halfToFloat } from './halfFloat.ts';

export interface NamedTensor {
  readonly name: string;
  /** Rows first. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The format's own limit. */
const MOST_HEADER_BYTES = 100_000_000;
const WIDTHS: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, F64: 8 };

/** Tensors of floating-point numbers in the order of the file. @throws {ZellError} bad_model_file, unsupported */
export function readSafetensors(bytes: Buffer, file: string): NamedTensor[] {
  const { table, data } = parse(bytes, file);
  const tensors: (NamedTensor & { readonly start: number; readonly end: number })[] = [];
  for (const [name, entry] of Object.entries(table)) {
    if (name === '__metadata__') continue;
    tensors.push(tensor(name, entry, data, file));
  }
  const sorted = tensors.toSorted((a, b) => a.start - b.start);
  sorted.forEach(({ name, start }, i) => {
    if (start < (sorted[i - 1]?.end ?? 0)) throw bad(file, `has ${name} inside another tensor`);
  });
  return sorted.map(({ name, shape, values }) => ({ name, shape, values }));
}

/** Strings that its writer put there. @throws {ZellError} bad_model_file */
export function safetensorsMetadata(bytes: Buffer, file: string): Readonly<Record<string, string>> {
  const found = parse(bytes, file).table['__metadata__'];
  if (typeof found !== 'object' || found === null) return {};
  return Object.fromEntries(
    Object.entries(found).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

function parse(
  bytes: Buffer,
  file: string,
): { readonly table: Readonly<Record<string, unknown>>; readonly data: Buffer } {
  if (bytes.length < 8) throw bad(file, 'is too short');
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  if (headerBytes > MOST_HEADER_BYTES || headerBytes > bytes.length - 8)
    throw bad(file, 'has a table longer than itself');
  let table: unknown;
  try {
    table = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes));
  } catch {
    throw bad(file, 'has a table that is no JSON');
  }
  if (typeof table !== 'object' || table === null || Array.isArray(table)) throw bad(file, 'has no table');
  return { table: table as Record<string, unknown>, data: bytes.subarray(8 + headerBytes) };
}

function tensor(
  name: string,
  entry: unknown,
  data: Buffer,
  file: string,
): NamedTensor & { start: number; end: number } {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const width = typeof dtype === 'string' ? WIDTHS[dtype] : undefined;
  if (width === undefined)
    throw new ZellError('unsupported', `${file}: ${name} has the type ${String(dtype).slice(0, 20)}.`);
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) throw bad(file, `describes ${name} wrongly`);
  const [start = 0, end = 0] = offsets;
  const count = shape.reduce((product, n) => product * n, 1);
  if (!Number.isSafeInteger(count) || end - start !== count * width || end > data.length)
    throw bad(file, `has another size for ${name} than its shape wants`);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    const at = start + i * width;
    if (dtype === 'F32') values[i] = data.readFloatLE(at);
    else if (dtype === 'F64') values[i] = data.readDoubleLE(at);
    else values[i] = halfToFloat(data.readUInt16LE(at), dtype === 'BF16');
  }
  return { name, shape, values, start, end };
}

/** F32, in the order given. `metadata` is shown by readers and means nothing else. */
export function writeSafetensors(tensors: readonly NamedTensor[], metadata: Readonly<Record<string, string>>): Buffer {
  let offset = 0;
  const table: Record<string, unknown> = { __metadata__: metadata };
  for (const { name, shape, values } of tensors) {
    table[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.length * 4] };
    offset += values.length * 4;
  }
  let json = JSON.stringify(table);
  // The numbers begin at a multiple of eight.
  json += ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  const header = Buffer.from(json);
  const file = Buffer.alloc(8 + header.length + offset);
  file.writeBigUInt64LE(BigInt(header.length));
  header.copy(file, 8);
  let at = 8 + header.length;
  for (const { values } of tensors)
    for (const value of values) {
      file.writeFloatLE(value, at);
      at += 4;
    }
  return file;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
}

function bad(file: string, what: string): ZellError {
  return new ZellError('bad_model_file', `${file}: ${what}.`);
}
