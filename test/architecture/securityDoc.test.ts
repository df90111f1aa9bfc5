// docs/security.md names a test for every defence; each exists. And no setting that names something may come from a workspace.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

test('each row of docs/security.md names tests, and each of them exists', () => {
  const rows = read('docs/security.md')
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|(---| attack )/.test(line));
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    const files = [...row.matchAll(/`([\w./-]+(?:\.test\.ts|_test\.cc|_fuzz\.cc))`/g)].map(([, file]) => file ?? '');
    expect(files.length, row).toBeGreaterThan(0);
    for (const file of files) expect(existsSync(path.join(ROOT, file)), file).toBe(true);
  }
});

test('a workspace can only switch and count: whatever names a file, a program, a port or a model has machine scope', () => {
  interface Setting {
    readonly scope?: string;
    readonly type: string | readonly string[];
    readonly enum?: readonly string[];
  }
  const { contributes, capabilities } = JSON.parse(read('package.json')) as {
    contributes: { configuration: readonly { properties: Record<string, Setting> }[] };
    capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
  };
  const settings = [contributes.configuration].flat().flatMap(({ properties }) => Object.entries(properties));
  expect(settings.length).toBeGreaterThan(3);
  const ofWorkspaces = settings.filter(([, { scope }]) => scope !== 'machine' && scope !== 'application');
  for (const [name, { type, enum: values }] of ofWorkspaces) {
    const plain = [type].flat().every((each) => ['boolean', 'number', 'integer', 'null'].includes(each));
    // A list of what to leave out can only take away.
    expect(plain || values !== undefined || name.endsWith('.exclude'), name).toBe(true);
  }
  // And even those are ignored where nobody trusts the workspace.
  const ignored = capabilities.untrustedWorkspaces.restrictedConfigurations;
  expect(ofWorkspaces.map(([name]) => name).filter((name) => !ignored.includes(name))).toEqual([]);
});
