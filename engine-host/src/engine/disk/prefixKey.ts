/** What keys and values depend on beside the tokens, as one hash: under another key nothing on the disk is found. */
import { createHash } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { KvType, ModelInfo } from '#protocol/model.ts';
import { sha256Of } from './prefixFolder.ts';

/** Hashes of whole model files, found again by these figures. */
interface Known {
  readonly path: string;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly sha256: string;
}

const MOST_KNOWN = 64;
const CACHE = 'files.json';
const MOST_KEYS = 256;
const MODELS = 'models.json';

/** `build`: the engine's code, whose arithmetic decides the bits. `draftHead`: path of the one in use. */
export async function prefixKey(
  folder: string,
  info: ModelInfo,
  kvType: KvType,
  blockTokens: number,
  build: string,
  draftHead?: string,
): Promise<Buffer> {
  const sha256 = await fileHash(folder, info.path);
  const { modelHash, bytes, isa, contextLength } = info;
  // Its keys and values lie in the same blocks.
  const head = draftHead === undefined ? {} : { draftHead: await fileHash(folder, draftHead) };
  const parts = { format: 1, sha256, modelHash, bytes, isa, contextLength, kvType, blockTokens, build, ...head };
  const key = createHash('sha256').update(JSON.stringify(parts)).digest();
  await noteModel(folder, key.toString('hex'), modelHash);
  return key;
}

/** `models.json`: key → model hash, so that the files of one model can be told from the others without it. */
async function noteModel(folder: string, key: string, modelHash: string): Promise<void> {
  const known = await readJson(path.join(folder, MODELS));
  const models = typeof known === 'object' && known !== null && !Array.isArray(known) ? Object.entries(known) : [];
  if (models.some(([name, hash]) => name === key && hash === modelHash)) return;
  const others = models.filter(([name]) => name !== key).slice(-(MOST_KEYS - 1));
  await replaceFile(path.join(folder, MODELS), Object.fromEntries([...others, [key, modelHash]]));
}

/** A large model takes a while to read: its hash is computed once. */
async function fileHash(folder: string, file: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(file);
  const known = await readKnown(folder);
  const same = known.find((k) => k.path === file && k.ino === ino && k.size === size && k.mtimeMs === mtimeMs);
  if (same !== undefined) return same.sha256;
  const sha256 = (await sha256Of(file)).toString('hex');
  const others = known.filter((k) => k.path !== file).slice(-(MOST_KNOWN - 1));
  await replaceFile(path.join(folder, CACHE), [...others, { path: file, ino, size, mtimeMs, sha256 }]);
  return sha256;
}

async function readKnown(folder: string): Promise<Known[]> {
  const value = await readJson(path.join(folder, CACHE));
  return Array.isArray(value) ? value.filter(isKnown) : [];
}

/** Undefined when it is not there or damaged. */
async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}

async function replaceFile(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.part`, JSON.stringify(value), { mode: 0o600 });
  await rename(`${file}.part`, file);
}

function isKnown(value: unknown): value is Known {
  const known = value as Partial<Record<keyof Known, unknown>> | null;
  return (
    typeof known === 'object' &&
    known !== null &&
    typeof known.path === 'string' &&
    typeof known.ino === 'number' &&
    typeof known.size === 'number' &&
    typeof known.mtimeMs === 'number' &&
    typeof known.sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(known.sha256)
  );
}
