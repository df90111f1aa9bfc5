import { expect, test } from 'vitest';
import { healEnd } from './healEnd.ts';

test('the last space goes out of the prompt and out of the answer', () => {
  const end = healEnd('def f():\n    return ');
  expect(end.prompt).toBe('def f():\n    return');
  expect(end.restore(' a + b')).toBe('a + b');
  expect(end.restore('  a')).toBe(' a');
});

test('an indentation keeps all but its last space', () => {
  const end = healEnd('def f():\n    ');
  expect(end.prompt).toBe('def f():\n   ');
  expect(end.restore(' pass')).toBe('pass');
  expect(end.restore('pass')).toBe('pass');
});

test('an answer that goes on with the word before the space is none', () => {
  expect(healEnd('return ').restore('s x')).toBe('');
  expect(healEnd('x = ').restore('1')).toBe('1');
});

test('without a space, and with nothing but one, everything stays', () => {
  expect(healEnd('foo(')).toMatchObject({ prompt: 'foo(' });
  expect(healEnd(' ')).toMatchObject({ prompt: ' ' });
  expect(healEnd('\t')).toMatchObject({ prompt: '\t' });
  expect(healEnd('foo(').restore(' a')).toBe(' a');
});
