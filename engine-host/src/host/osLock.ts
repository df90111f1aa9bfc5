/** What Node lacks of the operating system, through the small addon without engine code: above all a lock that dies with its process. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { distFolder } from './distFolder.ts';

export interface OsLock {
  /** Takes an exclusive lock on the file (made when missing, 0600, not inherited by children). Null: another process holds it. */
  tryLock(path: string): number | null;
  unlock(handle: number): void;
}

/** Whole type of `zell_os.node`. */
export interface OsAddon extends OsLock {
  /** Descriptors of the two ends of a stream, to be closed by the caller; null where the system has none. */
  streamPair(): readonly [own: number, child: number] | null;
}

/**
 * Opens the addon: `ZELL_OS_ADDON`, else the one beside the bundle.
 * @throws {ZellError} unsupported when there is none for this system
 */
export function loadOsLock(env: Readonly<Record<string, string | undefined>> = process.env): OsAddon {
  const here = distFolder();
  const found = [env['ZELL_OS_ADDON'], path.join(here, 'zell_os.node')].find(
    (file) => file !== undefined && file !== '' && existsSync(file),
  );
  if (found === undefined) {
    throw new ZellError(
      'unsupported',
      `The file zell_os.node is missing beside ${here}. Build it with "npm run build", or install the package for this system.`,
    );
  }
  return createRequire(import.meta.url)(found) as OsAddon;
}
