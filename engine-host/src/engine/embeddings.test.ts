import { expect, test } from 'vitest';
import type { EmbedRequest } from '#protocol/engine.ts';
import { FakeModel } from './native/fakeModel.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { EmbedTask, isEncoder, poolingOf } from './inference/embedTask.ts';

const OPTIONS: Omit<EmbedRequest, 'inputs'> = { normalize: false, truncate: false };

function run(model: FakeModel, text: string, options: Partial<EmbedRequest> = {}): Promise<number[]> {
  const task = new EmbedTask(model, [{ text, special: false }], { ...OPTIONS, ...options }, []);
  new Scheduler(model, { now: () => 0, flush: () => undefined }).submit(task);
  return task.result.then(({ vector }) => [...vector]);
}

function withMetadata(model: FakeModel, metadata: Record<string, number | boolean>): FakeModel {
  return Object.assign(model, { info: { ...model.info, architecture: 'bert', metadata } });
}

test('the mean over all steps of a long text is the mean of its tokens', async () => {
  const model = new FakeModel({ addBos: false });
  const text = 'a'.repeat(300) + 'b'.repeat(100);
  const [mean] = await run(model, text);
  expect(model.steps.length).toBeGreaterThan(1);
  expect(mean).toBeCloseTo((97 * 300 + 98 * 100) / 400, 3);
});

test('first and last token, however many steps there were', async () => {
  const text = 'a' + 'b'.repeat(400) + 'c';
  expect((await run(new FakeModel({ addBos: false }), text, { pooling: 'cls' }))[0]).toBe(97);
  expect((await run(new FakeModel({ addBos: false }), text, { pooling: 'last' }))[0]).toBe(99);
});

test('vectors of length 1', async () => {
  const [x = 0, y = 0] = await run(new FakeModel({ addBos: false }), 'abc', { normalize: true });
  expect(Math.hypot(x, y)).toBeCloseTo(1, 6);
});

test('an encoder reads its text in one step, between the tokens that its vocabulary wants', async () => {
  const model = withMetadata(new FakeModel({ addBos: false }), {
    'bert.attention.causal': false,
    'bert.pooling_type': 2,
  });
  Object.assign(model.info, { frame: { before: [101], after: [102] } });
  expect(isEncoder(model.info)).toBe(true);
  expect(poolingOf(model.info)).toBe('cls');
  expect((await run(model, 'a'.repeat(300)))[0]).toBe(101);
  expect(model.steps).toHaveLength(1);
  expect(model.steps[0]?.[0]?.tokens).toHaveLength(302);
});

test('a text that is too long is refused with the numbers, or cut before its last tokens', async () => {
  const model = withMetadata(new FakeModel({ addBos: false, contextLength: 8 }), {});
  Object.assign(model.info, { frame: { before: [1], after: [2] } });
  expect(() => new EmbedTask(model, [{ text: 'abcdefghij', special: false }], OPTIONS, [])).toThrow(
    expect.objectContaining({
      code: 'context_overflow',
      details: { promptTokens: 12, contextLength: 8, param: 'input' },
    }),
  );
  await run(model, 'abcdefghij', { truncate: true });
  expect(model.steps[0]?.[0]?.tokens).toEqual([1, 97, 98, 99, 100, 101, 102, 2]);
});

test('nothing of it is kept, and it reuses nothing', async () => {
  const model = new FakeModel({ addBos: false });
  const scheduler = new Scheduler(model, { now: () => 0, flush: () => undefined });
  for (let i = 0; i < 2; i++) {
    const task = new EmbedTask(model, [{ text: 'abcdef', special: false }], OPTIONS, []);
    scheduler.submit(task);
    await task.result;
  }
  expect(model.steps.map((s) => s[0]?.tokens.length)).toEqual([6, 6]);
  await scheduler.close();
  expect(model.kvUsage().used).toBe(0);
});
