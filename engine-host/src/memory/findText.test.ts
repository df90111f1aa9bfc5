import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { testLock } from '../store/testLock.ts';
import { Memory } from './memory.ts';

let home: string;
let memory: Memory;
let now = 20_000 * 86_400_000;

beforeEach(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'zell-find-'));
  memory = await Memory.open({
    conversations: path.join(home, 'conversations'),
    memory: path.join(home, 'memory'),
    lock: testLock(),
    redaction: {
      redactor: {
        redact: (texts) => Promise.resolve(texts.map((text) => ({ text, counts: {} }))),
        close: () => Promise.resolve(),
      },
    },
    onProblem: () => undefined,
    now: () => now,
  });
});
afterEach(async () => {
  await memory.close();
  rmSync(home, { recursive: true, force: true });
});

async function say(content: string, response: string): Promise<number> {
  const id = await memory.record({
    model: '0123456789abcdef',
    messages: [{ role: 'user', content }],
    response,
    tokens: 1,
    origin: { kind: 'editor' },
  });
  now += 3_600_000;
  return id ?? 0;
}

test('a text is found in questions and answers whatever its case and spaces, newest first, and the cards about it come first', async () => {
  const first = await say('My manager is Priya Raman.', 'Noted.');
  const second = await say('Who leads us?', 'I think  PRIYA\nRaman does.');
  await say('Our billing service runs in Frankfurt.', 'Fine.');
  await memory.dream(new AbortController().signal);
  const { cards, events } = await memory.find('priya raman');
  expect(events.map(({ event_id }) => event_id)).toEqual([second, first]);
  expect(cards.map(({ value }) => value)).toEqual(['Priya Raman']);
  // A whole sentence that holds the value finds the card, too.
  expect((await memory.find('I told you: it is Priya Raman!')).cards).toHaveLength(1);
  expect((await memory.find('I told you: it is Priya Raman!')).events).toEqual([]);
  expect(await memory.find('  ')).toEqual({ cards: [], events: [] });

  const conversation = events[1]?.conversation ?? '';
  expect((await memory.conversation(conversation)).map(({ prompt }) => prompt)).toEqual(['My manager is Priya Raman.']);
  await memory.forget({ cards: cards.map(({ id }) => id) });
  expect((await memory.find('priya raman')).events.map(({ event_id }) => event_id)).toEqual([second]);
});

test('only so much is listed, however often it was said', async () => {
  for (let i = 0; i < 230; i++) await say(`Number ${i}: the same words`, 'Yes.');
  expect((await memory.find('the same words')).events).toHaveLength(200);
});
