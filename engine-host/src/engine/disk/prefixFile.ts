/** The header of a file of KV blocks, version 1: docs/formats/kv-prefix.md. The blocks behind it are the addon's. */
import { createHash } from 'node:crypto';

const MAGIC = Buffer.from('ZELLKV\0\0', 'latin1');
const VERSION = 1;
/** Where the tokens begin. */
export const FIXED_BYTES = 128;
const HASH_AT = 96;
export const HASH_BYTES = 32;
/** No context comes near this; a larger number is damage. */
const MOST_TOKENS = 1 << 24;

export interface PrefixHeader {
  /** Everything that keys and values depend on beside the tokens. */
  readonly key: Buffer;
  /** Hash of the block before the first one; `key` for the beginning of a text. */
  readonly parent: Buffer;
  readonly blockTokens: number;
  /** Place of its first block in the text. */
  readonly firstBlock: number;
  /** Of its own blocks: a whole number of them. */
  readonly tokens: Int32Array;
}

/** Of a header with so many tokens. */
export function headerBytesOf(tokens: number): number {
  return FIXED_BYTES + tokens * 4;
}

export function encodeHeader(header: PrefixHeader): Buffer {
  const bytes = Buffer.alloc(headerBytesOf(header.tokens.length));
  MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(bytes.length, 12);
  bytes.writeUInt32LE(header.blockTokens, 16);
  bytes.writeUInt32LE(header.firstBlock, 20);
  bytes.writeUInt32LE(header.tokens.length / header.blockTokens, 24);
  header.key.copy(bytes, 32);
  header.parent.copy(bytes, 64);
  header.tokens.forEach((token, i) => bytes.writeInt32LE(token, FIXED_BYTES + i * 4));
  hashOf(bytes).copy(bytes, HASH_AT);
  return bytes;
}

/** Length of the whole header, from its first `FIXED_BYTES`; undefined when this is no such file. */
export function headerBytes(fixed: Buffer): number | undefined {
  if (fixed.length < FIXED_BYTES || !fixed.subarray(0, 8).equals(MAGIC) || fixed.readUInt32LE(8) !== VERSION)
    return undefined;
  const bytes = fixed.readUInt32LE(12);
  const tokens = fixed.readUInt32LE(16) * fixed.readUInt32LE(24);
  return tokens > 0 && tokens <= MOST_TOKENS && bytes === FIXED_BYTES + tokens * 4 ? bytes : undefined;
}

/** Undefined for what is damaged, cut or of another version. */
export function parseHeader(bytes: Buffer): PrefixHeader | undefined {
  if (headerBytes(bytes) !== bytes.length) return undefined;
  if (!hashOf(bytes).equals(bytes.subarray(HASH_AT, HASH_AT + HASH_BYTES))) return undefined;
  const tokens = new Int32Array((bytes.length - FIXED_BYTES) / 4);
  for (let i = 0; i < tokens.length; i++) tokens[i] = bytes.readInt32LE(FIXED_BYTES + i * 4);
  return {
    key: bytes.subarray(32, 64),
    parent: bytes.subarray(64, 96),
    blockTokens: bytes.readUInt32LE(16),
    firstBlock: bytes.readUInt32LE(20),
    tokens,
  };
}

/**
 * A hash for each whole block of `tokens`, each over the one before it and the block's tokens: equal hashes mean equal texts from
 * the first token on, for the same key.
 */
export function chainHashes(parent: Buffer, tokens: ArrayLike<number>, blockTokens: number): Buffer[] {
  const hashes: Buffer[] = [];
  let before = parent;
  const block = Buffer.alloc(blockTokens * 4);
  for (let end = blockTokens; end <= tokens.length; end += blockTokens) {
    for (let i = 0; i < blockTokens; i++) block.writeInt32LE(tokens[end - blockTokens + i] ?? 0, i * 4);
    before = createHash('sha256').update(before).update(block).digest();
    hashes.push(before);
  }
  return hashes;
}

/** What the blocks' checksums begin with: 8 bytes of each hash. */
export function seedsOf(hashes: readonly Buffer[]): Uint8Array {
  const seeds = new Uint8Array(hashes.length * 8);
  hashes.forEach((hash, i) => seeds.set(hash.subarray(0, 8), i * 8));
  return seeds;
}

/** Over the header with zeros where the hash stands. */
function hashOf(bytes: Buffer): Buffer {
  return createHash('sha256')
    .update(bytes.subarray(0, HASH_AT))
    .update(Buffer.alloc(HASH_BYTES))
    .update(bytes.subarray(HASH_AT + HASH_BYTES))
    .digest();
}
