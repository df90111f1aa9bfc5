// Every room introduces itself, and links in the documents lead somewhere.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { MAY_IMPORT, MAY_INCLUDE } from '../../scripts/layers.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');

test('every room with files has a README', () => {
  const rooms = [...Object.keys(MAY_IMPORT), ...Object.keys(MAY_INCLUDE).map((room) => `native/src/${room}`)];
  const silent = rooms.filter((room) => {
    const folder = path.join(ROOT, room);
    if (!existsSync(folder) || readdirSync(folder).length === 0) return false;
    const places = room.endsWith('/src') ? [folder, path.dirname(folder)] : [folder];
    return !places.some((place) => existsSync(path.join(place, 'README.md')));
  });
  expect(silent).toEqual([]);
});

test('relative links in the documents exist', () => {
  const broken: string[] = [];
  const files = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  for (const file of files.filter(Boolean)) {
    if (!existsSync(path.join(ROOT, file))) continue;
    for (const match of readFileSync(path.join(ROOT, file), 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      const target = match[1]!;
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(path.resolve(ROOT, path.dirname(file), target))) broken.push(`${file} → ${target}`);
    }
  }
  expect(broken).toEqual([]);
});
