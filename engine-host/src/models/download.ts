/** Downloads one file: resumes a `.part`, checks size and hash, renames it into place only when both are right. */
import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { hashInto } from './fileHash.ts';
import { httpGet, type GetOptions, type GetResult } from './httpGet.ts';

/** Room left free beside a download. */
const SPARE_BYTES = 64 * 1024 * 1024;

export interface Download {
  readonly url: URL;
  /** Where the verified file goes; its `.part` lies beside it until then. */
  readonly destination: string;
  /** Lower-case hex. Absent: the hash that the hub publishes in `x-linked-etag` is taken, and required. */
  readonly sha256?: string;
  readonly bytes?: number;
  readonly get?: GetOptions;
  /** `sha256`: what the file will be verified against. */
  readonly onProgress?: (doneBytes: number, totalBytes: number, sha256: string) => void;
}

export interface Downloaded {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * A wrong hash removes the `.part`; a broken connection keeps it for the next call.
 * @throws {ZellError} io, disk_full, forbidden, cancelled, bad_model_file (hash or size differ)
 */
export async function download(job: Download, signal: AbortSignal): Promise<Downloaded> {
  const part = `${job.destination}.part`;
  await mkdir(path.dirname(job.destination), { recursive: true, mode: 0o700 });
  let have = await sizeOf(part);
  if (job.bytes !== undefined && have > job.bytes) {
    await rm(part, { force: true });
    have = 0;
  }
  let answer = await get(job, have, signal);
  if (answer.response.statusCode === 416) {
    // What is there is not a beginning of what the server has now.
    answer.response.destroy();
    await rm(part, { force: true });
    have = 0;
    answer = await get(job, 0, signal);
  }
  const { response } = answer;
  const status = response.statusCode ?? 0;
  if (status !== 200 && status !== 206) {
    response.destroy();
    throw refused(job.url, status);
  }
  const resumed = status === 206 && rangeStart(response.headers['content-range']) === have;
  if (status === 206 && !resumed) {
    response.destroy();
    throw new ZellError('io', `${job.url.host} sent another part of the file than the one asked for.`);
  }
  if (!resumed) have = 0;
  const expected = job.sha256 ?? publishedHash(answer);
  if (expected === undefined) {
    response.destroy();
    throw new ZellError('bad_model_file', `${job.url.host} publishes no hash for this file, so it cannot be verified.`);
  }
  const total = job.bytes ?? totalBytes(response.headers, have);
  await checkSpace(path.dirname(job.destination), total === undefined ? 0 : total - have);

  const hash = createHash('sha256');
  if (resumed && have > 0) await hashInto(part, signal, hash);
  let done = have;
  const file = await open(part, resumed ? 'a' : 'w', 0o600);
  try {
    for await (const chunk of response) {
      const bytes = chunk as Buffer;
      done += bytes.length;
      if (total !== undefined && done > total) throw tooLong(job.url);
      hash.update(bytes);
      await file.write(bytes);
      job.onProgress?.(done, total ?? 0, expected);
    }
    await file.sync();
  } catch (error) {
    if (ZellError.is(error, 'bad_model_file')) await rm(part, { force: true });
    throw asDiskOrNetworkError(error, job.url, signal);
  } finally {
    response.destroy();
    await file.close();
  }
  if (total !== undefined && done < total) {
    throw new ZellError(
      'io',
      `The download from ${job.url.host} broke off at ${done} of ${total} bytes. Try again; it resumes.`,
    );
  }
  const actual = hash.digest('hex');
  if (actual !== expected) {
    await rm(part, { force: true });
    throw new ZellError(
      'bad_model_file',
      `The file from ${job.url.host} has the wrong hash (${actual.slice(0, 12)}… instead of ${expected.slice(0, 12)}…); it was removed.`,
    );
  }
  await rename(part, job.destination);
  return { sha256: actual, bytes: done };
}

/** @throws {ZellError} disk_full when `bytes` and a little more do not fit beside `folder` */
export async function checkSpace(folder: string, bytes: number): Promise<void> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  if (free < bytes + SPARE_BYTES) {
    throw new ZellError(
      'disk_full',
      `The disk of ${folder} has ${megabytes(free)} MB free, ${megabytes(bytes + SPARE_BYTES)} MB are needed. Make room or set ZELL_HOME to another disk.`,
      { details: { freeBytes: free, neededBytes: bytes + SPARE_BYTES } },
    );
  }
}

function get(job: Download, from: number, signal: AbortSignal): Promise<GetResult> {
  const range: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
  return httpGet(job.url, { ...job.get, headers: { ...job.get?.headers, ...range } }, signal);
}

/** The SHA-256 that the hub puts on the answer (or the redirect) of a large file. */
function publishedHash(answer: GetResult): string | undefined {
  for (const headers of answer.hops) {
    const etag = headers['x-linked-etag'];
    const hash = typeof etag === 'string' ? /^(?:W\/)?"?([0-9a-f]{64})"?$/i.exec(etag)?.[1] : undefined;
    if (hash !== undefined) return hash.toLowerCase();
  }
  return undefined;
}

function totalBytes(headers: Readonly<Record<string, unknown>>, have: number): number | undefined {
  const range = headers['content-range'];
  const whole = typeof range === 'string' ? /\/(\d+)$/.exec(range)?.[1] : undefined;
  if (whole !== undefined) return Number(whole);
  const length = headers['content-length'];
  return typeof length === 'string' && /^\d+$/.test(length) ? have + Number(length) : undefined;
}

function rangeStart(header: string | undefined): number | undefined {
  const start = header === undefined ? undefined : /^bytes (\d+)-/.exec(header)?.[1];
  return start === undefined ? undefined : Number(start);
}

function refused(url: URL, status: number): ZellError {
  const why =
    status === 401 || status === 403
      ? 'it asks for a sign-in; download the file in a browser and pass its path'
      : status === 404
        ? 'it is not there (any more)'
        : `the server answered ${status}`;
  return new ZellError('io', `${url.host} does not give ${path.posix.basename(url.pathname)}: ${why}.`);
}

function tooLong(url: URL): ZellError {
  return new ZellError('bad_model_file', `${url.host} sends more bytes than the file has; the download was removed.`);
}

function asDiskOrNetworkError(error: unknown, url: URL, signal: AbortSignal): unknown {
  if (ZellError.is(error)) return error;
  if (signal.aborted) return new ZellError('cancelled', 'The download was cancelled; it resumes the next time.');
  const code = (error as { code?: unknown }).code;
  if (code === 'ENOSPC')
    return new ZellError('disk_full', 'The disk is full. Make room, then try again; the download resumes.');
  if (code === 'EACCES' || code === 'EROFS') return new ZellError('io', 'The models folder cannot be written.');
  return new ZellError('io', `The download from ${url.host} broke off (${String(code)}). Try again; it resumes.`);
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1_000_000);
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}
