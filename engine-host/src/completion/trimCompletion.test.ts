import { describe, expect, test } from 'vitest';
import { trimCompletion } from './trimCompletion.ts';

const line = (prefix: string, suffix: string, text: string): string =>
  trimCompletion(text, { prefix, suffix, shape: 'line' });
const block = (prefix: string, suffix: string, text: string): string =>
  trimCompletion(text, { prefix, suffix, shape: 'block' });

describe('a line', () => {
  test('ends at its line break', () => expect(line('x = ', '', '1\ny = 2')).toBe('1'));
  test('of nothing but spaces is nothing', () => expect(line('x', '', '   \n')).toBe(''));
  test('does not write the rest of the line twice', () => {
    expect(line('foo(', ')', 'a, b)')).toBe('a, b');
    expect(line('const x = ', ' + total;', 'first + total;')).toBe('first');
    expect(line('print("', '")', 'hello")')).toBe('hello');
  });
  test('keeps a bracket that it opened itself', () => expect(line('foo(', ')', 'bar(x)')).toBe('bar(x)'));
  test('keeps a letter that only happens to follow the cursor', () => expect(line('na', 'e', 'me')).toBe('me'));
  test('that repeats the next line is dropped', () => {
    expect(line('  ', '\n  return x;\n', 'return x;')).toBe('');
    expect(line('  ret', '\n\n  return x;\n', 'urn x;')).toBe('');
  });
  test('that repeats the line above is dropped', () => expect(line('import a\n', '', 'import a')).toBe(''));
});

describe('a block', () => {
  test('ends where the text below the cursor begins', () => {
    expect(block('def f():\n', '\ndef g():\n    pass\n', '    return 1\n\ndef g():\n    pass')).toBe('    return 1');
  });
  test('does not loop', () => expect(block('', '', 'a()\nb()\nb()\nb()\nb()')).toBe('a()\nb()'));
  test('has one kind of line break', () => expect(block('{\n', '', 'a\r\nb\r\n')).toBe('a\nb'));
});
