import { expect, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import {
  CompletionService,
  type CompletionEngine,
  type CompletionRequest,
  type CompletionTiming,
  type Fate,
} from './completionService.ts';

const never = new AbortController().signal;

function ask(prefix: string, more: Partial<CompletionRequest['cursor']> = {}): CompletionRequest {
  return {
    document: 'a.ts',
    cursor: {
      languageId: 'typescript',
      linePrefix: prefix,
      lineSuffix: '',
      automatic: true,
      multiLine: 'auto',
      ...more,
    },
    window: { prefix, suffix: '' },
  };
}

/** An engine that answers when told to and honours cancellation as the real one does. */
function heldEngine() {
  const calls: { shape: string; answer: (text: string) => void; fail: (error: Error) => void }[] = [];
  const engine: CompletionEngine = {
    complete: (_request, shape, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new ZellError('cancelled', ''));
        });
        calls.push({ shape, answer: resolve, fail: reject });
      }),
  };
  return { engine, calls };
}

const waits: number[] = [];
const atOnce: CompletionTiming = {
  delay: () => 120,
  wait: (ms) => {
    waits.push(ms);
    return Promise.resolve();
  },
};
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a newer request supersedes the one in flight', async () => {
  const { engine, calls } = heldEngine();
  const fates: Fate[] = [];
  const service = new CompletionService(engine, atOnce, (fate) => fates.push(fate));
  const first = service.complete(ask('const a = '), never);
  await tick();
  const second = service.complete(ask('const ab = '), never);
  await tick();
  calls[1]!.answer('1;');
  expect(await first).toBeUndefined();
  expect(await second).toBe('1;');
  expect(fates).toEqual(['cancelled', 'shown']);
});

test('aborting reaches the engine', async () => {
  const { engine, calls } = heldEngine();
  const service = new CompletionService(engine, atOnce, () => undefined);
  const controller = new AbortController();
  const result = service.complete(ask('const a = '), controller.signal);
  await tick();
  expect(calls).toHaveLength(1);
  controller.abort();
  expect(await result).toBeUndefined();
});

test('an abort during the delay asks nothing', async () => {
  const { engine, calls } = heldEngine();
  const held: CompletionTiming = {
    delay: () => 100,
    wait: (_ms, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new ZellError('cancelled', ''));
        });
      }),
  };
  const service = new CompletionService(engine, held, () => undefined);
  const controller = new AbortController();
  const result = service.complete(ask('a'), controller.signal);
  controller.abort();
  expect(await result).toBeUndefined();
  expect(calls).toHaveLength(0);
});

test('typing along a suggestion asks the engine only once', async () => {
  const { engine, calls } = heldEngine();
  const service = new CompletionService(engine, atOnce, () => undefined);
  const first = service.complete(ask('const a = '), never);
  await tick();
  calls[0]!.answer('foo();');
  await first;
  expect(await service.complete(ask('const a = fo'), never)).toBe('o();');
  expect(calls).toHaveLength(1);
});

test('an explicit request does not wait', async () => {
  const { engine, calls } = heldEngine();
  const service = new CompletionService(engine, atOnce, () => undefined);
  waits.length = 0;
  const result = service.complete(ask('x = ', { automatic: false }), never);
  await tick();
  calls[0]!.answer('1');
  expect(await result).toBe('1');
  expect(waits).toEqual([]);
});

test('an engine failure is the caller’s to explain', async () => {
  const { engine, calls } = heldEngine();
  const service = new CompletionService(engine, atOnce, () => undefined);
  const result = service.complete(ask('x = '), never);
  await tick();
  calls[0]!.fail(new ZellError('engine_crashed', 'gone'));
  await expect(result).rejects.toMatchObject({ code: 'engine_crashed' });
});
