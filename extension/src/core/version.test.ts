import { expect, test } from 'vitest';
import { isNewer } from './version.ts';

test.each([
  ['1.2.3', '1.2.2', true],
  ['1.10.0', '1.9.9', true],
  ['1.2.3', '1.2.3', false],
  ['1.2.2', '1.2.3', false],
  ['1.2.3', '1.2.3-beta', true],
  ['1.2.3-beta', '1.2.3', false],
  ['x', '1.0.0', false],
])('%s newer than %s: %s', (a, b, newer) => {
  expect(isNewer(a, b)).toBe(newer);
});
