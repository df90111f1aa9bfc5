import { expect, test, vi } from 'vitest';
import { FAKE_BOS, FAKE_EOS, FakeModel } from '../native/fakeModel.ts';
import { preparePrompt, promptTokens } from './prompt.ts';

const text = (value: string, special = false): { text: string; special: boolean } => ({ text: value, special });
const bytes = (value: string): number[] => [...new TextEncoder().encode(value)];

test('adjacent texts of one kind are tokenized as one, texts of different kinds apart', () => {
  const model = new FakeModel();
  const tokenize = vi.spyOn(model, 'tokenize');
  promptTokens(model, [text('a'), text('b'), text('</s>', true), text('', true), text('c')], false);
  expect(tokenize.mock.calls).toEqual([
    ['ab', false],
    ['</s>', true],
    ['c', false],
  ]);
});

test('a control token in the text of a user stays text', () => {
  const model = new FakeModel();
  expect(promptTokens(model, [text('</s>')], false)).toEqual(bytes('</s>'));
  expect(promptTokens(model, [text('</s>', true)], false)).toEqual([FAKE_EOS]);
});

test('BOS goes in front once, and only if asked for and wanted', () => {
  const model = new FakeModel();
  expect(promptTokens(model, [text('a')], true)).toEqual([FAKE_BOS, 97]);
  expect(promptTokens(model, [text('<s>a', true)], true)).toEqual([FAKE_BOS, 97]);
  expect(promptTokens(model, [text('a')], false)).toEqual([97]);
  expect(promptTokens(new FakeModel({ addBos: false }), [text('a')], true)).toEqual([97]);
});

test('given tokens keep their place and must be of the vocabulary', () => {
  const model = new FakeModel();
  expect(promptTokens(model, [text('a'), { tokens: [1, 2] }, text('b')], false)).toEqual([97, 1, 2, 98]);
  for (const token of [-1, 259, 1.5, Number.NaN])
    expect(() => promptTokens(model, [{ tokens: [token] }], false)).toThrow(/outside the vocabulary/);
});

test('an empty prompt is BOS alone', () => {
  expect(preparePrompt(new FakeModel(), { prompt: [], addBos: false }).tokens).toEqual([FAKE_BOS]);
});

test('a prompt longer than the context is refused with both numbers', () => {
  const model = new FakeModel({ contextLength: 8 });
  expect(preparePrompt(model, { prompt: [text('12345678')], addBos: false }).tokens).toHaveLength(8);
  expect(() => preparePrompt(model, { prompt: [text('123456789')], addBos: false })).toThrow(
    expect.objectContaining({ code: 'context_overflow', details: { promptTokens: 9, contextLength: 8 } }),
  );
});

test('truncation drops the oldest tokens, keeps BOS and leaves room for the answer', () => {
  const model = new FakeModel({ contextLength: 8 });
  const prompt = [text('0123456789')];
  expect(preparePrompt(model, { prompt, addBos: true, truncate: true })).toEqual({
    tokens: [FAKE_BOS, ...bytes('56789')],
    truncatedTokens: 5,
  });
  expect(preparePrompt(model, { prompt, addBos: false, truncate: true, maxTokens: 1 }).tokens).toEqual(
    bytes('3456789'),
  );
  expect(preparePrompt(model, { prompt, addBos: false, truncate: true, maxTokens: 0 }).tokens).toHaveLength(8);
});
