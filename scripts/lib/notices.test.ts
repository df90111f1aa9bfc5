import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { thirdPartyNotices } from './notices.mjs';

let root: string;
beforeEach(async () => (root = await mkdtemp(path.join(os.tmpdir(), 'zell-notices-'))));
afterEach(() => rm(root, { recursive: true, force: true }));

async function pack(folder: string, manifest: object, licence?: string): Promise<void> {
  const at = path.join(root, folder);
  await mkdir(at, { recursive: true });
  await writeFile(path.join(at, 'package.json'), JSON.stringify(manifest));
  if (licence !== undefined) await writeFile(path.join(at, 'LICENSE.md'), licence);
}

test('each bundled package once, scoped and nested ones too, with the text of its licence', async () => {
  await pack('node_modules/b', { name: 'b', version: '2.0.0', license: 'MIT' }, 'Text of b.');
  await pack('node_modules/@s/a', { name: '@s/a', version: '1.0.0', license: 'BSD-3-Clause' }, 'Text of a.');
  await pack('node_modules/b/node_modules/c', { name: 'c', version: '3.0.0', license: 'ISC' });
  await pack(
    'node_modules/node-addon-api',
    { name: 'node-addon-api', version: '8.0.0', license: 'MIT' },
    'Text of it.',
  );
  await pack('node_modules/unused', { name: 'unused', version: '9.0.0', license: 'MIT' }, 'Nobody uses it.');
  const text = thirdPartyNotices(root, [
    'engine-host/src/main.ts',
    'node_modules/b/index.js',
    'node_modules/b/lib/more.js',
    'node_modules/@s/a/index.js',
    'node_modules/b/node_modules/c/index.js',
  ]);
  const titles = text.split('\n').filter((line) => /^\S+ \d\.\d\.\d/.test(line));
  expect(titles).toEqual(['@s/a 1.0.0 (BSD-3-Clause)', 'b 2.0.0 (MIT)', 'c 3.0.0 (ISC)', 'node-addon-api 8.0.0 (MIT)']);
  for (const part of ['Text of a.', 'Text of b.', 'Text of it.']) expect(text.split(part)).toHaveLength(2);
  expect(text).not.toContain('Nobody');
});

test('a package that says nothing about its licence is not bundled in silence', async () => {
  await pack('node_modules/x', { name: 'x', version: '1.0.0' });
  expect(() => thirdPartyNotices(root, ['node_modules/x/index.js'])).toThrow('x says nothing about its licence');
});
