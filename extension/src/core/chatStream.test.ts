import { expect, test } from 'vitest';
import { errorFromResponse, readChatChunk } from './chatStream.ts';

test('chunks of a stream', () => {
  expect(readChatChunk('{"choices":[{"delta":{"role":"assistant","content":""}}]}')).toEqual({ type: 'other' });
  expect(readChatChunk('{"choices":[{"delta":{"content":"Hi"}}]}')).toEqual({ type: 'text', text: 'Hi' });
  expect(readChatChunk('{"choices":[{"delta":{},"finish_reason":"stop"}]}')).toEqual({
    type: 'finish',
    reason: 'stop',
  });
  expect(readChatChunk('[DONE]')).toEqual({ type: 'end' });
  expect(readChatChunk('not json')).toEqual({ type: 'other' });
});

test('an error in the stream is thrown with its code', () => {
  expect(() => readChatChunk('{"error":{"code":"engine_crashed","message":"gone"}}')).toThrow(
    expect.objectContaining({ code: 'engine_crashed', message: 'gone' }),
  );
});

test('an error response keeps the code that it can', () => {
  expect(
    errorFromResponse(400, '{"error":{"type":"context_overflow","message":"too long","code":null}}'),
  ).toMatchObject({
    code: 'context_overflow',
    message: 'too long',
  });
  expect(errorFromResponse(503, '<html>')).toMatchObject({ code: 'busy' });
  expect(errorFromResponse(401, '{}')).toMatchObject({ code: 'unauthorized' });
});
