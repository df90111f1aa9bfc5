import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SseParser } from './sse.ts';

test('events end with an empty line; comments and other fields are ignored', () => {
  const parser = new SseParser();
  expect(parser.push(': hello\nevent: x\ndata: 1\ndata: 2\n\ndata:3\r\n\r\ndata: 4')).toEqual(['1\n2', '3']);
  expect(parser.push('\n\n')).toEqual(['4']);
});

test('chunks may break anywhere', () => {
  const stream = 'data: {"a":1}\n\n: c\r\n\r\ndata: zwei\r\n\r\ndata: [DONE]\n\n';
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
      const parser = new SseParser();
      const at = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const events = at.slice(1).flatMap((end, i) => parser.push(stream.slice(at[i], end)));
      expect(events).toEqual(['{"a":1}', 'zwei', '[DONE]']);
    }),
  );
});
