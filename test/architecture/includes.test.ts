// Native rooms include only what stands to their right.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { MAY_INCLUDE } from '../../scripts/layers.mjs';

const SOURCE = path.resolve(import.meta.dirname, '../../native/src');

/** Includes of a file that its room does not allow. */
function violations(room: string, text: string): string[] {
  const allowed = MAY_INCLUDE[room] ?? [];
  return [...text.matchAll(/^\s*#\s*include\s+"([^"/]+)\/[^"]*"/gm)]
    .map((match) => match[1]!)
    .filter((other) => other !== room && !allowed.includes(other));
}

test('every include follows the table', () => {
  const broken: string[] = [];
  for (const room of readdirSync(SOURCE)) {
    expect(MAY_INCLUDE, `native/src/${room} has no row in the table`).toHaveProperty(room);
    for (const file of readdirSync(path.join(SOURCE, room), { recursive: true, encoding: 'utf8' })) {
      if (!/\.(cc|h)$/.test(file) || file.endsWith('_test.cc')) continue;
      for (const other of violations(room, readFileSync(path.join(SOURCE, room, file), 'utf8')))
        broken.push(`${room}/${file} includes ${other}`);
    }
  }
  expect(broken).toEqual([]);
});

test('a planted include is found', () => {
  for (const room of Object.keys(MAY_INCLUDE)) {
    const forbidden = Object.keys(MAY_INCLUDE).filter((r) => r !== room && !MAY_INCLUDE[room]!.includes(r));
    for (const other of forbidden) expect(violations(room, `#include "${other}/x.h"\n`)).toEqual([other]);
    expect(violations(room, `#include "${room}/x.h"\n#include <vector>\n`)).toEqual([]);
  }
});
