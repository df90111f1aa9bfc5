import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { GenerateEvent } from '#protocol/generation.ts';
import { Delivery, MOST_HELD_MS, type DeliveredEvent } from './delivery.ts';

let now = 0;
let frames: { readonly at: number; readonly events: readonly DeliveredEvent[]; readonly ended: boolean }[] = [];
let delivery: Delivery;

beforeEach(() => {
  vi.useFakeTimers();
  now = 1000;
  frames = [];
  delivery = new Delivery({ now: () => now, send: (events, ended) => frames.push({ at: now, events, ended }) });
});
afterEach(() => {
  vi.useRealTimers();
});

const token = (n: number, text = `${n} `): GenerateEvent => ({ type: 'delta', text, tokens: [n] });
const DONE: GenerateEvent = {
  type: 'done',
  finish: 'length',
  promptTokens: 1,
  cachedTokens: 0,
  completionTokens: 1,
  truncatedTokens: 0,
  timings: { queuedMs: 0, promptMs: 0, decodeMs: 0 },
};

function pass(ms: number): void {
  for (let i = 0; i < ms; i++) {
    now++;
    vi.advanceTimersByTime(1);
  }
}

/** One step's results of these requests. */
function step(ms: number, n: number, ids: readonly number[] = [1], apart = false): void {
  pass(ms);
  for (const id of ids) delivery.add(id, token(n), apart);
  delivery.offer(ms);
}

const tokensOf = (id: number): number[] =>
  frames.flatMap((f) =>
    f.events.flatMap(({ id: of, event }) => (of === id && event.type === 'delta' ? event.tokens : [])),
  );

test('acceptance and first text leave at once, further tokens together and in order, none held for long', () => {
  delivery.add(1, { type: 'accepted', promptTokens: 1, cachedTokens: 0 }, false);
  delivery.offer();
  expect(frames).toHaveLength(1);
  step(5, 0);
  expect(frames).toHaveLength(2);
  const offered = new Map<number, number>();
  for (let n = 1; n <= 60; n++) {
    step(5, n);
    offered.set(n, now);
  }
  pass(MOST_HELD_MS);
  expect(tokensOf(1)).toEqual(Array.from({ length: 61 }, (_, n) => n));
  expect(frames.length).toBeLessThan(2 + 60 / 2);
  for (const { at, events } of frames.slice(2)) {
    expect(events).toHaveLength(1);
    const { event } = events[0]!;
    if (event.type !== 'delta') throw new Error('no delta');
    expect(event.text).toBe(event.tokens.map((n) => `${n} `).join(''));
    expect(at - offered.get(event.tokens[0]!)!).toBeLessThanOrEqual(MOST_HELD_MS);
  }
  expect(vi.getTimerCount()).toBe(0);
});

test('nothing is held when steps take longer than half of the limit: a stream has no longer gaps than without', () => {
  for (const ms of [MOST_HELD_MS + 1, MOST_HELD_MS - 1, MOST_HELD_MS / 2 + 1]) {
    frames = [];
    for (let n = 0; n < 6; n++) step(Math.ceil(ms), n);
    expect(frames).toHaveLength(6);
  }
});

test('before a step that may take long everything leaves', () => {
  step(5, 0);
  step(5, 1);
  expect(frames).toHaveLength(1);
  pass(5);
  delivery.add(1, token(2), false);
  delivery.offer();
  expect(frames.map((f) => f.at)).toEqual([1005, 1015]);
  expect(tokensOf(1)).toEqual([0, 1, 2]);
});

test('a step that takes longer than thought does not hold what came before it', () => {
  step(5, 0);
  step(5, 1);
  step(5, 2);
  expect(frames).toHaveLength(1);
  // Nobody offers anything for a long time.
  pass(200);
  expect(frames.map((f) => f.at)).toEqual([1005, 1005 + MOST_HELD_MS]);
  expect(tokensOf(1)).toEqual([0, 1, 2]);
});

test('an end leaves at once with all tokens before it, its own and those of others', () => {
  step(5, 0, [1, 2]);
  step(5, 1, [1, 2]);
  expect(frames).toHaveLength(1);
  delivery.add(1, DONE, false);
  delivery.offer();
  expect(frames[1]).toMatchObject({ at: now, ended: true });
  expect(frames[1]!.events.map(({ id, event }) => [id, event.type])).toEqual([
    [1, 'delta'],
    [2, 'delta'],
    [1, 'done'],
  ]);
  expect([tokensOf(1), tokensOf(2)]).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect(vi.getTimerCount()).toBe(0);
  // The id is new again: its first text is news.
  step(5, 9, [1]);
  expect(frames).toHaveLength(3);
});

test('a first token without text is no news', () => {
  step(30, 0);
  frames = [];
  pass(5);
  delivery.add(2, token(7, ''), false);
  delivery.offer(5);
  expect(frames).toHaveLength(0);
  pass(5);
  delivery.add(2, token(8, 'é'), false);
  delivery.offer();
  expect(frames[0]!.events).toEqual([{ id: 2, event: { type: 'delta', text: 'é', tokens: [7, 8] } }]);
});

test('tokens that are wanted apart are delivered together, not joined; log-probabilities are joined with their tokens', () => {
  const logprobs = (n: number): GenerateEvent => ({
    type: 'delta',
    text: 'x',
    tokens: [n],
    logprobs: [{ chosen: { token: n, text: 'x', logprob: -1 }, top: [] }],
  });
  step(5, 0, [1, 2], true);
  for (let n = 1; n <= 2; n++) {
    pass(5);
    delivery.add(1, token(n), true);
    delivery.add(2, logprobs(n), false);
    delivery.offer(5);
  }
  pass(MOST_HELD_MS);
  expect(frames).toHaveLength(2);
  const of = (id: number): GenerateEvent[] => frames[1]!.events.filter((e) => e.id === id).map((e) => e.event);
  expect(of(1)).toEqual([token(1), token(2)]);
  expect(of(2)).toMatchObject([{ tokens: [1, 2], logprobs: [{ chosen: { token: 1 } }, { chosen: { token: 2 } }] }]);
});
