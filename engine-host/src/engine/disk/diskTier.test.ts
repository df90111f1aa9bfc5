import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeModel } from '../native/fakeModel.ts';
import { DiskTier, LEAST_SAVED_TOKENS } from './diskTier.ts';
import { chainHashes, encodeHeader, parseHeader } from './prefixFile.ts';
import { EXPIRY_MS } from './prefixFolder.ts';

const BLOCK = 32;
const KEY = Buffer.alloc(32, 1);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-prefixes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = (length: number, end = 0): number[] => Array.from({ length }, (_, i) => (i < length - 40 ? i % 250 : end));

interface Made {
  readonly model: FakeModel;
  readonly disk: DiskTier;
}

async function make(
  over: { key?: Buffer; maxBytes?: number; blockBytes?: number; now?: () => number } = {},
): Promise<Made> {
  const { blockBytes = 1 } = over;
  const model = new FakeModel({ blockTokens: BLOCK, blockBytes, totalBlocks: 4096, contextLength: 65_536 });
  const { key = KEY, maxBytes = 1e9, now = () => Date.now() } = over;
  const disk = new DiskTier(model, { folder, maxBytes, now, key: () => Promise.resolve(key) });
  await disk.ready;
  return { model, disk };
}

async function save({ model, disk }: Made, tokens: readonly number[]): Promise<void> {
  const sequence = model.createSequence();
  await model.step([{ sequence, tokens: Int32Array.from(tokens), want: {} }]);
  disk.save(sequence, tokens);
  model.freeSequence(sequence);
  await disk.settled();
}

async function restore({ disk }: Made, tokens: readonly number[]): Promise<number> {
  const found = disk.find(tokens, tokens.length - 1);
  return found === undefined ? 0 : Math.min(found.tokens, (await disk.restore(found))?.tokens ?? 0);
}

const files = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.endsWith('.kv')).sort();

test('what was saved is there after a restart; another key finds nothing', async () => {
  const tokens = text(1000);
  await save(await make(), tokens);
  expect(await restore(await make(), tokens)).toBe(992);
  expect(await restore(await make({ key: Buffer.alloc(32, 2) }), tokens)).toBe(0);
  const [name] = await files();
  expect((await stat(path.join(folder, name!))).size).toBeGreaterThan(1000);
});

test('a text that begins the same takes the blocks that are the same', async () => {
  const made = await make();
  await save(made, text(1000, 1));
  expect(await restore(made, text(1000, 2))).toBe(960);
  // The last block is read although only its beginning is the same.
  expect(await restore(made, [...text(500), ...text(500)])).toBe(460);
  expect(await restore(made, text(1000, 1).slice(0, 65))).toBe(64);
  expect(await restore(made, text(1000, 1).slice(0, 64))).toBe(63);
  expect(await restore(made, [7, ...text(999)])).toBe(0);
});

test('the next turn writes only what is new, and reads the chain of files', async () => {
  const made = await make();
  const first = text(1000);
  await save(made, first);
  const second = [...first, ...text(300, 9)];
  await save(made, second);
  expect(await files()).toHaveLength(2);
  await save(made, second);
  await save(made, [...second, 1, 2, 3]);
  expect(await files()).toHaveLength(2);
  const sizes = await Promise.all((await files()).map(async (name) => (await stat(path.join(folder, name))).size));
  expect(Math.min(...sizes)).toBeLessThan(Math.max(...sizes) / 2);
  expect(await restore(await make(), second)).toBe(1280);
});

test('short texts are not worth a file', async () => {
  const made = await make();
  await save(made, text(LEAST_SAVED_TOKENS - 1));
  expect(await files()).toEqual([]);
});

test('a damaged file is a miss from the damage on, and goes', async () => {
  const tokens = text(1000);
  await save(await make(), tokens);
  const [name] = await files();
  const at = path.join(folder, name!);
  const bytes = await readFile(at);
  // The fake's blocks are text: another digit in the tenth seed.
  const seed = bytes.toString('latin1').split('"seed":"')[10]!.slice(0, 16);
  await writeFile(at, bytes.toString('latin1').replace(seed, '0'.repeat(16)), 'latin1');
  const made = await make();
  expect(await restore(made, tokens)).toBe(9 * BLOCK);
  expect(await files()).toEqual([]);
  expect(await restore(made, tokens)).toBe(0);
});

test('damaged and cut headers are thrown out, whatever byte it is', async () => {
  const tokens = text(600);
  await save(await make(), tokens);
  const [name] = await files();
  const at = path.join(folder, name!);
  const whole = await readFile(at);
  const length = whole.readUInt32LE(12);
  for (let i = 0; i < length; i += i < 128 ? 1 : 97) {
    const bytes = Buffer.from(whole);
    bytes[i]! ^= 1;
    expect(parseHeader(bytes.subarray(0, length)), `byte ${i}`).toBeUndefined();
  }
  for (const size of [0, 10, 127, 128, length - 1]) {
    await writeFile(at, whole);
    await truncate(at, size);
    expect(await restore(await make(), tokens)).toBe(0);
    expect(await files()).toEqual([]);
  }
  await writeFile(at, whole);
  expect(await restore(await make(), tokens)).toBe(576);
});

test('a writer that was killed leaves nothing that counts', async () => {
  await save(await make(), text(600));
  const [name] = await files();
  await writeFile(path.join(folder, `${name}.4711-0.part`), 'half');
  await make();
  expect((await readdir(folder)).filter((n) => n.endsWith('.part'))).toEqual([]);
  expect(await files()).toEqual([name]);
});

test('the least recently used go when the limit is reached; a text goes from its end', async () => {
  let now = Date.now();
  const clock = (): number => (now += 1000);
  const before = await make({ now: clock });
  await save(before, text(600, 1));
  const size = before.disk.bytes;
  const made = await make({ maxBytes: size * 2.5, now: clock });
  const other = text(600).map((t) => (t + 5) % 250);
  await save(made, other);
  expect(await restore(made, text(600, 1))).toBe(576);
  const third = text(600).map((t) => (t + 9) % 250);
  await save(made, third);
  expect(made.disk.bytes).toBeLessThanOrEqual(size * 2.5);
  expect(await restore(made, other)).toBe(0);
  expect(await restore(made, text(600, 1))).toBe(576);
  expect(await restore(made, third)).toBe(576);
});

test('a file that nobody used for thirty days goes', async () => {
  await save(await make(), text(600));
  const [name] = await files();
  const at = path.join(folder, name!);
  const old = (Date.now() - EXPIRY_MS) / 1000;
  await utimes(at, old + 60, old + 60);
  await make();
  expect(await files()).toHaveLength(1);
  await utimes(at, old - 60, old - 60);
  await make();
  expect(await files()).toEqual([]);
});

test('forgetting deletes everything, also what is being written', async () => {
  const made = await make();
  await save(made, text(600, 1));
  const sequence = made.model.createSequence();
  const tokens = text(600).map((t) => (t + 5) % 250);
  await made.model.step([{ sequence, tokens: Int32Array.from(tokens), want: {} }]);
  made.disk.save(sequence, tokens);
  await made.disk.forget();
  expect(await files()).toEqual([]);
  expect(await restore(made, tokens)).toBe(0);
});

test('a folder that cannot be written costs nothing but its use', async () => {
  await writeFile(path.join(folder, 'file'), '');
  folder = path.join(folder, 'file');
  const made = await make();
  await save(made, text(600));
  expect(await restore(made, text(600))).toBe(0);
  folder = path.dirname(folder);
});

test('hashes depend on every token before them, headers come back', () => {
  const tokens = text(96);
  const hashes = chainHashes(KEY, tokens, BLOCK);
  expect(hashes).toHaveLength(3);
  tokens[0] = 99;
  for (const [i, hash] of chainHashes(KEY, tokens, BLOCK).entries()) expect(hash.equals(hashes[i]!)).toBe(false);
  const header = { key: KEY, parent: hashes[0]!, blockTokens: BLOCK, firstBlock: 1, tokens: Int32Array.of(...tokens) };
  expect(parseHeader(encodeHeader(header))).toEqual(header);
});

test('of a very long text the beginning is kept, within a quarter of the room', async () => {
  const made = await make({ maxBytes: 4 * 512 * 20, blockBytes: 512 });
  await save(made, text(1000));
  expect(made.disk.find(text(1000), 999)?.tokens).toBe(20 * BLOCK);
});
