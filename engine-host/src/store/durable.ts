/** Writing files so that they are whole after any crash: temporary file, fsync, rename, fsync of the folder. */
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';

/** Replaces `file` by `data` in one step; mode 0600. @throws {ZellError} disk_full, io */
export async function writeDurably(file: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw ioError(error, file);
  }
}

/** Makes a new or removed name in the folder durable. Windows has no such call and needs none. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file-system failure as ours; the message names the file, never its content. */
export function ioError(error: unknown, file: string): ZellError {
  if (ZellError.is(error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ZellError('disk_full', `There is no room left to write ${file}. Free some space; nothing was lost.`, {
      cause: error,
    });
  return new ZellError('io', `${file} cannot be read or written (${code}).`, { cause: error });
}
