import { expect, test } from 'vitest';
import { parseHostArguments, parsePort } from './hostArguments.ts';
import { isNewer } from './version.ts';

test('nothing given means loopback, for the editor', () => {
  expect(parseHostArguments([], {})).toEqual({ lifetime: 'editor', host: '127.0.0.1' });
});

test('only loopback may be open without a key', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1'])
    expect(parseHostArguments(['--host', host], {}).host).toBe(host);
  for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.evil.example', ''])
    expect(() => parseHostArguments(['--host', host], {})).toThrow('--api-key');
  expect(parseHostArguments(['--host', '0.0.0.0'], { ZELL_API_KEY: 'k' }).apiKey).toBe('k');
});

test('wrong arguments are said, not guessed', () => {
  for (const argv of [['--port', 'x'], ['--port', '70000'], ['--port', '-1'], ['--lifetime', 'long'], ['--what']])
    expect(() => parseHostArguments(argv, {})).toThrow();
  expect(parsePort('0')).toBe(0);
});

test('keys and values are kept as one of the known types', () => {
  for (const type of ['auto', 'f16', 'q8_0', 'q8q4', 'q4_0'])
    expect(parseHostArguments(['--kv-type', type], {}).kvType).toBe(type);
  expect(() => parseHostArguments(['--kv-type', 'q8'], {})).toThrow('--kv-type is one of auto, f16, q8_0, q8q4, q4_0.');
  expect(parseHostArguments(['--weights', 'mapped'], {}).weights).toBe('mapped');
  expect(() => parseHostArguments(['--weights', 'x'], {})).toThrow('--weights is auto, mapped or resident.');
  expect(parseHostArguments(['--draft', 'off'], {}).draft).toBe('off');
  expect(() => parseHostArguments(['--draft', '3'], {})).toThrow('--draft is auto or off.');
});

test('a memory limit is bytes, or so many K, M or G', () => {
  expect(parseHostArguments(['--memory-limit', '123456'], {}).memoryLimit).toBe(123_456);
  expect(parseHostArguments(['--memory-limit', '300M'], {}).memoryLimit).toBe(300 * 1024 ** 2);
  expect(parseHostArguments(['--memory-limit', '8g'], {}).memoryLimit).toBe(8 * 1024 ** 3);
  for (const wrong of ['0', '', 'x', '8T', '-1', '1.5G', '999999999999G'])
    expect(() => parseHostArguments([`--memory-limit=${wrong}`], {})).toThrow('--memory-limit is a number of bytes');
});

test('versions compare by number', () => {
  expect(isNewer('0.10.0', '0.9.9')).toBe(true);
  expect(isNewer('0.1.0', '0.1.0')).toBe(false);
  expect(isNewer('0.1.0-dev', '0.1.0')).toBe(false);
  expect(isNewer('nonsense', '0.1.0')).toBe(false);
});
