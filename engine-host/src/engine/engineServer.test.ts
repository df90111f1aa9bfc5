import { PassThrough, Duplex } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import type { EngineFrame, FrontFrame } from '#protocol/engine.ts';
import type { GenerateEvent } from '#protocol/generation.ts';
import type { WireError } from '#protocol/errors.ts';
import { FrameDecoder, asEngineFrame, encodeFrame } from '#protocol/frames.ts';
import { MOST_HELD_MS } from './delivery.ts';
import { serveEngine } from './engineServer.ts';
import { fakeAddon, type FakeModel, type FakeModelOptions } from './native/fakeModel.ts';
import { request } from './native/fakeRequest.ts';

/** The front's end of a pipe to a server in this process. */
class Front {
  readonly models: FakeModel[] = [];
  readonly frames: EngineFrame[] = [];
  readonly toEngine = new PassThrough();
  closed: { readonly reason: WireError | undefined } | undefined;
  #waiters: (() => void)[] = [];

  constructor(options: FakeModelOptions = {}) {
    const fromEngine = new PassThrough();
    const decoder = new FrameDecoder();
    fromEngine.on('data', (bytes: Uint8Array) => {
      this.frames.push(...decoder.push(bytes).map(asEngineFrame));
      for (const look of this.#waiters.splice(0)) look();
    });
    serveEngine({
      addon: fakeAddon(options, this.models),
      stream: Duplex.from({ readable: this.toEngine, writable: fromEngine }),
      now: () => performance.now(),
      onClosed: (reason) => {
        this.closed = { reason };
      },
    });
  }

  send(frame: FrontFrame): void {
    this.toEngine.write(encodeFrame(frame));
  }

  async until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  answer(id: number): Promise<EngineFrame & { type: 'result' | 'error' }> {
    return this.until(() =>
      this.frames.find((f) => (f.type === 'result' || f.type === 'error') && f.id === id),
    ) as Promise<EngineFrame & { type: 'result' | 'error' }>;
  }

  async load(id: number, path = '/m.gguf'): Promise<EngineFrame> {
    this.send({ type: 'call', id, method: 'load', params: { path, options: {} } });
    return await this.answer(id);
  }

  events(id: number): GenerateEvent[] {
    return this.frames.flatMap((f) =>
      f.type === 'step' ? f.events.filter((e) => e.id === id).map((e) => e.event) : [],
    );
  }

  end(id: number): Promise<GenerateEvent> {
    return this.until(() => this.events(id).find((e) => e.type === 'done' || e.type === 'failed'));
  }
}

let front = new Front();
afterEach(() => {
  front.toEngine.end();
});

test('it greets first, with its protocol', async () => {
  front = new Front();
  expect(await front.until(() => front.frames[0])).toMatchObject({ type: 'hello', protocol: 1, isa: 'fake' });
});

test('a loaded model answers calls', async () => {
  front = new Front();
  expect(await front.load(1)).toMatchObject({ type: 'result', value: { name: 'fake' } });
  expect(front.frames.filter((f) => f.type === 'progress')).toEqual([
    { type: 'progress', id: 1, done: 1, total: 2 },
    { type: 'progress', id: 1, done: 2, total: 2 },
  ]);
  const calls: [FrontFrame, unknown][] = [
    [
      { type: 'call', id: 2, method: 'tokenize', params: { text: 'a</s>', addSpecial: true, parseSpecial: true } },
      { tokens: [256, 97, 257] },
    ],
    [{ type: 'call', id: 3, method: 'detokenize', params: { tokens: [97, 98] } }, { text: 'ab' }],
    [{ type: 'call', id: 4, method: 'pieces', params: { tokens: [97] } }, { pieces: ['YQ=='] }],
    [
      { type: 'call', id: 5, method: 'count', params: { prompt: [{ text: 'abc', special: false }], addBos: true } },
      { tokens: 4 },
    ],
    [
      {
        type: 'call',
        id: 6,
        method: 'nextTokens',
        params: { prompt: [{ text: 'abc', special: false }], addBos: true, top: 2 },
      },
      {
        top: [
          { token: 97, text: 'a', logprob: -1 },
          { token: 98, text: 'b', logprob: -2 },
        ],
      },
    ],
    [{ type: 'call', id: 8, method: 'unload', params: {} }, null],
  ];
  for (const [call, value] of calls) {
    front.send(call);
    expect(await front.answer(call.id)).toEqual({ type: 'result', id: call.id, value });
  }
  expect(front.models[0]!.closed).toBe(true);
  expect(front.models[0]!.openSequences).toBe(0);
});

test('a benchmark reports both speeds and leaves no sequence', async () => {
  front = new Front();
  await front.load(1);
  front.send({ type: 'call', id: 2, method: 'bench', params: { promptTokens: 300, decodeTokens: 5 } });
  expect(await front.answer(2)).toMatchObject({
    value: { prefill: { tokens: 300 }, decode: { tokens: 5 }, isa: 'fake', threads: 1 },
  });
  expect(front.models[0]!.openSequences).toBe(0);
  front.send({ type: 'call', id: 3, method: 'bench', params: { promptTokens: 5000, decodeTokens: 1 } });
  expect(await front.answer(3)).toMatchObject({ error: { code: 'context_overflow' } });
});

test('a conversion needs no model, reports progress and ends when it is cancelled', async () => {
  front = new Front();
  const convert = (id: number, input: string): void =>
    front.send({ type: 'call', id, method: 'quantize', params: { input, output: '/o', options: { type: 'Q4_K_M' } } });
  convert(1, '/m.gguf');
  expect(await front.answer(1)).toMatchObject({ type: 'result', value: { bytesAfter: 1 } });
  expect(front.frames).toContainEqual({ type: 'progress', id: 1, done: 1, total: 2 });
  convert(2, '/long.gguf');
  await front.until(() => front.frames.find((f) => f.type === 'progress' && f.id === 2));
  front.send({ type: 'cancel', id: 2 });
  expect(await front.answer(2)).toMatchObject({ type: 'error', error: { code: 'cancelled' } });
});

test('an importance matrix is a job of the same kind', async () => {
  front = new Front();
  const measure = (id: number, model: string): void =>
    front.send({
      type: 'call',
      id,
      method: 'measureImportance',
      params: { model, texts: ['/t'], output: '/o', options: {} },
    });
  measure(1, '/m.gguf');
  expect(await front.answer(1)).toMatchObject({ type: 'result', value: { tokens: 2 } });
  measure(2, '/long.gguf');
  await front.until(() => front.frames.find((f) => f.type === 'progress' && f.id === 2));
  front.send({ type: 'cancel', id: 2 });
  expect(await front.answer(2)).toMatchObject({ type: 'error', error: { code: 'cancelled' } });
});

test('a draft head is a job too', async () => {
  front = new Front();
  const build = (id: number, model: string): void =>
    front.send({
      type: 'call',
      id,
      method: 'buildDraftHead',
      params: { model, prompts: [[1, 2], [3]], output: '/o', load: {}, options: { steps: 7 } },
    });
  build(1, '/m.gguf');
  expect(await front.answer(1)).toMatchObject({ type: 'result', value: { tokens: 3, steps: 7, kept: true } });
  build(2, '/long.gguf');
  await front.until(() => front.frames.find((f) => f.type === 'progress' && f.id === 2));
  front.send({ type: 'cancel', id: 2 });
  expect(await front.answer(2)).toMatchObject({ type: 'error', error: { code: 'cancelled' } });
});

test('a benchmark decodes several sequences at a depth, and keeps them only when asked', async () => {
  front = new Front();
  await front.load(1);
  const params = { promptTokens: 0, decodeTokens: 3, depth: 20, sequences: 2, text: 'abc' };
  front.send({ type: 'call', id: 2, method: 'bench', params: { ...params, keep: true } });
  expect(await front.answer(2)).toMatchObject({ value: { prefill: { tokensPerSecond: 0 }, decode: { tokens: 6 } } });
  const model = front.models[0]!;
  expect(model.openSequences).toBe(2);
  // Twenty tokens each, then the warm-up's and the measured steps, both sequences in each.
  const decoded = model.steps.filter((s) => s.every((item) => item.tokens.length === 1));
  expect(decoded.map((s) => s.length)).toEqual([2, 2, 2, 2, 2, 2]);
  const filled = model.steps.length;
  front.send({ type: 'call', id: 3, method: 'bench', params });
  await front.answer(3);
  expect(model.steps.length - filled).toBe(6);
  expect(model.openSequences).toBe(0);
});

test('a forced benchmark decodes the text itself, without steps before', async () => {
  front = new Front();
  await front.load(1);
  const params = { promptTokens: 0, decodeTokens: 3, text: 'abcdef', forced: true };
  front.send({ type: 'call', id: 2, method: 'bench', params });
  await front.answer(2);
  const model = front.models[0]!;
  const text = [...model.tokenize('abcdef', false)];
  expect(model.steps.slice(-3).map(([item]) => item?.tokens)).toEqual(text.slice(0, 3).map((token) => [token]));
  expect(model.steps.filter(([item]) => item?.tokens.length === 1)).toHaveLength(3);
});

test('the limits of the machine are measured with the threads in force', async () => {
  front = new Front();
  await front.load(1);
  front.send({ type: 'call', id: 2, method: 'limits', params: {} });
  expect(await front.answer(2)).toMatchObject({ value: { threads: 1, isa: 'fake' } });
});

test('everything that steps produced comes in one frame, unless they are slow', async () => {
  const slow = MOST_HELD_MS + 5;
  front = new Front({ duringStep: () => new Promise((resolve) => setTimeout(resolve, slow)) });
  await front.load(1);
  for (const id of [2, 3]) front.send({ type: 'generate', id, request: request(`p${id}`, { maxTokens: 3 }) });
  await Promise.all([front.end(2), front.end(3)]);
  const ids = front.frames.flatMap((f) => (f.type === 'step' ? [f.events.map((e) => e.id)] : []));
  // The statistics after the load; the admissions; two steps; the last step with its end.
  expect(ids).toEqual([[], [2, 3], [2, 3], [2, 3], [2, 2, 3, 3]]);
  expect(front.frames.at(-1)).toMatchObject({ queue: { running: 0 }, stats: { completionTokens: 6, steps: 3 } });
});

test('tokens of quick steps come together, or each as an event of its own when that is asked for', async () => {
  front = new Front();
  await front.load(1);
  for (const id of [2, 3])
    front.send({ type: 'generate', id, request: request('p', { maxTokens: 40, eachToken: id === 3 }) });
  await Promise.all([front.end(2), front.end(3)]);
  const deltas = (id: number): (GenerateEvent & { type: 'delta' })[] =>
    front.events(id).filter((e) => e.type === 'delta');
  expect(deltas(2).length).toBeLessThan(20);
  expect(deltas(3)).toHaveLength(40);
  const whole = (id: number): string =>
    deltas(id)
      .map((d) => d.text)
      .join('');
  expect(whole(2)).toBe(whole(3));
  expect(deltas(2).flatMap((d) => d.tokens)).toEqual(deltas(3).flatMap((d) => d.tokens));
  expect(front.frames.length).toBeLessThan(25);
});

test('without a model a request fails by name', async () => {
  front = new Front();
  front.send({ type: 'generate', id: 1, request: request('a') });
  expect(await front.end(1)).toMatchObject({ type: 'failed', error: { code: 'model_not_found' } });
});

test('a prompt above the context fails before it is accepted', async () => {
  front = new Front({ contextLength: 4 });
  await front.load(1);
  front.send({ type: 'generate', id: 2, request: request('abcdef') });
  await front.end(2);
  expect(front.events(2)).toMatchObject([
    { type: 'failed', error: { code: 'context_overflow', details: { promptTokens: 7, contextLength: 4 } } },
  ]);
});

test('a cancel frame ends a running request, and one that waits', async () => {
  front = new Front();
  await front.load(1);
  front.send({ type: 'generate', id: 2, request: request('a') });
  await front.until(() => front.events(2).find((e) => e.type === 'delta'));
  front.send({ type: 'cancel', id: 2 });
  expect(await front.end(2)).toMatchObject({ finish: 'cancelled' });
  front.send({ type: 'cancel', id: 2 });
  front.send({ type: 'cancel', id: 99 });
});

test('a bad file leaves the loaded model, another model lets running requests finish', async () => {
  front = new Front();
  await front.load(1);
  expect(await front.load(2, '/broken.gguf')).toMatchObject({ type: 'error', error: { code: 'bad_model_file' } });
  front.send({ type: 'generate', id: 3, request: request('a', { maxTokens: 20 }) });
  front.send({ type: 'call', id: 4, method: 'load', params: { path: '/other.gguf', options: {} } });
  expect(await front.end(3)).toMatchObject({ finish: 'length' });
  expect(await front.answer(4)).toMatchObject({ type: 'result' });
  expect(front.models.map((m) => m.closed)).toEqual([true, false]);
});

test('a file that fails only while it loads is named, and the model before it comes back', async () => {
  front = new Front();
  await front.load(1);
  expect(await front.load(2, '/half.gguf')).toMatchObject({
    type: 'error',
    error: { code: 'bad_model_file', message: '/half.gguf: tensor x is missing.' },
  });
  front.send({ type: 'generate', id: 3, request: request('a', { maxTokens: 2 }) });
  expect(await front.end(3)).toMatchObject({ finish: 'length' });
  expect(front.models.map((m) => m.closed)).toEqual([true, false]);
});

test.each([
  ['no JSON', Uint8Array.of(1, 0, 0, 0, 0x7b), /not UTF-8 JSON/],
  ['a giant length', Uint8Array.of(255, 255, 255, 255), /exceeds the limit/],
  ['an unknown frame', new TextEncoder().encode('\x02\0\0\0{}'), /unknown shape/],
])('%s on the pipe ends the connection with a reason', async (_name, bytes, message) => {
  front = new Front();
  front.toEngine.write(bytes);
  while (front.closed === undefined) await new Promise((resolve) => setImmediate(resolve));
  expect(front.closed.reason?.message).toMatch(message);
});

test('the end of the pipe is reported once, without a reason', async () => {
  front = new Front();
  front.toEngine.end();
  while (front.closed === undefined) await new Promise((resolve) => setImmediate(resolve));
  expect(front.closed).toEqual({ reason: undefined });
});

test('a prompt made for another model is not answered by this one', async () => {
  front = new Front();
  await front.load(1);
  const { modelHash } = front.models[0]!.info;
  front.send({ type: 'generate', id: 2, request: { ...request('a', { maxTokens: 1 }), forModel: 'another' } });
  front.send({ type: 'generate', id: 3, request: { ...request('a', { maxTokens: 1 }), forModel: modelHash } });
  expect(await front.end(3)).toMatchObject({ type: 'done' });
  expect(front.events(2)).toMatchObject([{ type: 'failed', error: { code: 'busy' } }]);
});
