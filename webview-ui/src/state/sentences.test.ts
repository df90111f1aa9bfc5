import { expect, test } from 'vitest';
import { SentenceBuffer } from './sentences.ts';

test('only whole sentences are said', () => {
  const buffer = new SentenceBuffer();
  expect(buffer.push('Hello **wor')).toBe('');
  expect(buffer.push('ld**. How are')).toBe('Hello world .');
  expect(buffer.push(' you')).toBe('');
  expect(buffer.flush()).toBe('How are you');
});

test('a line is a sentence, a number with a point is not the end of one', () => {
  const buffer = new SentenceBuffer();
  expect(buffer.push('- first\n- se')).toBe('- first');
  expect(buffer.push('cond 3.5 GB')).toBe('');
});
