/** What lies in the Zell home only to save time: finding it, and throwing it out. Docs: docs/cache.md. */
import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DRAFT_HEAD_FILE } from '../profile/draftHeadFile.ts';
import { readProfile } from '../profile/profileFile.ts';
import type { ZellPaths } from './paths.ts';

/** `profiles`: what was measured of models, and their draft heads; `prompts`: keys and values of prompts; `anchors`: texts that a model wrote for its own training; `downloads`: unfinished ones. */
export type CacheKind = 'prompts' | 'anchors' | 'profiles' | 'downloads';

export interface CacheFile {
  readonly kind: CacheKind;
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
  /** Hash of the model that it belongs to, where that is known. */
  readonly model?: string;
}

export interface ClearedCaches {
  readonly kind: CacheKind;
  readonly files: number;
  readonly bytes: number;
}

/** Prompts that nobody used for so long go. */
const PROMPTS_EXPIRE_MS = 30 * 24 * 3600 * 1000;
/** An unfinished download that did not grow for so long has nobody who writes it; younger ones go on where they stopped. */
const DOWNLOADS_EXPIRE_MS = 24 * 3600 * 1000;
/** docs/formats/kv-prefix.md: the key stands behind 32 bytes. */
const KEY_AT = 32;
const KEY_BYTES = 32;

/** All files that may be deleted at any time, whether an engine runs or not. */
export async function cacheFiles(paths: ZellPaths): Promise<CacheFile[]> {
  const models = await modelsOfKeys(paths.prefixes);
  const prompts = await filesIn(paths.prefixes, /^[0-9a-f]{32}\.kv$/, 'prompts', async (file) => {
    const key = await keyOf(file);
    return key === undefined ? undefined : models.get(key);
  });
  const anchors = await filesIn(path.join(paths.memory, 'anchors'), /^[0-9a-f]{16}\.json$/, 'anchors', (file) =>
    Promise.resolve(path.basename(file, '.json')),
  );
  const profiles = await filesIn(paths.profiles, /\.json$/, 'profiles', (file) =>
    readProfile(file).then(
      (profile) => profile?.model.modelHash,
      () => undefined,
    ),
  );
  const heads = await filesIn(paths.profiles, DRAFT_HEAD_FILE, 'profiles', (file) =>
    Promise.resolve(DRAFT_HEAD_FILE.exec(path.basename(file))?.[1]),
  );
  const downloads = await filesIn(paths.blobs, /\.part$/, 'downloads', () => Promise.resolve(undefined));
  return [...prompts, ...anchors, ...profiles, ...heads, ...downloads];
}

/** Whether it has outlived its use. Anchors and profiles stay: they hold for a model for ever. */
export function isExpired({ kind, usedAt }: CacheFile, now: number): boolean {
  if (kind === 'anchors' || kind === 'profiles') return false;
  return now - usedAt > (kind === 'prompts' ? PROMPTS_EXPIRE_MS : DOWNLOADS_EXPIRE_MS);
}

/** A download that may be under way is never one of them. */
export function isRemovable(file: CacheFile, now: number): boolean {
  return file.kind !== 'downloads' || isExpired(file, now);
}

/** Deletes them; one that is gone already counts. @throws {Error} when a file cannot be deleted */
export async function removeCaches(files: readonly CacheFile[]): Promise<ClearedCaches[]> {
  const cleared = new Map<CacheKind, { kind: CacheKind; files: number; bytes: number }>();
  for (const file of files) {
    await rm(file.path, { force: true });
    const sum = cleared.get(file.kind) ?? { kind: file.kind, files: 0, bytes: 0 };
    sum.files += 1;
    sum.bytes += file.bytes;
    cleared.set(file.kind, sum);
  }
  return [...cleared.values()];
}

async function filesIn(
  folder: string,
  name: RegExp,
  kind: CacheKind,
  modelOf: (file: string) => Promise<string | undefined>,
): Promise<CacheFile[]> {
  const found: CacheFile[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile() || !name.test(entry.name)) continue;
    const file = path.join(folder, entry.name);
    const info = await stat(file).catch(() => undefined);
    if (info === undefined) continue;
    const model = await modelOf(file);
    found.push({ kind, path: file, bytes: info.size, usedAt: info.mtimeMs, ...(model === undefined ? {} : { model }) });
  }
  return found;
}

async function modelsOfKeys(folder: string): Promise<ReadonlyMap<string, string>> {
  try {
    const value: unknown = JSON.parse(await readFile(path.join(folder, 'models.json'), 'utf8'));
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map();
  }
}

async function keyOf(file: string): Promise<string | undefined> {
  const opened = await open(file, 'r').catch(() => undefined);
  if (opened === undefined) return undefined;
  try {
    const key = Buffer.alloc(KEY_BYTES);
    return (await opened.read(key, 0, KEY_BYTES, KEY_AT)).bytesRead < KEY_BYTES ? undefined : key.toString('hex');
  } catch {
    return undefined;
  } finally {
    await opened.close();
  }
}
