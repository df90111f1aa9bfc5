// Scoring against a model without mathematics: which tokens are fed, in which slices, and that nothing stays behind.
import { expect, test } from 'vitest';
import { FakeModel } from '../native/fakeModel.ts';
import { scoreTexts, type BetweenSteps } from './scoring.ts';

const NEVER = new AbortController().signal;
const between: BetweenSteps = (_tokens, work) => work();
const text = (content: string) => [{ text: content, special: false }];

test('each text is scored after the prompt, whose beginning is evaluated once', async () => {
  const model = new FakeModel();
  const request = { prompt: text('abc'), addBos: false, continuations: [text('xy'), text('z')] };
  const { scores } = await scoreTexts(model, request, [], between, NEVER);
  expect(scores.map(({ tokens }) => tokens)).toEqual([[120, 121], [122]]);
  expect(scores[0]?.logprobs[0]).toBeCloseTo(-1.2);
  expect(scores[0]?.logprobs[1]).toBeCloseTo(-1.21);
  expect(scores[1]?.logprobs).toHaveLength(1);
  expect(model.steps.map((items) => items.map(({ tokens }) => tokens))).toEqual([[[97, 98]], [[99, 120], [99]]]);
  expect(model.openSequences).toBe(0);
});

test('long texts go in slices, one after another', async () => {
  const model = new FakeModel();
  const continuations = [text('x'.repeat(300)), text('y'.repeat(10))];
  const { scores } = await scoreTexts(model, { prompt: text('a'), addBos: false, continuations }, [], between, NEVER);
  expect(scores.map(({ logprobs }) => logprobs.length)).toEqual([300, 10]);
  expect(model.steps.map((items) => items.reduce((sum, { tokens }) => sum + tokens.length, 0))).toEqual([256, 54]);
});

test('what cannot be scored is refused, and a cancelled call leaves nothing', async () => {
  const model = new FakeModel();
  const score = (continuations: string[], signal = NEVER): Promise<unknown> =>
    scoreTexts(
      model,
      { prompt: text('ab'), addBos: false, continuations: continuations.map(text) },
      [],
      between,
      signal,
    );
  await expect(score([])).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(score([''])).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(score(['x'.repeat(10_000)])).rejects.toMatchObject({ code: 'context_overflow' });
  await expect(score(['x'], AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  expect(model.openSequences).toBe(0);
});
