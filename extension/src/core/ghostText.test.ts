import { expect, test } from 'vitest';
import { tidyGhostText, type Place } from './ghostText.ts';

const line = (prefix: string, suffix = ''): Place => ({ shape: 'line', prefix, suffix });
const block = (prefix: string, suffix = ''): Place => ({ shape: 'block', prefix, suffix });

test('a line ends with the line', () => {
  expect(tidyGhostText('1;\nconst b = 2;', line('const a = '))).toBe('1;');
});

test('control tokens and fences end the text', () => {
  expect(tidyGhostText('1;<|im_end|>\nmore', block('const a = '))).toBe('1;');
  expect(tidyGhostText('x\n```\nexplanation', block('const a = '))).toBe('x');
  expect(tidyGhostText('<|endoftext|>', line('a'))).toBeUndefined();
});

test('what stands behind the cursor is not said twice', () => {
  expect(tidyGhostText('a, b)', line('foo(', ')'))).toBe('a, b');
  expect(tidyGhostText('  run();\n}', block('if (a) {\n', '\n}\n'))).toBe('  run();');
});

test('a body between braces of one line ends with a line break', () => {
  expect(tidyGhostText('\n  run();\n}\n', block('if (a) {', '}'))).toBe('\n  run();\n');
});

test('indentation that the editor has made is not made again', () => {
  // A byte-pair vocabulary has the token " return": behind four spaces of the editor it made five.
  expect(tidyGhostText(' return a - b', block('def f(a, b):\n    '))).toBe('return a - b');
  expect(tidyGhostText('    return a - b', block('def f(a, b):\n    '))).toBe('return a - b');
  expect(tidyGhostText('  return a - b', block('def f(a, b):\n'))).toBe('  return a - b');
  expect(tidyGhostText(' + b', line('c = a'))).toBe(' + b');
});

test('a block ends where the indentation goes back', () => {
  expect(tidyGhostText('\n  return 1;\n}\n\nfunction b() {}', block('function a() {'))).toBe('\n  return 1;\n}');
  expect(tidyGhostText('return 1\n\nprint(a())', block('def a():\n    '))).toBe('return 1');
});

test('else belongs to its block', () => {
  expect(tidyGhostText('\n  a();\n} else {\n  b();\n}\nc();', block('if (x) {'))).toBe('\n  a();\n} else {\n  b();\n}');
});

test('a loop is said once', () => {
  expect(tidyGhostText('push(1);\npush(1);\npush(1);', block(''))).toBe('push(1);');
});

test('the line above or below said again is nothing', () => {
  expect(tidyGhostText('import b from "b";', line('import b from "b";\n'))).toBeUndefined();
  expect(tidyGhostText('return total;', line('  ', '\n  return total;\n'))).toBeUndefined();
});

test('white space alone is nothing', () => {
  expect(tidyGhostText('  \n \n', block('a'))).toBeUndefined();
});
