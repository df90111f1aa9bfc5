import { expect, test } from 'vitest';
import type { ChatTurn } from '#protocol/webview.ts';
import { toMessages } from './chatPrompt.ts';
import { addTurn, beforeLastAnswer, emptySession, parseSession, serializeSession } from './chatSession.ts';

const user = (id: string, text: string): ChatTurn => ({ id, role: 'user', text, state: 'done' });
const reply = (id: string, text: string, state: ChatTurn['state'] = 'done'): ChatTurn => ({
  id,
  role: 'assistant',
  text,
  state,
});
const chat = (...turns: ChatTurn[]) => turns.reduce((session, turn) => addTurn(session, turn, 2), emptySession('s', 1));

test('the first question is the title', () => {
  expect(chat(user('1', 'How  do\nI sort?'), reply('2', 'So.'), user('3', 'And then?')).title).toBe('How do I sort?');
  expect(chat(user('1', 'x'.repeat(200))).title).toHaveLength(60);
});

test('a session survives its file; an answer that was streaming is stopped', () => {
  const session = chat(user('1', 'a'), reply('2', 'b', 'streaming'));
  const read = parseSession(serializeSession(session));
  expect(read?.turns[1]).toEqual(reply('2', 'b', 'stopped'));
  expect(read?.turns[0]).toEqual(session.turns[0]);
});

test.each([
  '',
  '[]',
  '{"id":"x"}',
  '{"id":"x","title":"t","updatedAt":1,"turns":[]}',
  '{"v":1,"id":"x","title":"t","updatedAt":1,"turns":[{"role":"system"}]}',
])('no session in %s', (text) => {
  expect(parseSession(text)).toBeUndefined();
});

test('a file that was cut or changed anywhere is a session or nothing, never an exception', () => {
  const bytes = Buffer.from(serializeSession(chat(user('1', 'ä'), reply('2', 'b'))));
  for (let at = 0; at < bytes.length; at++) {
    expect(parseSession(bytes.subarray(0, at).toString())).toBeUndefined();
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 0x15;
    const read = parseSession(flipped.toString());
    expect(read === undefined || Array.isArray(read.turns)).toBe(true);
  }
});

test('memories of an answer are kept by their ids, and nothing else in their place', () => {
  const answer = { ...reply('2', 'b'), memories: ['0123456789abcdef'] };
  expect(parseSession(serializeSession(chat(user('1', 'a'), answer)))?.turns[1]).toEqual(answer);
  const damaged = serializeSession(chat(answer)).replace('0123456789abcdef', 'Your manager is Priya.');
  expect(parseSession(damaged)?.turns[0]).toEqual(reply('2', 'b'));
});

test('asking again drops the last answer only', () => {
  const session = chat(user('1', 'a'), reply('2', 'b'), user('3', 'c'), reply('4', '', 'failed'));
  expect(beforeLastAnswer(session)?.turns.map(({ id }) => id)).toEqual(['1', '2', '3']);
  expect(beforeLastAnswer(emptySession('s', 1))).toBeUndefined();
});

test('messages alternate; a question without an answer is left out', () => {
  const session = chat(user('1', 'a'), reply('2', '', 'failed'), user('3', 'b'), reply('4', 'B'), user('5', 'c'));
  expect(toMessages(session, 'Be brief.')).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'b' },
    { role: 'assistant', content: 'B' },
    { role: 'user', content: 'c' },
  ]);
});

test('attached code cannot close its fence', () => {
  const turn: ChatTurn = { ...user('1', 'Explain'), attachment: { label: 'a.md:1-3', text: '```\ncode\n```' } };
  expect(toMessages(chat(turn), '')[0]?.content).toBe('Explain\n\na.md:1-3:\n````\n```\ncode\n```\n````');
});
