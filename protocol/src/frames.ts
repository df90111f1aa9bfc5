/** Framing of the engine pipe: 4 bytes of length (unsigned, little-endian), then that many bytes of UTF-8 JSON. */
import { MAX_FRAME_BYTES, type EngineFrame, type EngineMethod, type FrontFrame } from './engine.ts';
import { ZellError, isErrorCode } from './errors.ts';

// Every runtime of ours has these two; this project compiles without Node's and the DOM's types, so it names what it uses.
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(label: 'utf-8', options: { fatal: boolean });
  decode(bytes: Uint8Array): string;
}

const HEADER_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * One frame, header included.
 * @throws {ZellError} too_large when the JSON has more than `maxBytes` bytes.
 */
export function encodeFrame(value: FrontFrame | EngineFrame, maxBytes = MAX_FRAME_BYTES): Uint8Array {
  const body = encoder.encode(JSON.stringify(value));
  if (body.length > maxBytes) throw tooLarge(body.length, maxBytes);
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(frame.buffer).setUint32(0, body.length, true);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * Cuts a byte stream into the JSON values of its frames, however the stream was chunked.
 * After an error the stream has no known frame border any more: drop the connection.
 */
export class FrameDecoder {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Bytes of the body that is being collected; undefined while a header is. */
  #bodyBytes: number | undefined;

  constructor(maxBytes = MAX_FRAME_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** True between frames: a stream that ends here lost nothing. */
  get atBorder(): boolean {
    return this.#buffered === 0 && this.#bodyBytes === undefined;
  }

  /**
   * The values completed by `chunk`. Keeps a copy of the rest of it.
   * @throws {ZellError} too_large before any of the body is collected; internal for a body that is not UTF-8 JSON.
   */
  push(chunk: Uint8Array): unknown[] {
    const values: unknown[] = [];
    // Nearly always a chunk is one whole frame or several: those are read where they lie.
    const rest = this.atBorder ? this.#whole(chunk, values) : chunk;
    if (rest.length === 0) return values;
    // Not `slice`, which shares the memory of a Buffer.
    this.#chunks.push(new Uint8Array(rest));
    this.#buffered += rest.length;
    for (;;) {
      if (this.#bodyBytes === undefined) {
        if (this.#buffered < HEADER_BYTES) return values;
        this.#bodyBytes = this.#bodyLength(this.#take(HEADER_BYTES), 0);
      }
      if (this.#buffered < this.#bodyBytes) return values;
      const body = this.#take(this.#bodyBytes);
      this.#bodyBytes = undefined;
      values.push(parseBody(body));
    }
  }

  /** Appends the values of the frames that `chunk` begins with. @returns what comes after them */
  #whole(chunk: Uint8Array, values: unknown[]): Uint8Array {
    let at = 0;
    while (chunk.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + this.#bodyLength(chunk, at);
      if (end > chunk.length) break;
      values.push(parseBody(chunk.subarray(at + HEADER_BYTES, end)));
      at = end;
    }
    return chunk.subarray(at);
  }

  /** What the header at `at` says. */
  #bodyLength(bytes: Uint8Array, at: number): number {
    const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    const length = a + b * 0x100 + c * 0x10000 + d * 0x1000000;
    if (length > this.#maxBytes) throw tooLarge(length, this.#maxBytes);
    return length;
  }

  /** The next `count` buffered bytes; copies only when they lie in several chunks. */
  #take(count: number): Uint8Array {
    this.#buffered -= count;
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= count) {
      if (first.length === count) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const bytes = new Uint8Array(count);
    let filled = 0;
    let used = 0;
    while (filled < count) {
      const chunk = this.#chunks[used] ?? new Uint8Array(0);
      const part = chunk.subarray(0, count - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) used++;
      else this.#chunks[used] = chunk.subarray(part.length);
    }
    this.#chunks.splice(0, used);
    return bytes;
  }
}

// The guards are shallow: both ends come from one build, so they catch a stray writer on the pipe, not an attacker.

const METHODS: Readonly<Record<EngineMethod, true>> = {
  load: true,
  unload: true,
  inspect: true,
  quantize: true,
  measureImportance: true,
  buildDraftHead: true,
  embed: true,
  tokenize: true,
  pieces: true,
  detokenize: true,
  promptTokens: true,
  count: true,
  nextTokens: true,
  score: true,
  loadAdapter: true,
  unloadAdapter: true,
  scaleAdapters: true,
  adapters: true,
  keepPrefix: true,
  forgetPrefixes: true,
  bench: true,
  limits: true,
  survey: true,
  calibrate: true,
  restrain: true,
  expertUses: true,
  stats: true,
};

/** @throws {ZellError} internal when the value is no frame that a front sends. */
export function asFrontFrame(value: unknown): FrontFrame {
  const frame = asRecord(value);
  const ok =
    isId(frame['id']) &&
    (frame['type'] === 'cancel' ||
      (frame['type'] === 'generate' && isRecord(frame['request'])) ||
      (frame['type'] === 'call' &&
        typeof frame['method'] === 'string' &&
        Object.hasOwn(METHODS, frame['method']) &&
        isRecord(frame['params'])));
  if (!ok) throw malformed('a frame of an unknown shape');
  return value as FrontFrame;
}

/** @throws {ZellError} internal when the value is no frame that an engine sends. */
export function asEngineFrame(value: unknown): EngineFrame {
  const frame = asRecord(value);
  if (!isEngineFrame(frame)) throw malformed('a frame of an unknown shape');
  return value as EngineFrame;
}

function isEngineFrame(frame: Record<string, unknown>): boolean {
  switch (frame['type']) {
    case 'hello':
      return isId(frame['protocol']) && typeof frame['version'] === 'string' && typeof frame['isa'] === 'string';
    case 'result':
      return isId(frame['id']);
    case 'error':
      return isId(frame['id']) && isRecord(frame['error']) && isErrorCode(frame['error']['code']);
    case 'progress':
      return isId(frame['id']) && typeof frame['done'] === 'number' && typeof frame['total'] === 'number';
    case 'step':
      return (
        Array.isArray(frame['events']) &&
        frame['events'].every((e: unknown) => isRecord(e) && isId(e['id']) && isRecord(e['event'])) &&
        (frame['queue'] === undefined || isRecord(frame['queue']))
      );
    default:
      return false;
  }
}

function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body)) as unknown;
  } catch {
    // The parser's own message quotes the text, which may be a prompt.
    throw malformed(`${String(body.length)} bytes that are not UTF-8 JSON`);
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw malformed('a value that is not an object');
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function malformed(what: string): ZellError {
  return new ZellError('internal', `The engine pipe carried ${what}.`);
}

function tooLarge(bytes: number, limit: number): ZellError {
  return new ZellError('too_large', `A frame of ${String(bytes)} bytes exceeds the limit of ${String(limit)}.`, {
    details: { bytes, limit },
  });
}
