import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EngineFrame, FrontFrame } from '#protocol/engine.ts';
import type { AdapterInfo, GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { FrameDecoder, asFrontFrame, encodeFrame } from '#protocol/frames.ts';
import { EngineClient } from './engineClient.ts';
import type { EngineProcessListener } from './engineProcess.ts';

/** A child without a process: the test plays its part. */
class FakeChild {
  readonly received: FrontFrame[] = [];
  readonly listener: EngineProcessListener;
  closed = false;
  killed = false;
  readonly #decoder = new FrameDecoder();

  constructor(listener: EngineProcessListener) {
    this.listener = listener;
  }
  get pid(): number {
    return 7;
  }
  send(bytes: Uint8Array): void {
    this.received.push(...this.#decoder.push(bytes).map(asFrontFrame));
  }
  close(): void {
    this.closed = true;
    this.listener.exit('it was ended by SIGKILL');
  }
  kill(): void {
    this.killed = true;
    this.listener.exit('it was ended by SIGKILL');
  }
  say(frame: EngineFrame): void {
    this.listener.data(encodeFrame(frame));
  }
  hello(protocol = 1): void {
    this.say({ type: 'hello', protocol, version: '1', isa: 'fake', pid: 7 });
  }
  crash(): void {
    this.listener.exit('it was ended by SIGSEGV');
  }
  /** The newest frame of a kind. */
  last<T extends FrontFrame['type']>(type: T): (FrontFrame & { type: T }) | undefined {
    return this.received.findLast((f): f is FrontFrame & { type: T } => f.type === type);
  }
  answer(value: unknown): void {
    this.say({ type: 'result', id: this.last('call')?.id ?? 0, value });
  }
  event(event: GenerateEvent, id = this.last('generate')?.id ?? 0): void {
    this.say({ type: 'step', events: [{ id, event }], queue: QUEUE });
  }
}

const QUEUE = { running: 1, waiting: 0, slots: 8, maxWaiting: 64 };
const INFO = { name: 'm' } as ModelInfo;
const REQUEST = { prompt: [], maxTokens: 1 } as unknown as GenerateRequest;
const DONE: GenerateEvent = {
  type: 'done',
  finish: 'eos',
  promptTokens: 1,
  cachedTokens: 0,
  completionTokens: 1,
  truncatedTokens: 0,
  timings: { queuedMs: 0, promptMs: 0, decodeMs: 0 },
};
const never = new AbortController().signal;

let children: FakeChild[] = [];
let client: EngineClient;
let log: string[] = [];
const child = (): FakeChild => children.at(-1)!;
const settle = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0);
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  children = [];
  log = [];
  client = new EngineClient({
    script: '',
    log: (line) => log.push(line),
    launch: (listener) => {
      const made = new FakeChild(listener);
      children.push(made);
      return made;
    },
  });
});
afterEach(async () => {
  await client.stop();
  vi.useRealTimers();
});

async function started(): Promise<void> {
  const start = client.start();
  child().hello();
  await start;
}

async function loaded(path = '/m'): Promise<void> {
  await started();
  const load = client.load(path, {}, () => undefined, never);
  await settle();
  child().answer(INFO);
  await load;
}

async function all(events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> {
  const seen: GenerateEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

test('starting, ready, loading, ready; listeners hear each', async () => {
  const states: string[] = [];
  client.onStatus(() => states.push(client.state));
  await loaded();
  expect(states.filter((s, i) => s !== states[i - 1])).toEqual(['starting', 'ready', 'loading', 'ready']);
});

test('a load reports progress and its failure, and the engine stays usable', async () => {
  await started();
  const progress: number[] = [];
  const load = client.load('/m', {}, (f) => progress.push(f), never);
  const refused = expect(load).rejects.toMatchObject({ code: 'bad_model_file' });
  await settle();
  const id = child().last('call')!.id;
  child().say({ type: 'progress', id, done: 1, total: 4 });
  child().say({ type: 'error', id, error: { code: 'bad_model_file', message: 'no' } });
  await settle();
  child().say({ type: 'error', id: child().last('call')!.id, error: { code: 'model_not_found', message: 'none' } });
  await refused;
  expect(progress).toEqual([0.25]);
  expect(client.state).toBe('ready');
});

test('after a crash the model that the engine kept when it refused another is loaded', async () => {
  await loaded('/first');
  const load = client.load('/broken', {}, () => undefined, never);
  const refused = expect(load).rejects.toMatchObject({ code: 'bad_model_file' });
  await settle();
  child().say({ type: 'error', id: child().last('call')!.id, error: { code: 'bad_model_file', message: 'no' } });
  await settle();
  child().answer({ tokens: 0 });
  await refused;
  child().crash();
  await vi.advanceTimersByTimeAsync(100);
  child().hello();
  expect(child().last('call')).toMatchObject({ method: 'load', params: { path: '/first' } });
});

test('after a crash the adapters come back with the model, under their ids and with their scales', async () => {
  await loaded('/first');
  const load = client.call('loadAdapter', { path: '/a', scale: 1 }, never);
  await settle();
  const adapter = { id: 2, path: '/a', scale: 0.5, rank: 8 } as AdapterInfo;
  child().answer({ adapter, adapters: [adapter] });
  await load;
  child().crash();
  await vi.advanceTimersByTimeAsync(100);
  child().hello();
  const adapters = [{ id: 2, path: '/a', scale: 0.5 }];
  expect(child().last('call')).toMatchObject({ method: 'load', params: { path: '/first', options: { adapters } } });
});

test('a request gets its events in order, however late they are read', async () => {
  await loaded();
  const events = client.generate(REQUEST, never);
  await settle();
  child().event({ type: 'accepted', promptTokens: 1, cachedTokens: 0 });
  child().event({ type: 'delta', text: 'a', tokens: [1] });
  child().event(DONE);
  expect((await all(events)).map((e) => e.type)).toEqual(['accepted', 'delta', 'done']);
  expect(client.condition.queue).toEqual(QUEUE);
});

test('abort sends a cancel, and the events end with what the engine says', async () => {
  await loaded();
  const abort = new AbortController();
  const events = client.generate(REQUEST, abort.signal);
  await settle();
  const id = child().last('generate')!.id;
  abort.abort();
  expect(child().last('cancel')).toEqual({ type: 'cancel', id });
  child().event({ ...DONE, finish: 'cancelled' });
  expect(await all(events)).toMatchObject([{ finish: 'cancelled' }]);
});

test('leaving the loop early cancels the request', async () => {
  await loaded();
  const events = client.generate(REQUEST, never);
  await settle();
  child().event({ type: 'accepted', promptTokens: 1, cachedTokens: 0 });
  for await (const event of events) {
    expect(event.type).toBe('accepted');
    break;
  }
  expect(child().last('cancel')).toEqual({ type: 'cancel', id: child().last('generate')!.id });
});

test('leaving after the end cancels nothing', async () => {
  await loaded();
  const events = client.generate(REQUEST, never);
  await settle();
  child().event(DONE);
  await all(events);
  expect(child().last('cancel')).toBeUndefined();
});

test('a crash fails every open request and call, well-formed', async () => {
  await loaded();
  const events = all(client.generate(REQUEST, never));
  const call = expect(client.call('loadAdapter', { path: '/a', scale: 1 }, never)).rejects.toMatchObject({
    code: 'engine_crashed',
  });
  await settle();
  child().event({ type: 'accepted', promptTokens: 1, cachedTokens: 0 });
  child().crash();
  expect(await events).toMatchObject([{ type: 'accepted' }, { type: 'failed', error: { code: 'engine_crashed' } }]);
  await call;
  expect(client.state).toBe('crashed');
  expect(client.condition.error?.message).toMatch(/SIGSEGV/);
});

/** The child dies; the next one greets and loads the model. */
async function crashAndBack(afterMs: number): Promise<void> {
  child().crash();
  await vi.advanceTimersByTimeAsync(afterMs);
  child().hello();
  await settle();
  child().answer(INFO);
  await settle();
}

test('a request that a dying child had not begun with goes to the next one, once', async () => {
  await loaded();
  const events = all(client.generate(REQUEST, never));
  await settle();
  await crashAndBack(100);
  expect(children).toHaveLength(2);
  expect(child().last('generate')).toMatchObject({ request: REQUEST });
  child().event({ type: 'accepted', promptTokens: 1, cachedTokens: 0 });
  child().event(DONE);
  expect((await events).map((e) => e.type)).toEqual(['accepted', 'done']);

  const deadly = all(client.generate(REQUEST, never));
  await settle();
  await crashAndBack(500);
  expect(child().last('generate')).toBeDefined();
  child().crash();
  expect(await deadly).toMatchObject([{ type: 'failed', error: { code: 'engine_crashed' } }]);
});

test('while it waits for the next child, a request can be cancelled; a stop ends it', async () => {
  await loaded();
  const abort = new AbortController();
  const cancelled = all(client.generate(REQUEST, abort.signal));
  await settle();
  child().crash();
  await settle();
  abort.abort();
  expect(await cancelled).toMatchObject([{ type: 'done', finish: 'cancelled' }]);
  await vi.advanceTimersByTimeAsync(100);
  child().hello();
  await settle();
  child().answer(INFO);
  await settle();
  expect(child().last('generate')).toBeUndefined();
  const stopped = all(client.generate(REQUEST, never));
  await settle();
  await client.stop();
  expect(await stopped).toMatchObject([{ type: 'failed', error: { code: 'engine_crashed' } }]);
});

test('what only asks is asked again of the next child; what changes something is not', async () => {
  await loaded();
  const count = client.call('count', { prompt: [], addBos: false }, never);
  await settle();
  await crashAndBack(100);
  expect(child().last('call')).toMatchObject({ method: 'count' });
  child().answer({ tokens: 3 });
  expect(await count).toEqual({ tokens: 3 });
});

test('a request that cannot be sent says why', async () => {
  await loaded();
  const text = 'x'.repeat(80 * 1024 * 1024);
  const events = await all(client.generate({ ...REQUEST, prompt: [{ text, special: false }] }, never));
  expect(events).toMatchObject([{ type: 'failed', error: { code: 'too_large' } }]);
});

test('a request that comes while the engine is down waits until the model is back', async () => {
  await loaded('/m');
  child().crash();
  const events = all(client.generate(REQUEST, never));
  await vi.advanceTimersByTimeAsync(100);
  child().hello();
  await settle();
  expect(client.state).toBe('loading');
  expect(child().received).toMatchObject([{ method: 'load', params: { path: '/m' } }]);
  child().answer(INFO);
  await settle();
  child().event(DONE);
  expect(await events).toMatchObject([{ type: 'done', finish: 'eos' }]);
});

test('a request cancelled while it waits for the engine ends as cancelled', async () => {
  await loaded();
  child().crash();
  const abort = new AbortController();
  const events = all(client.generate(REQUEST, abort.signal));
  abort.abort();
  expect(await events).toMatchObject([{ type: 'done', finish: 'cancelled' }]);
});

test('restarts wait 0.1 s, 0.5 s, 2 s …, and start over after a stable minute', async () => {
  await loaded();
  const backAfter = async (afterMs: number): Promise<void> => {
    const before = children.length;
    child().crash();
    await vi.advanceTimersByTimeAsync(afterMs - 1);
    expect(children).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(children).toHaveLength(before + 1);
    child().hello();
    await settle();
    child().answer(INFO);
    await settle();
    expect(client.state).toBe('ready');
  };
  for (const delay of [100, 500, 2000, 5000, 15_000, 15_000]) await backAfter(delay);
  await vi.advanceTimersByTimeAsync(60_000);
  await backAfter(100);
});

test('three crashes in a row while loading: crashed until asked', async () => {
  await started();
  const load = expect(client.load('/deadly', {}, () => undefined, never)).rejects.toMatchObject({
    code: 'engine_crashed',
  });
  await settle();
  for (const delay of [100, 500, 60_000]) {
    child().crash();
    await vi.advanceTimersByTimeAsync(delay);
    if (delay !== 60_000) child().hello();
    await settle();
  }
  await load;
  expect(children).toHaveLength(3);
  expect(client.state).toBe('crashed');
  expect(client.condition.error?.message).toMatch(/Restart the engine/);
  expect(await all(client.generate(REQUEST, never))).toMatchObject([
    { type: 'failed', error: { code: 'engine_crashed' } },
  ]);

  const other = client.load('/good', {}, () => undefined, never);
  child().hello();
  await settle();
  expect(children).toHaveLength(4);
  expect(child().received).toMatchObject([{ method: 'load', params: { path: '/good' } }]);
  child().answer(INFO);
  await expect(other).resolves.toEqual(INFO);
  expect(client.state).toBe('ready');
});

test('a child that never greets is ended after ten seconds', async () => {
  const start = expect(client.start()).rejects.toThrow(/did not start within 10 s/);
  const first = child();
  for (const ms of [10_000, 100, 10_000, 500, 10_000]) await vi.advanceTimersByTimeAsync(ms);
  expect(first.killed).toBe(true);
  await start;
  expect(children).toHaveLength(3);
});

test('a child that ends before its greeting has its last words reported', async () => {
  const start = expect(client.start()).rejects.toThrow(/native part is missing/);
  for (const ms of [100, 500, 0]) {
    child().listener.line("The engine's native part is missing");
    child().listener.exit('it ended with code 1');
    await vi.advanceTimersByTimeAsync(ms);
  }
  await start;
});

test('another protocol version is not tried again', async () => {
  const start = expect(client.start()).rejects.toMatchObject({ code: 'incompatible' });
  child().hello(2);
  await start;
  await vi.advanceTimersByTimeAsync(120_000);
  expect(children).toHaveLength(1);
});

test.each([
  ['no JSON', Uint8Array.of(1, 0, 0, 0, 0x7b)],
  ['a giant length', Uint8Array.of(255, 255, 255, 255)],
  ['a frame before the greeting', encodeFrame({ type: 'result', id: 1, value: 1 })],
  ['an unknown frame', Uint8Array.of(2, 0, 0, 0, 0x7b, 0x7d)],
])('%s: the child is ended and started anew', async (_name, bytes) => {
  const start = client.start();
  const first = child();
  first.listener.data(bytes);
  expect(first.killed).toBe(true);
  expect(client.condition.error?.message).toMatch(/broke the protocol/);
  await vi.advanceTimersByTimeAsync(100);
  child().hello();
  await start;
});

test('a cancelled load goes on in the engine; its end makes the engine ready', async () => {
  await started();
  const abort = new AbortController();
  const load = expect(client.load('/m', {}, () => undefined, abort.signal)).rejects.toMatchObject({
    code: 'cancelled',
  });
  await settle();
  abort.abort();
  await load;
  expect(client.state).toBe('loading');
  child().answer(INFO);
  await settle();
  expect(client.state).toBe('ready');
});

test('a cancelled call tells the engine and ignores the late answer', async () => {
  await loaded();
  const abort = new AbortController();
  const call = expect(client.call('detokenize', { tokens: [1] }, abort.signal)).rejects.toMatchObject({
    code: 'cancelled',
  });
  await settle();
  const { id } = child().last('call')!;
  abort.abort();
  await call;
  expect(child().last('cancel')).toEqual({ type: 'cancel', id });
  child().say({ type: 'result', id, value: { text: '' } });
  expect(child().killed).toBe(false);
});

test('restart starts a new child with the same model', async () => {
  await loaded('/m');
  const restart = client.restart(never);
  await vi.advanceTimersByTimeAsync(100);
  child().hello();
  await settle();
  child().answer(INFO);
  await restart;
  expect(children).toHaveLength(2);
  expect(child().received).toMatchObject([{ method: 'load', params: { path: '/m' } }]);
});

test('stop ends the child through its pipe, fails what is open and starts nothing new', async () => {
  await loaded();
  const events = all(client.generate(REQUEST, never));
  await settle();
  await client.stop();
  expect(child().closed).toBe(true);
  expect(child().killed).toBe(false);
  expect(await events).toMatchObject([{ type: 'failed' }]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(children).toHaveLength(1);
  expect(await all(client.generate(REQUEST, never))).toMatchObject([
    { type: 'failed', error: { code: 'engine_starting' } },
  ]);
});

test('figures come from the frames; an ended child has no queue', async () => {
  await loaded();
  expect(client.stats()).toMatchObject({ steps: 0, completionTokens: 0 });
  const stats = { ...client.stats(), steps: 5, queue: QUEUE };
  child().say({ type: 'step', events: [], queue: QUEUE, stats });
  expect(client.stats()).toEqual(stats);
  child().crash();
  expect(client.stats().queue).toEqual({ ...QUEUE, running: 0 });
});
