/** What is in the package that people install, and what is not. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../helpers/cache.ts';
import { testVsix } from './testVsix.ts';
import { readZip, type ZipMember } from './zipFile.ts';

/** Everything, exactly; pieces of the command line carry a hash in their names. */
const EXPECTED = [
  '[Content_Types].xml',
  'extension.vsixmanifest',
  'extension/LICENSE.txt',
  'extension/changelog.md',
  'extension/dist/THIRD_PARTY_NOTICES.txt',
  'extension/dist/cli-*.mjs',
  'extension/dist/cli.mjs',
  'extension/dist/engine.mjs',
  'extension/dist/extension.cjs',
  'extension/dist/host.mjs',
  'extension/dist/redactionWorker.mjs',
  'extension/dist/templateWorker.mjs',
  'extension/dist/trainer.mjs',
  'extension/dist/webview/chat.css',
  'extension/dist/webview/chat.js',
  'extension/dist/webview/memory.css',
  'extension/dist/webview/memory.js',
  'extension/dist/zell_engine.node',
  'extension/dist/zell_os.node',
  'extension/media/icon.png',
  'extension/media/icon.svg',
  'extension/package.json',
  ...(existsSync(path.join(ROOT, 'README.md')) ? ['extension/readme.md'] : []),
];
const MAX_BYTES = 6e6;

describe('the VSIX', () => {
  let vsix: string;
  let members: ZipMember[];
  const textOf = (name: string): string => members.find((member) => member.name === name)!.text();

  beforeAll(async () => {
    vsix = await testVsix();
    members = readZip(vsix);
  });

  test('holds exactly the listed files', () => {
    const names = members.map(({ name }) => name.replace(/^(extension\/dist\/cli)-[A-Z0-9]{8}\.mjs$/, '$1-*.mjs'));
    expect([...new Set(names)].sort()).toEqual([...EXPECTED].sort());
  });

  test('no piece of the command line is left over from an earlier build, and none is missing', () => {
    const pieces = members.filter(({ name }) => /\/cli-[^/]+\.mjs$/.test(name)).map(({ name }) => path.basename(name));
    const programs = members.filter(({ name }) => /\/cli[^/]*\.mjs$/.test(name));
    const used = programs.flatMap((member) => member.text().match(/\bcli-[A-Z0-9]{8}\.mjs\b/g) ?? []);
    expect([...new Set(used)].sort()).toEqual(pieces.sort());
  });

  test('names the packages inside with their licences', () => {
    const notices = textOf('extension/dist/THIRD_PARTY_NOTICES.txt');
    for (const name of ['fastify', 'uplot', 'minisearch', '@secretlint/core', 'node-addon-api'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(\\S+\\)$`, 'm'));
    expect(notices.match(/^MIT License$|Permission is hereby granted/gm)?.length).toBeGreaterThan(10);
  });

  test('is for this platform', () => {
    expect(textOf('extension.vsixmanifest')).toContain(`TargetPlatform="${process.platform}-${process.arch}"`);
  });

  test('names no file that is not inside', () => {
    const manifest = JSON.parse(textOf('extension/package.json')) as Record<string, unknown>;
    const named = JSON.stringify([manifest['main'], manifest['icon'], manifest['bin'], manifest['contributes']]);
    const files = named.match(/(?:\.\/)?(?:dist|media)\/[\w./-]+/g) ?? [];
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect(members.map(({ name }) => name)).toContain(`extension/${file.replace('./', '')}`);
  });

  test('has no source map, and bundles point to none', () => {
    for (const member of members.filter(({ name }) => /\.(?:m?js|cjs|css)$/.test(name)))
      expect(member.text(), member.name).not.toMatch(/^\/[/*]# sourceMappingURL=/m);
  });

  test('its page points to nothing in the repository', () => {
    const page = members.find(({ name }) => name === 'extension/readme.md')?.text() ?? '';
    expect(page).not.toMatch(/\]\((?!https?:|#|mailto:)/);
  });

  test('is small', () => {
    const { size } = statSync(vsix);
    console.log(`VSIX: ${(size / 1e6).toFixed(2)} MB, ${members.length} files`);
    expect(size).toBeLessThan(MAX_BYTES);
  });
});
