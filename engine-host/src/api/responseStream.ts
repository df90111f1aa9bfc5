/** A response that is written piece by piece: SSE or NDJSON, with back-pressure. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Undefined when the client keeps up; otherwise resolves when it has read what it was sent, or has gone. Never rejects. */
export type Written = Promise<void> | undefined;

export class ResponseStream {
  readonly #raw: ServerResponse;
  readonly #signal: AbortSignal;
  /** Chunks are framed here: Node would send each as four pieces. */
  readonly #framed: boolean;

  private constructor(raw: ServerResponse, signal: AbortSignal) {
    this.#raw = raw;
    this.#signal = signal;
    this.#framed = raw.chunkedEncoding;
    raw.chunkedEncoding = false;
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
  data(value: unknown): Written {
    return this.#write(`data: ${JSON.stringify(value)}\n\n`);
  }

  event(name: string, value: unknown): Written {
    return this.#write(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
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
    if (this.#framed && !raw.destroyed) raw.write('0\r\n\r\n', 'latin1');
    raw.end();
  }

  #write(text: string): Written {
    const raw = this.#raw;
    if (raw.destroyed || raw.writableEnded) return undefined;
    const piece = this.#framed ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text;
    if (raw.write(piece) || this.#signal.aborted) return undefined;
    return this.#drained();
  }

  /** Waits while the client reads more slowly than we write; gives up when it has gone. */
  async #drained(): Promise<void> {
    await once(this.#raw, 'drain', { signal: this.#signal }).catch(() => undefined);
  }
}
