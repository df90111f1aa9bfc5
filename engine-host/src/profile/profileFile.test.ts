import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Profile } from '#protocol/profile.ts';
import { isProfile } from './checkProfile.ts';
import { findProfile, profileFile, readProfile, writeProfile } from './profileFile.ts';
import { testProfile } from './testProfile.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'zell-profiles-'))));
afterEach(() => rm(folder, { recursive: true }));

test('a profile comes back as it was written, for its owner alone, and is found by its model’s file', async () => {
  const file = profileFile(path.join(folder, 'new'), 'big');
  await writeProfile(file, testProfile());
  expect(await readProfile(file)).toEqual(testProfile());
  if (process.platform !== 'win32') {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
  }
  expect((await findProfile(path.dirname(file), '/m/big.gguf'))?.file).toBe(file);
  expect(await findProfile(path.dirname(file), '/m/other.gguf')).toBeUndefined();
  expect(await findProfile(path.join(folder, 'absent'), '/m/big.gguf')).toBeUndefined();
  expect(await readProfile(path.join(folder, 'absent.json'))).toBeUndefined();
});

test('no name of a model leaves the folder', () => {
  for (const name of ['../../x', '/etc/passwd', '.hidden', '-rf', '', 'a\0b', 'ü'.repeat(500), 'con: a*b?'])
    expect(profileFile(folder, name)).toMatch(/[\\/][A-Za-z0-9_][A-Za-z0-9._-]{0,110}\.json$/);
  expect(path.dirname(profileFile(folder, '../../x'))).toBe(folder);
});

test('what is damaged, hostile or of another version is said to be so, and found by nobody', async () => {
  const file = profileFile(folder, 'big');
  const good = JSON.stringify(testProfile());
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    good.slice(0, -2),
    good.replace('"v":1', '"v":2'),
    'x'.repeat(5 * 2 ** 20),
  ]) {
    await writeFile(file, text);
    await expect(readProfile(file)).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('zell build') as string,
    });
    expect(await findProfile(folder, '/m/big.gguf')).toBeUndefined();
  }
  expect(await readFile(file, 'utf8')).toContain('x');
  if (process.platform !== 'win32' && process.getuid?.() !== 0) {
    await chmod(file, 0);
    await expect(readProfile(file)).rejects.toMatchObject({ code: 'io' });
  }
});

const good = testProfile();
const wrong: readonly [string, (profile: Record<string, unknown>) => unknown][] = [
  ['a negative speed', (p) => ({ ...p, prediction: { ...good.prediction, tokensPerSecond: -1 } })],
  ['no number', (p) => ({ ...p, correction: { ...good.correction, answers: 'NaN' } })],
  ['no readers', (p) => ({ ...p, experts: { readers: 0 } })],
  ['a thousand readers', (p) => ({ ...p, experts: { readers: 1000 } })],
  ['an unknown strategy', (p) => ({ ...p, strategy: 'hope' })],
  ['control characters', (p) => ({ ...p, choices: [{ what: 'a', value: '\u001b[2J', reason: '' }] })],
  ['a text without end', (p) => ({ ...p, choices: [{ what: 'a', value: 'b', reason: 'x'.repeat(5000) }] })],
  ['too many layers', (p) => ({ ...p, uses: Array.from({ length: 2000 }, () => ({ tokens: 1, experts: [] })) })],
  ['another hash', (p) => ({ ...p, model: { ...good.model, modelHash: '../../../../etc' } })],
  ['a list for a record', (p) => ({ ...p, machine: [] })],
  ['no plan', ({ plan: _, ...p }) => p],
];
test.each(wrong)('%s is no profile', (_, change) => {
  expect(isProfile(good)).toBe(true);
  expect(isProfile(change({ ...(good as Profile & Record<string, unknown>) }))).toBe(false);
});
