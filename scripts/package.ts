// `npm run package`: one VSIX for this platform, zell-TARGET-VERSION.vsix, from an allow-list of files.
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, setup } from './lib/setup.mjs';
import { makeVsix, TARGET } from './lib/vsix.ts';

const { values } = parseArgs({ options: { help: { type: 'boolean' }, out: { type: 'string' } } });
if (values.help === true) {
  console.log('usage: npm run package [-- --out FILE]\nBuilds everything and writes the VSIX of this platform.');
} else {
  await setup({ dev: true });
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const out = path.resolve(values.out ?? path.join(ROOT, `zell-${TARGET}-${version}.vsix`));
  await makeVsix(out);
  console.log(`${out} (${(statSync(out).size / 1e6).toFixed(2)} MB)`);
}
