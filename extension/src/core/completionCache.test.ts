import { expect, test } from 'vitest';
import { CompletionCache } from './completionCache.ts';

const key = (prefix: string, suffix = '', document = 'a.ts') => ({ document, prefix, suffix });

test('typing along a suggestion finds its rest', () => {
  const cache = new CompletionCache();
  cache.add(key('const a = '), 'foo(bar)');
  expect(cache.find(key('const a = '))).toBe('foo(bar)');
  expect(cache.find(key('const a = foo('))).toBe('bar)');
});

test('typing something else misses, going back hits again', () => {
  const cache = new CompletionCache();
  cache.add(key('const a = '), 'foo(bar)');
  expect(cache.find(key('const a = fx'))).toBeUndefined();
  expect(cache.find(key('const a = f'))).toBe('oo(bar)');
});

test('a suggestion that was typed to its end is over', () => {
  const cache = new CompletionCache();
  cache.add(key('a'), 'bc');
  expect(cache.find(key('abc'))).toBeUndefined();
});

test('another document or other text behind the cursor misses', () => {
  const cache = new CompletionCache();
  cache.add(key('x = ', ')'), '1');
  expect(cache.find(key('x = ', '', 'a.ts'))).toBeUndefined();
  expect(cache.find(key('x = ', ')', 'b.ts'))).toBeUndefined();
});

test('a window that slid is the same place', () => {
  const cache = new CompletionCache();
  const far = 'y'.repeat(3000);
  cache.add(key(`line 1\n${far}`), 'abc');
  expect(cache.find(key(`${far}a`))).toBe('bc');
});

test('the oldest unused entry goes first', () => {
  const cache = new CompletionCache(2);
  cache.add(key('1'), 'a');
  cache.add(key('2'), 'b');
  cache.find(key('1'));
  cache.add(key('3'), 'c');
  expect(cache.find(key('2'))).toBeUndefined();
  expect(cache.find(key('1'))).toBe('a');
});

test('nothing is left after another model was loaded', () => {
  const cache = new CompletionCache();
  cache.add(key('1'), 'a');
  cache.clear();
  expect(cache.find(key('1'))).toBeUndefined();
});
