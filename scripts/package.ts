// `npm run package`: one VSIX for this platform, zell-TARGET-VERSION.vsix, from an allow-list of files.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { ROOT, setup } from './lib/setup.mjs';

if (process.argv.includes('--help')) {
  console.log('usage: npm run package [-- --out FILE]\nBuilds everything and writes the VSIX of this platform.');
} else {
  await setup({ dev: true });
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const target = `${process.platform}-${process.arch}`;
  const at = process.argv.indexOf('--out');
  const out =
    (at === -1 ? undefined : process.argv[at + 1]) ?? path.join(ROOT, `zell-${target}-${manifest.version}.vsix`);
  await createVSIX({
    cwd: ROOT,
    target,
    packagePath: out,
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: false,
  });
  console.log(out);
}
