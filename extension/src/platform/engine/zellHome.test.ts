import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { zellHome } from './zellHome.ts';

test('the setting wins over the environment, which wins over the home folder', () => {
  expect(zellHome('/a', { ZELL_HOME: '/b' })).toBe(path.resolve('/a'));
  expect(zellHome('', { ZELL_HOME: '/b' })).toBe(path.resolve('/b'));
  expect(zellHome('', {})).toBe(path.join(os.homedir(), '.zell'));
  expect(zellHome('~/z', {})).toBe(path.join(os.homedir(), 'z'));
});
