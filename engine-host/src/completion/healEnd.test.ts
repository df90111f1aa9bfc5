import { expect, test } from 'vitest';
import { healEnd } from './healEnd.ts';

test('spaces at the end go out of the prompt and out of the answer', () => {
  const end = healEnd('def f():\n    return ');
  expect(end.prompt).toBe('def f():\n    return');
  expect(end.restore(' a + b')).toBe('a + b');
  expect(end.restore('  a')).toBe(' a');
});

test('an indentation is expected from the model, and may differ', () => {
  const end = healEnd('def f():\n    ');
  expect(end.prompt).toBe('def f():\n');
  expect(end.restore('    pass')).toBe('pass');
  expect(end.restore('  pass')).toBe('pass');
});

test('an answer that goes on with the word before the space is none', () => {
  expect(healEnd('return ').restore('s x')).toBe('');
  expect(healEnd('x = ').restore('1')).toBe('1');
});

test('without spaces, and with nothing but spaces, everything stays', () => {
  expect(healEnd('foo(')).toMatchObject({ prompt: 'foo(' });
  expect(healEnd('   ')).toMatchObject({ prompt: '   ' });
  expect(healEnd('foo(').restore(' a')).toBe(' a');
});
