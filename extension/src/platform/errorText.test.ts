import { expect, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import { explainError } from './errorText.ts';

test('codes become plain words, numbers follow', () => {
  expect(explainError(new ZellError('engine_crashed', 'SIGSEGV'))).toContain('being restarted');
  expect(explainError(new ZellError('context_overflow', '9000 of 8192 tokens'))).toContain('(9000 of 8192 tokens)');
  expect(explainError(new Error('anything'))).toBe('anything');
});
