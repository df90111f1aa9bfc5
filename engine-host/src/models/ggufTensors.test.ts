import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTensors } from './ggufTensors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-tensors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const u32 = (n: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n);
  return bytes;
};
const u64 = (n: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(n));
  return bytes;
};
const text = (s: string): Buffer => Buffer.concat([u64(Buffer.byteLength(s)), Buffer.from(s)]);
const tensor = (name: string, shape: number[], type: number): Buffer =>
  Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(0)]);

const GOOD = Buffer.concat([
  Buffer.from('GGUF'),
  u32(3),
  u64(2),
  u64(4),
  text('a.number'),
  u32(4),
  u32(7),
  text('a.text'),
  u32(8),
  text('héllo'),
  text('a.list'),
  u32(9),
  u32(8),
  u64(2),
  text('x'),
  text('yy'),
  text('b.list'),
  u32(9),
  u32(5),
  u64(3),
  Buffer.alloc(12),
  tensor('token_embd.weight', [64, 1000], 12),
  tensor('odd', [3], 99),
]);

async function read(bytes: Buffer): Promise<unknown> {
  const file = path.join(folder, 'model.gguf');
  await writeFile(file, bytes);
  return readTensors(file);
}

test('names, types and shapes, whatever metadata stands before them', async () => {
  expect(await read(GOOD)).toEqual([
    { name: 'token_embd.weight', type: 'Q4_K', shape: [64, 1000] },
    { name: 'odd', type: 'type 99', shape: [3] },
  ]);
});

test('every truncation is an error, never a shorter table', async () => {
  for (let length = 0; length < GOOD.length; length += 3)
    await expect(read(GOOD.subarray(0, length)), String(length)).rejects.toMatchObject({ code: 'bad_model_file' });
});

test.each([
  ['another file', Buffer.from('GGML and more of it')],
  ['counts beyond any file', Buffer.concat([Buffer.from('GGUF'), u32(3), u64(2n ** 63n), u64(0)])],
  [
    'a text longer than the file',
    Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0), u64(1), text('k'), u32(8), u64(2n ** 40n)]),
  ],
  [
    'a list of lists',
    Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0), u64(1), text('k'), u32(9), u32(9), u64(1), Buffer.alloc(64)]),
  ],
])('%s is refused', async (_what, bytes) => {
  await expect(read(bytes)).rejects.toMatchObject({ code: 'bad_model_file' });
});
