import { expect, test } from 'vitest';
import { FakeModel } from '../native/fakeModel.ts';
import { calibrate, calibrationTokens } from './calibration.ts';

const NEVER = new AbortController().signal;

test('a text is read as a prompt and then token by token, and leaves nothing behind', async () => {
  const model = new FakeModel();
  let clock = 0;
  const request = { text: 'one two three four', promptTokens: 300, seconds: 60 };
  const seen = await calibrate(model, request, () => (clock += 10), NEVER);
  expect(seen.promptTokens).toBe(300);
  expect(seen.promptMs).toBeGreaterThan(0);
  // Of 160, a quarter is for getting warm.
  expect(seen.decodeTokens).toBe(120);
  expect(seen.decodeMs).toBeGreaterThan(0);
  expect(seen).not.toHaveProperty('experts');
  expect(model.kvUsage().used).toBe(0);
  expect(calibrationTokens(request)).toBeGreaterThanOrEqual(300 + 160);
});

test('time ends it early, but not before something was measured', async () => {
  let clock = 0;
  const request = { text: 'one two three', promptTokens: 10_000, seconds: 1 };
  // Two seconds pass between two looks at the clock.
  const seen = await calibrate(new FakeModel(), request, () => (clock += 2000), NEVER);
  expect(seen.promptTokens).toBeLessThanOrEqual(256);
  expect(seen.decodeTokens).toBe(2);
});

test('it can be cancelled, and needs a text', async () => {
  const model = new FakeModel();
  const request = { text: 'one', promptTokens: 4, seconds: 1 };
  await expect(calibrate(model, request, () => 0, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  expect(model.kvUsage().used).toBe(0);
  await expect(calibrate(model, { ...request, text: '' }, () => 0, NEVER)).rejects.toMatchObject({
    code: 'invalid_request',
  });
});
