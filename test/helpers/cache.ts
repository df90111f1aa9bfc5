// Where tests keep what is costly to fetch or build; everything in it can be made again.
import os from 'node:os';
import path from 'node:path';

export const CACHE = process.env['ZELL_CACHE'] ?? path.join(os.homedir(), '.cache', 'zell');
export const ROOT = path.resolve(import.meta.dirname, '../..');
export const ARTIFACTS = path.join(ROOT, 'test-artifacts');
