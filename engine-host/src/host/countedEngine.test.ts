import { expect, test } from 'vitest';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { EventQueue } from '../engineClient/eventQueue.ts';
import { countedEngine } from './countedEngine.ts';
import type { HostEngine } from './hostEngine.ts';

const REQUEST = {} as GenerateRequest;
const NEVER = new AbortController().signal;
const ACCEPTED: GenerateEvent = { type: 'accepted', promptTokens: 1, cachedTokens: 0 };
const FAILED: GenerateEvent = { type: 'failed', error: { code: 'busy', message: 'Busy.' } };

function setUp() {
  const counts: number[] = [];
  const queues: EventQueue[] = [];
  const left: string[] = [];
  const engine = {
    generate: () => {
      const queue = new EventQueue(() => left.push('left'));
      queues.push(queue);
      return queue;
    },
  } as unknown as HostEngine;
  return { counts, queues, left, engine: countedEngine(engine, (n) => counts.push(n)) };
}

test('a request counts from its first reading to its last event', async () => {
  const { counts, queues, engine } = setUp();
  const events = engine.generate(REQUEST, NEVER)[Symbol.asyncIterator]();
  expect([counts, queues]).toEqual([[], []]);
  const first = events.next();
  expect(counts).toEqual([1]);
  queues[0]?.push(ACCEPTED);
  queues[0]?.push(FAILED);
  expect([(await first).value, (await events.next()).value]).toEqual([ACCEPTED, FAILED]);
  expect((await events.next()).done).toBe(true);
  expect((await events.next()).done).toBe(true);
  expect(counts).toEqual([1, 0]);
});

test('who leaves early is counted once and tells the engine; who never reads leaves nothing behind', async () => {
  const { counts, queues, left, engine } = setUp();
  const read = engine.generate(REQUEST, NEVER)[Symbol.asyncIterator]();
  const first = read.next();
  queues[0]?.push(ACCEPTED);
  await first;
  await read.return?.();
  await read.return?.();
  expect([counts, left]).toEqual([[1, 0], ['left']]);
  const unread = engine.generate(REQUEST, NEVER)[Symbol.asyncIterator]();
  await unread.return?.();
  expect((await unread.next()).done).toBe(true);
  expect([counts, queues.length]).toEqual([[1, 0], 1]);
});
