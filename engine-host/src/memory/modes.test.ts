import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Memory } from './memory.ts';
import { openTestMemory } from './testMemory.ts';

const MODEL = '0123456789abcdef';
const DAY = 86_400_000;
const never = new AbortController().signal;

let home: string;
let now: number;
let memory: Memory;
beforeEach(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'zell-modes-'));
  now = 20_000 * DAY;
  memory = await openTestMemory(home, { now: () => now });
});
afterEach(async () => {
  await memory.close();
  rmSync(home, { recursive: true, force: true });
});

async function say(content: string, more: object = {}): Promise<number | undefined> {
  const messages = [{ role: 'user' as const, content }];
  const origin = { kind: 'editor' as const };
  const id = await memory.record({ model: MODEL, messages, response: `re ${content}`, tokens: 1, origin, ...more });
  now += 3_600_000;
  return id;
}
/** Every file below the home with its text. */
const files = (): string[] =>
  readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /jsonl/.test(file) && !file.endsWith('.lock'),
  );
const onDisk = (): string =>
  files()
    .map((file) => readFileSync(path.join(home, file), 'utf8'))
    .join('\n');
const accepted = (inserted: string): void =>
  memory.completionAccepted({ prefixTail: 'let sum', inserted, languageId: 'typescript' }, MODEL);
const modes = (): unknown[] =>
  onDisk()
    .split('\n')
    .filter((line) => line.includes('"memory.mode"'))
    .map((line) => (JSON.parse(line) as { data: unknown }).data);

test('off: no path leaves anything on the disk, and nothing is recalled', async () => {
  await say('My manager is Priya.');
  await memory.choose({ mode: 'off' });
  expect(await say('Our staging server is called pumpkin.')).toBeUndefined();
  memory.exchange({
    model: MODEL,
    messages: [{ role: 'user', content: 'pumpkin' }],
    response: 'pumpkin',
    tokens: 1,
    origin: { kind: 'api' },
  });
  accepted(' = pumpkin;');
  expect(await memory.mayKeep(['pumpkin'])).toBe(false);
  expect(await memory.recall({ question: 'Who is my manager?' })).toBeUndefined();
  await memory.close();
  expect(onDisk()).not.toContain('pumpkin');
  memory = await openTestMemory(home, { now: () => now });
  expect((await memory.list({ limit: 10 }, MODEL)).events).toHaveLength(1);
});

test('log only: recorded, listed and deletable; never dreamt, recalled or handed to training, whatever is chosen later', async () => {
  await memory.choose({ mode: 'log' });
  const told = (await say('My manager is Priya.'))!;
  accepted(' = a + b;');
  await memory.choose({ mode: 'learn' });
  const learnt = (await say('Our staging server is called pumpkin.'))!;
  // A single request may ask for it, too.
  const asked = (await say('My dog is called Biscuit.', { learn: false }))!;
  expect((await memory.list({ limit: 10 }, MODEL)).events).toHaveLength(4);
  expect(await memory.recall({ question: 'my manager and my dog' })).toBeUndefined();
  const log = memory.forModel(MODEL);
  expect(log.closedConversations().flatMap(({ events }) => events)).toEqual([learnt]);
  expect((await log.fetchUnconsolidated(10)).map((event) => event.event_id)).toEqual([learnt]);
  expect(await memory.dream(never)).toEqual({ conversations: 1, cards: 1 });
  expect(memory.cards().map((card) => card.value)).toEqual(['pumpkin']);
  expect(await memory.status(MODEL)).toMatchObject({ events: 4, unconsolidated: 1, closedWaiting: 1 });
  // After a restart just the same.
  await memory.close();
  memory = await openTestMemory(home, { now: () => now });
  expect((await memory.forModel(MODEL).fetchUnconsolidated(10)).map((event) => event.event_id)).toEqual([learnt]);
  expect((await memory.forget({ ids: [told, asked] })).ids).toEqual([told, asked]);
  expect(onDisk()).not.toMatch(/Priya|Biscuit/);
});

test('one conversation in both modes: only what may be learnt is', async () => {
  await say('My manager is Priya.', { learn: false });
  const messages = [
    { role: 'user' as const, content: 'My manager is Priya.' },
    { role: 'assistant' as const, content: 're My manager is Priya.' },
    { role: 'user' as const, content: 'Our staging server is called pumpkin.' },
  ];
  await memory.record({ model: MODEL, messages, response: 'ok', tokens: 1, origin: { kind: 'editor' } });
  now += 3_600_000;
  await memory.dream(never);
  expect(memory.cards().map((card) => card.value)).toEqual(['pumpkin']);
  expect((await memory.list({ limit: 10 }, MODEL)).conversations).toHaveLength(1);
});

test('a change of mode is an event; the same again is none', async () => {
  await memory.choose({ mode: 'log' });
  await memory.choose({ mode: 'log' });
  await memory.choose({ paused: { until: now + 900_000 } });
  await memory.choose({ recall: false });
  await memory.choose({ paused: undefined });
  await memory.choose({ mode: 'off' });
  const paused = { until: now + 900_000 };
  expect(modes()).toEqual([
    { v: 1, mode: 'log' },
    { v: 1, mode: 'log', paused },
    { v: 1, mode: 'log' },
    { v: 1, mode: 'off' },
  ]);
});

test('texts go after thirty days while the host runs, learnt or not; what was learnt of them stays', async () => {
  await say('My manager is Priya.');
  await memory.dream(never);
  await say('Tell me about otters.');
  writeFileSync(path.join(home, 'conversations', MODEL, '20000.jsonl.17.quarantine'), 'otters, torn');
  now = 20_025 * DAY - 1;
  expect((await memory.status(MODEL)).expiring).toBeUndefined();
  now = 20_026 * DAY;
  expect((await memory.status(MODEL)).expiring).toEqual({ events: 2, at: 20_031 * DAY });
  now = 20_031 * DAY - 1;
  expect(await memory.sweep()).toBe(0);
  expect(onDisk()).toContain('otters');
  now += 1;
  await memory.sweep();
  expect(onDisk()).not.toContain('otters');
  expect(onDisk().match(/"prompt":"[^"]/g)).toBeNull();
  expect((await memory.list({ limit: 10 }, MODEL)).events).toEqual([]);
  expect(await memory.status(MODEL)).toMatchObject({ events: 0, unconsolidated: 0, conversations: 0 });
  expect(memory.cards().map((card) => card.value)).toEqual(['Priya']);
  expect((await memory.recall({ question: 'Who is my manager?' }))!.cards).toHaveLength(1);
});
