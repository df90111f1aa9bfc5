import path from 'node:path';
import { expect, test } from 'vitest';
import { checkAdapters, collectAdapter, parseAdapter } from './adapterOption.ts';

test('a file, and a number after its last colon', () => {
  const file = path.resolve('a.gguf');
  expect(parseAdapter('a.gguf')).toEqual({ path: file, scale: 1 });
  for (const [text, scale] of [
    ['0.5', 0.5],
    ['-1', -1],
    ['+2.25', 2.25],
    ['.5', 0.5],
    ['0', 0],
  ] as const)
    expect(parseAdapter(`a.gguf:${text}`)).toEqual({ path: file, scale });
  for (const odd of ['a:b.gguf', 'a.gguf:', 'a.gguf:x', 'a.gguf:1e3', 'a.gguf:1:x'])
    expect(parseAdapter(odd)).toEqual({ path: path.resolve(odd), scale: 1 });
  expect(parseAdapter('a:1:2').path).toBe(path.resolve('a:1'));
});

test('it may be given several times, and a file that is not there is said at once', async () => {
  const both = collectAdapter('b:2', collectAdapter('a', undefined));
  expect(both.map((a) => a.scale)).toEqual([1, 2]);
  await expect(checkAdapters(both)).rejects.toMatchObject({ code: 'not_found' });
  await expect(checkAdapters(undefined)).resolves.toEqual([]);
});
