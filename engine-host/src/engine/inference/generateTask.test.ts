import { expect, test } from 'vitest';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { FAKE_EOS, FAKE_TURN, FakeModel } from '../native/fakeModel.ts';
import { GenerateTask } from './generateTask.ts';
import { request } from '../native/fakeRequest.ts';

/** Feeds tokens to a task as steps would; `ms` passes before each. */
function feed(
  over: Partial<GenerateRequest>,
  tokens: readonly number[],
  { ms = 1, contextLength = 4096 } = {},
): GenerateEvent[] {
  const events: GenerateEvent[] = [];
  let now = 0;
  const model = new FakeModel({ contextLength });
  const task = new GenerateTask(
    model,
    request('p', over),
    (e) => events.push(e),
    () => now,
  );
  now += ms;
  task.admitted(0);
  for (const token of tokens) {
    now += ms;
    const output = { sequence: 1, sampled: token, sampledLogprob: -0.25 };
    const top = { tokens: Int32Array.of(token, FAKE_EOS), logprobs: Float32Array.of(-0.25, -2) };
    if (!task.output({ ...output, top })) break;
  }
  return events;
}

const bytes = (value: string): number[] => [...new TextEncoder().encode(value)];
const texts = (events: readonly GenerateEvent[]): string =>
  events.map((e) => (e.type === 'delta' ? e.text : '')).join('');
const end = (events: readonly GenerateEvent[]): GenerateEvent | undefined => events.at(-1);

test('an answer ends with EOS, which is neither text nor counted', () => {
  const events = feed({}, [...bytes('hi'), FAKE_EOS, 120]);
  expect(events.map((e) => e.type)).toEqual(['accepted', 'delta', 'delta', 'done']);
  expect(texts(events)).toBe('hi');
  expect(end(events)).toMatchObject({ finish: 'eos', completionTokens: 2, promptTokens: 2 });
});

test('ignoreEos goes on after it', () => {
  const events = feed({ ignoreEos: true, maxTokens: 3 }, [97, FAKE_EOS, 98]);
  expect(texts(events)).toBe('ab');
  expect(end(events)).toMatchObject({ finish: 'length', completionTokens: 3 });
});

test('characters come out whole; one that is still incomplete at the limit is shown as such', () => {
  const fox = bytes('🦊');
  const events = feed({ maxTokens: 6 }, [...fox, ...fox]);
  expect(events.flatMap((e) => (e.type === 'delta' ? [e.text] : []))).toEqual(['', '', '', '🦊', '', '\ufffd']);
});

test('a stop text over several tokens ends the answer before it and is named', () => {
  const events = feed({ stop: ['END'] }, bytes('ab END cd'));
  expect(texts(events)).toBe('ab ');
  expect(end(events)).toMatchObject({ finish: 'stop', stopText: 'END', completionTokens: 6 });
});

test('text held back for a stop text belongs to an answer that ends otherwise', () => {
  expect(texts(feed({ stop: ['END'] }, [...bytes('ab EN'), FAKE_EOS]))).toBe('ab EN');
  expect(texts(feed({ stop: ['END'], maxTokens: 5 }, bytes('ab EN')))).toBe('ab EN');
});

test('maxTokens 0 evaluates and samples nothing', () => {
  const events: GenerateEvent[] = [];
  const task = new GenerateTask(
    new FakeModel(),
    request('p', { maxTokens: 0 }),
    (e) => events.push(e),
    () => 0,
  );
  expect(task.sampling).toBeUndefined();
  task.admitted(1);
  expect(task.output({ sequence: 1 })).toBe(false);
  expect(end(events)).toMatchObject({ finish: 'length', completionTokens: 0, promptTokens: 2, cachedTokens: 1 });
});

test('a full context ends the answer with the last token that could be sampled', () => {
  const events = feed({}, bytes('abcdefgh'), { contextLength: 4 });
  // Two prompt tokens and two of the answer are evaluated; the third is sampled from the full context.
  expect(end(events)).toMatchObject({ finish: 'length', completionTokens: 3 });
});

test('the deadline counts from the first token and waits for a line break', () => {
  expect(end(feed({ maxPredictMs: 30 }, bytes('abcdefgh'), { ms: 10 }))?.type).toBe('delta');
  expect(end(feed({ maxPredictMs: 30 }, bytes('a\nbcdefgh'), { ms: 10 }))).toMatchObject({
    finish: 'deadline',
    completionTokens: 4,
  });
});

test('log-probabilities come with the text of their tokens, as many as asked for', () => {
  const events = feed({ logprobs: 1, maxTokens: 1 }, [97]);
  expect(events[1]).toEqual({
    type: 'delta',
    text: 'a',
    tokens: [97],
    logprobs: [{ chosen: { token: 97, text: 'a', logprob: -0.25 }, top: [{ token: 97, text: 'a', logprob: -0.25 }] }],
  });
});

test('timings: waiting, prompt until the first token, then decode', () => {
  expect(end(feed({ maxTokens: 3 }, [97, 97, 97], { ms: 7 }))).toMatchObject({
    timings: { queuedMs: 7, promptMs: 7, decodeMs: 14 },
  });
});

test('a cancelled request says so once and shows nothing that was held back', () => {
  const events: GenerateEvent[] = [];
  const task = new GenerateTask(
    new FakeModel(),
    request('p', { stop: ['ab'] }),
    (e) => events.push(e),
    () => 0,
  );
  task.admitted(0);
  task.output({ sequence: 1, sampled: 97 });
  task.cancelled();
  expect(texts(events)).toBe('');
  expect(end(events)).toMatchObject({ type: 'done', finish: 'cancelled', completionTokens: 1 });
});

test('control tokens show in the text only where their texts are preserved, and a stop text may hold them', () => {
  const tokens = [...bytes('a'), FAKE_TURN, ...bytes('b'), FAKE_EOS];
  expect(texts(feed({}, tokens))).toBe('ab');
  expect(texts(feed({ preserved: ['<turn>', 'a', '<other>'] }, tokens))).toBe('a<turn>b');
  expect(end(feed({ preserved: ['<turn>'], stop: ['<turn>b'] }, tokens))).toMatchObject({ finish: 'stop' });
});

test('an answer of a form ends where the model ends it, also when EOS shall be ignored', () => {
  const constraint = { kind: 'gbnf', grammar: 'root ::= "hi"' } as const;
  const events = feed({ constraint, ignoreEos: true }, [...bytes('hi'), FAKE_EOS, 120]);
  expect(texts(events)).toBe('hi');
  expect(end(events)).toMatchObject({ type: 'done', finish: 'eos' });
  expect(texts(feed({ ignoreEos: true }, [FAKE_EOS, 120]))).toBe('x');
});

test('a form that the model cannot honour is refused before anything runs', () => {
  const constraint = { kind: 'gbnf', grammar: 'impossible' } as const;
  expect(() => feed({ constraint }, [])).toThrow(expect.objectContaining({ code: 'unsupported' }));
});
