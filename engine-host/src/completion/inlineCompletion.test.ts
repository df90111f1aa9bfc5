import { expect, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import type { CompletionWindow } from '#protocol/editor.ts';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { completeInline, parseWindow, type CompletionEngine } from './inlineCompletion.ts';

const never = new AbortController().signal;
const window: CompletionWindow = {
  prefix: 'def add(a, b):\n    return ',
  suffix: '\n',
  languageId: 'python',
  fileName: 'a.py',
  shape: 'line',
  maxTokens: 32,
};
const plain = { special: { endOfGeneration: [0] }, addBos: false, modelHash: 'm', contextLength: 8192 };
const done: GenerateEvent = {
  type: 'done',
  finish: 'stop',
  promptTokens: 1,
  cachedTokens: 0,
  completionTokens: 1,
  truncatedTokens: 0,
  timings: { queuedMs: 0, promptMs: 0, decodeMs: 0 },
};

function fakeEngine(events: readonly GenerateEvent[]): { engine: CompletionEngine; requests: GenerateRequest[] } {
  const requests: GenerateRequest[] = [];
  return {
    requests,
    engine: {
      async *generate(request) {
        requests.push(request);
        yield* events;
      },
      call: async (_method, { text }) => ({ tokens: Array.from(text, () => 1) }),
    },
  };
}

test('without FIM tokens the prefix is continued, its last space expected from the model', async () => {
  const { engine, requests } = fakeEngine([{ type: 'delta', text: ' a + b', tokens: [1] }, done]);
  expect(await completeInline(engine, plain, window, never)).toBe('a + b');
  expect(requests[0]?.prompt).toEqual([{ text: window.prefix.trimEnd(), special: false }]);
  expect(requests[0]?.stop).toEqual(['\n']);
  expect(requests[0]?.priority).toBe('completion');
});

test('with FIM tokens the cursor is in the middle, and the text stays text', async () => {
  const { engine, requests } = fakeEngine([done]);
  const model = { ...plain, special: { endOfGeneration: [0], fim: { prefix: 7, suffix: 8, middle: 9 } } };
  await completeInline(engine, model, { ...window, prefix: '<|fim_middle|>' }, never);
  expect(requests[0]?.prompt).toEqual([
    { tokens: [7] },
    { text: '<|fim_middle|>', special: false },
    { tokens: [8] },
    { text: '\n', special: false },
    { tokens: [9] },
  ]);
});

test('a failure of the engine keeps its code; a cancelled run is cancelled', async () => {
  const failed = fakeEngine([{ type: 'failed', error: { code: 'engine_crashed', message: 'gone' } }]);
  await expect(completeInline(failed.engine, plain, window, never)).rejects.toSatisfy((e) =>
    ZellError.is(e, 'engine_crashed'),
  );
  const stopped = fakeEngine([{ ...done, finish: 'cancelled' }]);
  await expect(completeInline(stopped.engine, plain, window, never)).rejects.toSatisfy((e) =>
    ZellError.is(e, 'cancelled'),
  );
});

test('a window that is not one is refused', () => {
  expect(parseWindow(window)).toEqual(window);
  for (const bad of [
    undefined,
    null,
    7,
    {},
    { ...window, shape: 'page' },
    { ...window, maxTokens: 0 },
    { ...window, maxTokens: 1.5 },
    { ...window, prefix: 'x'.repeat(65 * 1024) },
  ])
    expect(parseWindow(bad)).toBeUndefined();
});
