/** Makes the VSIX of this platform from what lies in `dist/`; `.vscodeignore` is the list of what may enter. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { forExtensionPage } from './extensionPage.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGE = 'dist/README.md';

/** What the manifest calls this machine, e.g. `linux-x64`. */
export const TARGET = `${process.platform}-${process.arch}`;

/** Writes `out`. Nothing is built: call `setup` first. @throws with the packager's message */
export async function makeVsix(out: string): Promise<void> {
  const readme = path.join(ROOT, 'README.md');
  const page = path.join(ROOT, PAGE);
  const hasReadme = existsSync(readme);
  if (hasReadme) writeFileSync(page, forExtensionPage(readFileSync(readme, 'utf8')));
  try {
    await createVSIX({
      cwd: ROOT,
      target: TARGET,
      packagePath: out,
      // Everything is bundled.
      dependencies: false,
      allowMissingRepository: true,
      ...(hasReadme ? { readmePath: PAGE } : {}),
    });
  } finally {
    rmSync(page, { force: true });
  }
}
