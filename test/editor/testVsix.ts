/** The VSIX under test: made from `dist/` once, and again when something that goes into it is newer. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ARTIFACTS, ROOT } from '../helpers/cache.ts';

const run = promisify(execFile);
const INPUTS = [
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  '.vscodeignore',
  'media',
  'dist',
  'scripts/lib',
];
const MAKE = `import(process.argv.at(-2)).then((m) => m.makeVsix(process.argv.at(-1)))`;

/** Its path. Expects a built `dist/`; about 3 s when it must be made. */
export async function testVsix(): Promise<string> {
  const vsix = path.join(ARTIFACTS, 'zell-test.vsix');
  const newest = Math.max(...INPUTS.map((input) => changedAt(path.join(ROOT, input))));
  if (changedAt(vsix) > newest) return vsix;
  mkdirSync(ARTIFACTS, { recursive: true });
  const draft = `${vsix}.${process.pid}`;
  const tsx = path.join(ROOT, 'node_modules/tsx/dist/cli.mjs');
  await run(process.execPath, [tsx, '-e', MAKE, path.join(ROOT, 'scripts/lib/vsix.ts'), draft], { cwd: ROOT });
  renameSync(draft, vsix);
  return vsix;
}

/** Milliseconds of the youngest file below; 0 when there is none. */
function changedAt(file: string): number {
  if (!existsSync(file)) return 0;
  const stat = statSync(file);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(file).map((name) => changedAt(path.join(file, name))));
}
