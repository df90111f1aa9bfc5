import { expect, test } from 'vitest';
import { maySend } from './documents.ts';

test('only documents that people edit are sent', () => {
  expect(maySend('file', '/a/b.ts')).toBe(true);
  expect(maySend('untitled', 'Untitled-1')).toBe(true);
  expect(maySend('output', 'extension-output')).toBe(false);
  expect(maySend('git', '/a/b.ts')).toBe(false);
  expect(maySend('file', '/a/.env')).toBe(false);
});
