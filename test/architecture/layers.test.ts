// Plants a violation of every import rule and expects the tools to report it.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ESLint } from 'eslint';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { describe, expect, test } from 'vitest';
import { layerConfigs, MAY_IMPORT, NO_NODE_ROOMS, VSCODE_ROOMS } from '../../scripts/layers.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const eslint = new ESLint({
  cwd: ROOT,
  overrideConfigFile: true,
  overrideConfig: [
    { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser } },
    ...layerConfigs(importX, ROOT),
  ] as ESLint.Options['overrideConfig'],
});

/** Rules that ESLint reports for a one-line file in a room. */
async function rulesBroken(room: string, code: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(code, { filePath: path.join(ROOT, room, 'planted.ts') });
  return (result?.messages ?? []).map((message) => message.ruleId);
}

/** Any source file of a room, as import path from another room. */
function importOf(from: string, room: string): string | undefined {
  const file = firstFile(path.join(ROOT, room));
  if (file === undefined) return undefined;
  const relative = path.relative(path.join(ROOT, from), file);
  return relative.startsWith('.') ? relative : `./${relative}`;
}

function firstFile(folder: string): string | undefined {
  const entries = readdirSync(folder, { withFileTypes: true });
  const file = entries.find((e) => e.isFile() && e.name.endsWith('.ts') && !e.name.endsWith('.test.ts'));
  if (file !== undefined) return path.join(folder, file.name);
  for (const entry of entries) {
    const found = entry.isDirectory() ? firstFile(path.join(folder, entry.name)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const rooms = Object.keys(MAY_IMPORT);
const topOf = (room: string): string => room.split('/')[0]!;

describe('ESLint zones', () => {
  for (const room of rooms) {
    const forbidden = rooms.filter(
      (other) => other !== room && !MAY_IMPORT[room]!.includes(other) && other !== 'protocol/src',
    );
    test(`${room} may not import ${String(forbidden.length)} other rooms`, async () => {
      for (const other of forbidden) {
        const target = importOf(room, other);
        if (target === undefined) continue;
        expect(
          await rulesBroken(room, `import * as planted from '${target}';\nexport { planted };\n`),
          other,
        ).toContain('import-x/no-restricted-paths');
      }
    });
  }

  test('what a room may import is not reported', async () => {
    for (const room of rooms) {
      for (const other of MAY_IMPORT[room]!) {
        const target = importOf(room, other);
        if (target === undefined) continue;
        expect(
          await rulesBroken(room, `import * as fine from '${target}';\nexport { fine };\n`),
          `${room} → ${other}`,
        ).toEqual([]);
      }
    }
  });

  test('only the editor rooms may name vscode', async () => {
    for (const room of rooms) {
      const broken = await rulesBroken(room, "import * as vscode from 'vscode';\nexport { vscode };\n");
      if (VSCODE_ROOMS.includes(room)) expect(broken, room).toEqual([]);
      else expect(broken, room).toContain('no-restricted-imports');
    }
  });

  test('rooms without Node may not name it', async () => {
    for (const room of NO_NODE_ROOMS) {
      expect(await rulesBroken(room, "import * as fs from 'node:fs';\nexport { fs };\n"), room).toContain(
        'no-restricted-imports',
      );
    }
  });

  test('an addon is opened in two rooms only', async () => {
    const code = "process.dlopen({ exports: {} }, 'x.node');\n";
    for (const room of rooms.filter((r) => topOf(r) === 'engine-host')) {
      const broken = await rulesBroken(room, code);
      if (room === 'engine-host/src/engine/native' || room === 'engine-host/src/host') expect(broken, room).toEqual([]);
      else expect(broken, room).toContain('no-restricted-properties');
    }
  });
});

describe('dependency-cruiser', () => {
  async function cruise(files: Record<string, string>): Promise<string> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'zell-layers-'));
    try {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
        writeFileSync(path.join(folder, name), text);
      }
      const tool = path.join(ROOT, 'node_modules/.bin/depcruise');
      const config = path.join(ROOT, '.dependency-cruiser.cjs');
      const result = await run(tool, ['--config', config, 'extension/src'], { cwd: folder }).catch(
        (error: unknown) => error as { stdout: string },
      );
      return result.stdout;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test('one feature may not import another', async () => {
    const report = await cruise({
      'extension/src/features/a/x.ts': "import { y } from '../b/y.ts';\nexport const x = y;\n",
      'extension/src/features/b/y.ts': 'export const y = 1;\n',
    });
    expect(report).toContain('features-stay-apart');
  });

  test('nothing imports in a circle', async () => {
    const report = await cruise({
      'extension/src/core/x.ts': "import { y } from './y.ts';\nexport const x = (): number => y;\n",
      'extension/src/core/y.ts': "import { x } from './x.ts';\nexport const y = x();\n",
    });
    expect(report).toContain('no-circles');
  });
});
