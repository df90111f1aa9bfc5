/** A response that is written piece by piece: SSE or NDJSON, with back-pressure. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

export class ResponseStream {
  readonly #raw: ServerResponse;
  readonly #signal: AbortSignal;

  private constructor(raw: ServerResponse, signal: AbortSignal) {
    this.#raw = raw;
    this.#signal = signal;
  }

  /** Takes the reply out of Fastify's hands and sends the head. */
  static open(
    reply: FastifyReply,
    contentType: 'text/event-stream' | 'application/x-ndjson',
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): ResponseStream {
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
    return new ResponseStream(raw, signal);
  }

  /** SSE without an event name. */
  data(value: unknown): Promise<void> {
    return this.#write(`data: ${JSON.stringify(value)}\n\n`);
  }

  event(name: string, value: unknown): Promise<void> {
    return this.#write(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
  }

  /** A sign of life that clients skip. */
  comment(): Promise<void> {
    return this.#write(':\n\n');
  }

  /** The end mark of OpenAI streams. */
  doneMark(): Promise<void> {
    return this.#write('data: [DONE]\n\n');
  }

  line(value: unknown): Promise<void> {
    return this.#write(`${JSON.stringify(value)}\n`);
  }

  end(): void {
    if (!this.#raw.writableEnded) this.#raw.end();
  }

  /** Waits while the client reads more slowly than we write; gives up when it has gone. */
  async #write(text: string): Promise<void> {
    if (this.#raw.destroyed || this.#raw.writableEnded) return;
    if (this.#raw.write(text) || this.#signal.aborted) return;
    await once(this.#raw, 'drain', { signal: this.#signal }).catch(() => undefined);
  }
}
