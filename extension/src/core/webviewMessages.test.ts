import { expect, test } from 'vitest';
import { openableLink, parseRequest } from './webviewMessages.ts';

const message = (method: string, params: unknown, more: object = {}) => ({ v: 1, id: 1, method, params, ...more });

test('a request of ours passes', () => {
  expect(parseRequest(message('chat/send', { sessionId: 's', text: 't', attachSelection: false }))).toMatchObject({
    id: 1,
    method: 'chat/send',
  });
  expect(parseRequest(message('memory/delete', { ids: [1, 2] }))).toBeDefined();
  expect(parseRequest(message('chat/memories', { ids: ['a'] }))).toBeDefined();
});

test.each([
  null,
  'text',
  message('chat/send', { sessionId: 's', text: 1, attachSelection: false }),
  message('chat/send', { sessionId: 's', text: 't' }),
  message('memory/delete', { ids: ['1'] }),
  message('memory/delete', {}),
  message('chat/memories', { ids: [1] }),
  message('chat/memories', { ids: Array.from({ length: 101 }, () => 'a') }),
  message('chat/forget', {}),
  message('memory/mode', { mode: 'everything' }),
  message('memory/editCard', { id: 'a', statement: 'b' }),
  message('memory/forgetCard', { id: ['a'] }),
  message('adapters/answer', { prompt: 'p', adapter: 1 }),
  message('constructor', {}),
  message('chat/load', []),
  message('chat/load', {}, { v: 2 }),
  message('chat/load', {}, { id: 'x' }),
  message('code/insert', { code: 'x'.repeat(5_000_000) }),
])('anything else does not', (value) => {
  expect(parseRequest(value)).toBeUndefined();
});

test('only web and mail addresses can be opened', () => {
  expect(openableLink('https://example.com/a b')).toBe('https://example.com/a%20b');
  expect(openableLink('mailto:a@example.com')).toBe('mailto:a@example.com');
  for (const href of [
    'javascript:alert(1)',
    'file:///etc/passwd',
    'command:zell.clearMemory',
    'vscode://x/y',
    'a b',
    '',
  ])
    expect(openableLink(href)).toBeUndefined();
});
