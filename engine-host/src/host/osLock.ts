/** A lock that the operating system releases when the process dies, through the small addon without engine code. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { distFolder } from './distFolder.ts';

/** Whole type of `zell_os.node`. */
export interface OsLock {
  /** Takes an exclusive lock on the file (made when missing, 0600, not inherited by children). Null: another process holds it. */
  tryLock(path: string): number | null;
  unlock(handle: number): void;
}

/**
 * Opens the addon: `ZELL_OS_ADDON`, else the one beside the bundle.
 * @throws {ZellError} unsupported when there is none for this system
 */
export function loadOsLock(env: Readonly<Record<string, string | undefined>> = process.env): OsLock {
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
  return createRequire(import.meta.url)(found) as OsLock;
}
