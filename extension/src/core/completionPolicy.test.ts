import { expect, test } from 'vitest';
import { decide, type CursorContext } from './completionPolicy.ts';

const at = (text: string, more: Partial<CursorContext> = {}): CursorContext => {
  const [linePrefix = '', lineSuffix = ''] = text.split('|');
  return { languageId: 'typescript', linePrefix, lineSuffix, automatic: true, multiLine: 'auto', ...more };
};

test.each([
  ['  |', 'block'],
  ['function a() {|', 'block'],
  ['const f = (x) =>|', 'block'],
  ['if (a) {|}', 'block'],
  ['const a = |', 'line'],
  ['foo(|)', 'line'],
  ['// explain |', 'line'],
  ['const x = | + 1', 'line'],
])('%s asks for a %s', (text, shape) => {
  expect(decide(at(text))).toEqual({ ask: true, shape });
});

test('a colon opens a block in Python', () => {
  expect(decide(at('def f(x):|', { languageId: 'python' }))).toEqual({ ask: true, shape: 'block' });
});

test('a block whose body is there already needs only its line', () => {
  expect(decide(at('if (a) {|', { nextLine: '  run();' }))).toEqual({ ask: true, shape: 'line' });
});

test('prose and hash comments are completed by the line', () => {
  expect(decide(at('|', { languageId: 'markdown' }))).toEqual({ ask: true, shape: 'line' });
  expect(decide(at('    # loop:|', { languageId: 'python' }))).toEqual({ ask: true, shape: 'line' });
});

test('nothing is asked inside a word', () => {
  expect(decide(at('con|st a'))).toEqual({ ask: false, reason: 'inside_word' });
});

test('text behind the cursor silences only what was not asked for', () => {
  expect(decide(at('const a = | + someOtherThing()'))).toEqual({ ask: false, reason: 'text_behind_cursor' });
  expect(decide(at('const a = | + someOtherThing()', { automatic: false }))).toEqual({ ask: true, shape: 'line' });
});

test('the setting wins over the context', () => {
  expect(decide(at('  |', { multiLine: 'never' }))).toEqual({ ask: true, shape: 'line' });
  expect(decide(at('const a = |', { multiLine: 'always' }))).toEqual({ ask: true, shape: 'block' });
});
