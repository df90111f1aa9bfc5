import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChainMessage } from './conversationChain.ts';
import type { Memory } from './memory.ts';
import type { MemoryOptions, RecordedExchange } from './memoryTypes.ts';
import type { MemoryEvent } from '#protocol/memory.ts';
import { openTestMemory } from './testMemory.ts';

const MODEL = '0123456789abcdef';
const OTHER = 'fedcba9876543210';
const HOUR = 3_600_000;

let home: string;
let now: number;
let problems: unknown[];
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'zell-memory-'));
  now = 20_000 * 24 * HOUR;
  problems = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function open(more: Partial<MemoryOptions> = {}): Promise<Memory> {
  return openTestMemory(home, { onProblem: (error) => problems.push(error), now: () => now, ...more });
}

function exchange(
  history: readonly string[],
  response: string,
  more: Partial<RecordedExchange> = {},
): RecordedExchange {
  const messages = history.map((content, i): ChainMessage => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));
  return { model: MODEL, messages, response, tokens: 2, origin: { kind: 'api' }, ...more };
}

async function readEvents(): Promise<MemoryEvent[]> {
  const memory = await open();
  const { events } = await memory.list({ limit: 100 }, MODEL);
  await memory.close();
  return events.reverse();
}

test('an accepted completion: what stands around it without its secrets, its file unnamed', async () => {
  const memory = await open();
  const accepted = { prefixTail: 'let a', inserted: ' = 1;', languageId: 'typescript', fileName: 'src/payroll.ts' };
  memory.completionAccepted(
    { ...accepted, suffixHead: `const key = "AKIAQ7MZP2LXWV4TNB3K";${'x'.repeat(600)}` },
    MODEL,
  );
  memory.completionAccepted({ ...accepted, inserted: ' = 2;' }, MODEL);
  memory.completionAccepted({ ...accepted, inserted: ' = 3;', fileName: 'src/other.ts' }, MODEL);
  await memory.close();
  const [first, second, third] = (await readEvents()).map(({ data }) => data ?? {});
  expect(String(first?.['suffix'])).toContain('⟨secret:');
  expect(String(first?.['suffix']).length).toBeLessThanOrEqual(500);
  expect(second).not.toHaveProperty('suffix');
  expect(first?.['file']).toMatch(/^[0-9a-f]{16}$/);
  expect(second?.['file']).toBe(first?.['file']);
  expect(third?.['file']).not.toBe(first?.['file']);
  expect(JSON.stringify(await readEvents())).not.toMatch(/payroll|AKIAQ7/);
});

test('a client that sends its whole history each turn adds only the new turn', async () => {
  const memory = await open();
  await memory.record(exchange(['hello'], 'hi'));
  await memory.record(exchange(['hello', ' hi\n', 'how are you?'], 'fine'));
  await memory.record(exchange(['hello', 'hi', 'how are you?', 'fine', 'good'], 'yes'));
  const { events, conversations } = await memory.list({ limit: 10 }, MODEL);
  expect(events.map((e) => [e.prompt, e.response])).toEqual([
    ['good', 'yes'],
    ['how are you?', 'fine'],
    ['hello', 'hi'],
  ]);
  expect(conversations).toHaveLength(1);
  expect(conversations[0]).toMatchObject({ title: 'hello', events: 3, closed: false });
  await memory.close();
});

test('the chain is known again after a restart', async () => {
  let memory = await open();
  await memory.record(exchange(['a'], 'b'));
  await memory.close();
  memory = await open();
  await memory.record(exchange(['a', 'b', 'c'], 'd'));
  const { events, conversations } = await memory.list({ limit: 10 }, MODEL);
  expect(events[0]!.prompt).toBe('c');
  expect(conversations).toHaveLength(1);
  await memory.close();
});

test('the same exchange sent twice is one event; a system prompt and tool results are none of it', async () => {
  const memory = await open();
  const messages: ChainMessage[] = [
    { role: 'system', content: 'SYSTEM RULES' },
    { role: 'user', content: 'q' },
    { role: 'tool', content: 'TOOL OUTPUT' },
  ];
  await memory.record(exchange([], 'r', { messages }));
  await memory.record(
    exchange([], 'r', { messages: [{ role: 'system', content: 'OTHER RULES' }, ...messages.slice(1)] }),
  );
  const { events } = await memory.list({ limit: 10 }, MODEL);
  expect(events.map((e) => e.prompt)).toEqual(['q']);
  expect(JSON.stringify(events)).not.toMatch(/RULES|TOOL/);
  await memory.close();
});

test('secrets are redacted before anything reaches the disk', async () => {
  const memory = await open();
  const key = `AKIAQ7MZP2LXWV4TNB3K`;
  await memory.record(exchange([`my key is ${key}`], `you said ${key}`));
  await memory.close();
  const folder = path.join(home, 'conversations', MODEL);
  const text = readdirSync(folder)
    .map((name) => readFileSync(path.join(folder, name), 'utf8'))
    .join('');
  expect(text).not.toContain(key);
  expect(text).toContain('"redacted":{"aws":2}');
});

test('texts may be kept as they are when recording is on and no secret is in them; a failed search finds one', async () => {
  let memory = await open();
  expect(await memory.mayKeep(['be brief', 'be kind'])).toBe(true);
  expect(await memory.mayKeep(['be brief', 'my key is AKIAQ7MZP2LXWV4TNB3K'])).toBe(false);
  await memory.choose({ mode: 'off' });
  expect(await memory.mayKeep(['be brief'])).toBe(false);
  await memory.choose({ mode: 'learn' });
  await memory.close();
  memory = await open({
    redaction: {
      redactor: { redact: () => Promise.reject(new Error('detector broke')), close: () => Promise.resolve() },
    },
  });
  expect(await memory.mayKeep(['be brief'])).toBe(false);
  await memory.close();
});

test('when redaction fails nothing is written and somebody is told', async () => {
  const memory = await open({
    redaction: {
      redactor: { redact: () => Promise.reject(new Error('detector broke')), close: () => Promise.resolve() },
    },
  });
  memory.exchange(exchange(['q'], 'r'));
  await memory.close();
  expect(problems).toHaveLength(1);
  const again = await open();
  expect((await again.status(MODEL)).events).toBe(0);
  await again.close();
});

test('off means off, also after a restart; a damaged switch is off', async () => {
  let memory = await open();
  await memory.choose({ mode: 'off' });
  await memory.record(exchange(['q'], 'r'));
  await memory.close();
  memory = await open();
  expect(await memory.status(MODEL)).toMatchObject({ enabled: false, events: 0 });
  await memory.close();
  writeFileSync(path.join(home, 'memory/settings.json'), '{{');
  memory = await open();
  expect((await memory.status(MODEL)).enabled).toBe(false);
  await memory.choose({ mode: 'learn' });
  await memory.record(exchange(['q'], 'r'));
  expect((await memory.status(MODEL)).events).toBe(1);
  await memory.close();
});

test('consolidation is derived for each model', async () => {
  const memory = await open();
  const mine = memory.forModel(MODEL, () => 0);
  const theirs = memory.forModel(OTHER);
  const ids = [];
  for (const p of ['a', 'b', 'c']) ids.push((await mine.log(p, `re ${p}`, 1))!);
  expect(ids).toEqual([1, 2, 3]);
  await mine.markConsolidated([1, 2]);
  expect(mine.getLatestEventId()).toBe(4);
  expect((await mine.fetchUnconsolidated(10)).map((e) => [e.event_id, e.consolidated])).toEqual([[3, false]]);
  expect((await mine.sampleConsolidated(5)).map((e) => e.event_id).sort()).toEqual([1, 2]);
  expect((await mine.sampleConsolidated(1))[0]!.consolidated).toBe(true);
  // Memories are universal: another model has all of them before it.
  expect((await theirs.fetchUnconsolidated(2)).map((e) => e.event_id)).toEqual([1, 2]);
  expect(await memory.status(MODEL)).toMatchObject({ events: 3, consolidated: 2, unconsolidated: 1, lastEventId: 4 });
  await memory.close();
});

test('conversations close by word or by silence, and wait until consolidated', async () => {
  const memory = await open();
  await memory.record(exchange(['a'], 'b'));
  await memory.record(exchange(['x'], 'y'));
  const { conversations } = await memory.list({ limit: 10 }, MODEL);
  memory.closeConversation(conversations[0]!.id);
  await memory.record(exchange(['z'], 'z'));
  expect((await memory.status(MODEL)).closedWaiting).toBe(1);
  now += HOUR / 2 - 1;
  expect((await memory.status(MODEL)).closedWaiting).toBe(1);
  now += 1;
  expect((await memory.status(MODEL)).closedWaiting).toBe(3);
  const closed = memory.forModel(MODEL).closedConversations();
  expect(closed.map((c) => c.events)).toEqual([[1], [2], [4]]);
  await memory.forModel(MODEL).markConsolidated([1]);
  expect((await memory.status(MODEL)).closedWaiting).toBe(2);
  await memory.close();
});

test('forgetting an event or a conversation, and everything', async () => {
  const memory = await open();
  await memory.record(exchange(['a'], 'b'));
  await memory.record(exchange(['a', 'b', 'c'], 'd'));
  await memory.record(exchange(['other'], 'one'));
  const { conversations } = await memory.list({ limit: 10 }, MODEL);
  const first = conversations.find((c) => c.title === 'a')!;
  expect(await memory.erase({ conversation: first.id })).toBe(2);
  expect((await memory.list({ limit: 10 }, MODEL)).events.map((e) => e.prompt)).toEqual(['other']);
  expect(await memory.erase({ ids: [999] })).toBe(0);
  expect(await memory.clear()).toBe(1);
  expect((await memory.status(MODEL)).events).toBe(0);
  await memory.close();
  const again = await open();
  expect(await again.list({ limit: 10 }, MODEL)).toEqual({ conversations: [], events: [] });
  await again.close();
});

test('what is older than thirty days goes at the start', async () => {
  let memory = await open();
  await memory.record(exchange(['old'], 'x'));
  await memory.close();
  now += 32 * 24 * HOUR;
  memory = await open();
  expect(await memory.status(MODEL)).toMatchObject({ events: 0, lastEventId: 1 });
  expect(await memory.record(exchange(['new'], 'y'))).toBe(2);
  await memory.close();
});

test('an answer that was stopped says so', async () => {
  const memory = await open();
  await memory.record(exchange(['a'], 'half an ans', { stopped: true }));
  await memory.record(exchange(['b'], 'whole'));
  const { events } = await memory.list({ limit: 10 }, MODEL);
  expect(events.map((e) => e.data?.['stopped'])).toEqual([undefined, true]);
  await memory.close();
});

test('accepted completions are events, rejected ones a number', async () => {
  const memory = await open();
  memory.completionAccepted({ prefixTail: 'const a = ', inserted: '1;', languageId: 'typescript' }, MODEL);
  memory.completionRejected();
  await memory.record(exchange(['q'], 'r'));
  const { events } = await memory.list({ limit: 10 }, MODEL);
  expect(events.map((e) => e.type).sort()).toEqual(['chat.turn', 'completion.accepted']);
  expect(memory.rejectedCompletions).toBe(1);
  await memory.close();
});
