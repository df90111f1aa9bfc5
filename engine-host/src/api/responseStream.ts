/** A response that is written piece by piece: SSE or NDJSON, with back-pressure. */
import { once, type EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Undefined when the client keeps up; otherwise resolves when it has read what it was sent, or has gone. Never rejects. */
export type Written = Promise<void> | undefined;

/** A client that has read nothing for so long does not count as there any more. */
const STALLED_MS = 600_000;
/** Characters that are gathered before they are written all the same. */
const MOST_PENDING = 16_384;

const OPEN = new WeakMap<FastifyReply, ResponseStream>();

export class ResponseStream {
  readonly #raw: ServerResponse;
  readonly #signal: AbortSignal;
  /** Chunks are framed here: Node would send each as four pieces. */
  readonly #framed: boolean;
  /** Written in this turn, not sent yet. */
  #pending = '';

  private constructor(raw: ServerResponse, signal: AbortSignal) {
    this.#raw = raw;
    this.#signal = signal;
    this.#framed = raw.chunkedEncoding;
    raw.chunkedEncoding = false;
  }

  /** The stream that a reply has become. */
  static of(reply: FastifyReply): ResponseStream | undefined {
    return OPEN.get(reply);
  }

  /** Takes the reply out of Fastify's hands and sends the head; the stream as it is where that was done before. */
  static open(
    reply: FastifyReply,
    contentType: 'text/event-stream' | 'application/x-ndjson',
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): ResponseStream {
    const before = OPEN.get(reply);
    if (before !== undefined) return before;
    reply.hijack();
    const raw = reply.raw;
    raw.socket?.setNoDelay(true);
    const set: Record<string, string> = {};
    for (const [name, value] of Object.entries(reply.getHeaders())) if (typeof value === 'string') set[name] = value;
    raw.writeHead(200, {
      ...set,
      'content-type': contentType === 'text/event-stream' ? 'text/event-stream; charset=utf-8' : contentType,
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
      ...headers,
    });
    raw.flushHeaders();
    const stream = new ResponseStream(raw, signal);
    OPEN.set(reply, stream);
    return stream;
  }

  /** SSE without an event name. */
  data(value: unknown): Written {
    return this.dataJson(JSON.stringify(value));
  }

  dataJson(json: string): Written {
    return this.#write(`data: ${json}\n\n`);
  }

  event(name: string, value: unknown): Written {
    return this.eventJson(name, JSON.stringify(value));
  }

  eventJson(name: string, json: string): Written {
    return this.#write(`event: ${name}\ndata: ${json}\n\n`);
  }

  /** A sign of life that clients skip. */
  comment(): Written {
    return this.#write(':\n\n');
  }

  /** The end mark of OpenAI streams. */
  doneMark(): Written {
    return this.#write('data: [DONE]\n\n');
  }

  line(value: unknown): Written {
    return this.#write(`${JSON.stringify(value)}\n`);
  }

  end(): void {
    const raw = this.#raw;
    if (raw.writableEnded) return;
    if (this.#framed) this.#pending += '0\r\n\r\n';
    this.#flush();
    raw.end();
  }

  /** What is written in one turn of the event loop leaves in one piece: each that is sent wakes the client. */
  #write(text: string): Written {
    const raw = this.#raw;
    if (raw.destroyed || raw.writableEnded) return undefined;
    if (this.#pending === '') process.nextTick(() => this.#flush());
    this.#pending += this.#framed ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text;
    if (this.#pending.length >= MOST_PENDING) this.#flush();
    const full = this.#full();
    return full === undefined || this.#signal.aborted ? undefined : this.#drained(full);
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = '';
    const raw = this.#raw;
    if (pending === '' || raw.destroyed || raw.writableEnded) return;
    // Chunks are framed here, so once the head is out the socket does all that is left, in half of the time.
    const socket = raw.writableLength === 0 ? raw.socket : null;
    if (socket === null) raw.write(pending);
    else socket.write(pending);
  }

  /** Who tells when the client has read what it was sent; undefined while it keeps up. */
  #full(): EventEmitter | undefined {
    const raw = this.#raw;
    if (raw.writableNeedDrain) return raw;
    return raw.socket?.writableNeedDrain === true ? raw.socket : undefined;
  }

  /** Waits while the client reads more slowly than we write; gives up when it has gone, or reads nothing at all. */
  async #drained(full: EventEmitter): Promise<void> {
    const stalled = setTimeout(() => this.#raw.destroy(), STALLED_MS);
    await once(full, 'drain', { signal: this.#signal }).catch(() => undefined);
    clearTimeout(stalled);
  }
}
