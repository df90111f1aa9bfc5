import { expect, test } from 'vitest';
import type { FrontFrame } from './engine.ts';
import { ZellError } from './errors.ts';
import { FrameDecoder, asEngineFrame, asFrontFrame, encodeFrame } from './frames.ts';

const FRAMES: readonly FrontFrame[] = [
  { type: 'cancel', id: 1 },
  {
    type: 'call',
    id: 2,
    method: 'tokenize',
    params: { text: 'naïve 🦊 \u2028 \ud800', addSpecial: true, parseSpecial: false },
  },
  { type: 'cancel', id: 3 },
];

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

test('frames survive a cut at every byte, and arrive as soon as they are complete', () => {
  const encoded = FRAMES.map((f) => encodeFrame(f));
  const stream = joined(encoded);
  const expected = JSON.parse(JSON.stringify(FRAMES)) as unknown;
  for (let cut = 0; cut <= stream.length; cut++) {
    const decoder = new FrameDecoder();
    const values = [...decoder.push(stream.subarray(0, cut)), ...decoder.push(stream.subarray(cut))];
    expect(values).toEqual(expected);
    expect(decoder.atBorder).toBe(true);
  }
  const decoder = new FrameDecoder();
  const arrivals: number[] = [];
  stream.forEach((_, at) => {
    decoder.push(stream.subarray(at, at + 1)).forEach(() => arrivals.push(at + 1));
  });
  expect(arrivals).toEqual([encoded[0]!.length, encoded[0]!.length + encoded[1]!.length, stream.length]);
});

test('a chunk may be overwritten as soon as it was pushed', () => {
  const decoder = new FrameDecoder();
  const stream = joined(FRAMES.map((f) => encodeFrame(f)));
  const buffer = new Uint8Array(7);
  const values: unknown[] = [];
  for (let at = 0; at < stream.length; at += buffer.length) {
    const part = stream.subarray(at, at + buffer.length);
    buffer.set(part);
    values.push(...decoder.push(buffer.subarray(0, part.length)));
    buffer.fill(0xff);
  }
  expect(values).toEqual(JSON.parse(JSON.stringify(FRAMES)));
});

test('a stream that ends inside a frame is known to be cut', () => {
  const decoder = new FrameDecoder();
  decoder.push(encodeFrame({ type: 'cancel', id: 1 }).subarray(0, 4));
  expect(decoder.atBorder).toBe(false);
});

test('a length above the limit is refused before the body arrives', () => {
  expect(() => new FrameDecoder().push(new Uint8Array([255, 255, 255, 255]))).toThrow(ZellError);
  expect(() => new FrameDecoder(10).push(new Uint8Array([11, 0, 0, 0]))).toThrow(/11 bytes exceeds the limit of 10/);
  expect(() => encodeFrame({ type: 'cancel', id: 1 }, 10)).toThrow(/exceeds the limit/);
});

test.each([
  ['no JSON', [2, 0, 0, 0, 0x7b, 0x7b]],
  ['an empty body', [0, 0, 0, 0]],
  ['broken UTF-8', [3, 0, 0, 0, 0x22, 0xff, 0x22]],
])('a body with %s ends the connection without quoting it', (_name, bytes) => {
  expect(() => new FrameDecoder().push(new Uint8Array(bytes))).toThrow(/bytes that are not UTF-8 JSON/);
});

test.each([
  null,
  7,
  [],
  {},
  { type: 'cancel' },
  { type: 'cancel', id: -1 },
  { type: 'cancel', id: '1' },
  { type: 'generate', id: 1 },
  { type: 'call', id: 1, method: 'toString', params: {} },
  { type: 'call', id: 1, method: 'load' },
])('a value of another shape is no frame from the front: %j', (value) => {
  expect(() => asFrontFrame(value)).toThrow(/pipe carried/);
});

test.each([
  null,
  {},
  { type: 'result' },
  { type: 'step', events: [{}], queue: {} },
  { type: 'step', events: [], queue: 7 },
  { type: 'error', id: 1, error: { code: 'no such code' } },
  { type: 'hello', protocol: '1' },
])('a value of another shape is no frame from the engine: %j', (value) => {
  expect(() => asEngineFrame(value)).toThrow(/pipe carried/);
});

test('frames of the right shape pass the guards untouched', () => {
  for (const frame of FRAMES) expect(asFrontFrame(frame)).toBe(frame);
  const step = { type: 'step', events: [{ id: 1, event: { type: 'accepted' } }], queue: {} };
  expect(asEngineFrame(step)).toBe(step);
  const sameQueue = { type: 'step', events: [] };
  expect(asEngineFrame(sameQueue)).toBe(sameQueue);
});
