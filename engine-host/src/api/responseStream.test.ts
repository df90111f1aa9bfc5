/** What a streamed answer looks like on the wire: chunks of our own framing, one for each event, and a connection that lives on. */
import http from 'node:http';
import net from 'node:net';
import type { FastifyReply } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { ResponseStream } from './responseStream.ts';

let server: http.Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Serves what `answer` streams. @returns the port */
function serve(answer: (stream: ResponseStream) => void | Promise<void>): Promise<number> {
  const created = http.createServer((_request, raw) => {
    const reply = { raw, hijack: () => undefined, getHeaders: () => ({}) } as unknown as FastifyReply;
    void answer(ResponseStream.open(reply, 'text/event-stream', new AbortController().signal));
  });
  server = created;
  return new Promise((resolve) => {
    created.listen(0, '127.0.0.1', () => resolve((created.address() as net.AddressInfo).port));
  });
}

/** Everything that comes back for these bytes until `enough` of them are there. */
function exchange(port: number, request: string, enough: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(request));
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (enough(text)) socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(text));
  });
}

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('each event is one chunk of its length in bytes, and the next request on the connection is answered', async () => {
  const port = await serve((stream) => {
    expect(stream.data({ text: 'naïve 🦊' })).toBeUndefined();
    void stream.comment();
    stream.end();
  });
  const text = await exchange(port, GET + GET, (t) => t.split('\r\n0\r\n\r\n').length === 3);
  const answers = text.split('HTTP/1.1 200 OK').slice(1);
  expect(answers).toHaveLength(2);
  for (const answer of answers) {
    const [head = '', body] = answer.split(/\r\n\r\n(.*)/s);
    expect(head.toLowerCase()).toContain('transfer-encoding: chunked');
    const event = 'data: {"text":"naïve 🦊"}\n\n';
    expect(body).toBe(`${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n3\r\n:\n\n\r\n0\r\n\r\n`);
  }
});

test('what is written in one turn is sent at once, each event still a chunk of its own', async () => {
  const pieces: string[] = [];
  const port = await serve(async (stream) => {
    await Promise.resolve();
    for (const n of [1, 2, 3]) void stream.data(n);
    setTimeout(() => {
      void stream.data(4);
      stream.end();
    }, 50);
  });
  await new Promise<void>((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(GET));
    socket.setEncoding('utf8').on('data', (piece: string) => {
      pieces.push(piece.slice(piece.indexOf('data: ')));
      if (piece.endsWith('0\r\n\r\n')) socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
  const chunk = (n: number): string => `9\r\ndata: ${n}\n\n\r\n`;
  const events = `${chunk(1)}${chunk(2)}${chunk(3)}`;
  // The head may come apart.
  expect(pieces.slice(-2)).toEqual([events.slice(3), `${chunk(4)}0\r\n\r\n`.slice(3)]);
});

test('a client of HTTP/1.0 gets the bare events until the connection ends', async () => {
  const port = await serve((stream) => {
    void stream.line({ done: true });
    stream.end();
  });
  const text = await exchange(port, 'GET / HTTP/1.0\r\n\r\n', () => false);
  expect(text.toLowerCase()).not.toContain('transfer-encoding');
  expect(text.split('\r\n\r\n')[1]).toBe('{"done":true}\n');
});

test('a slow client is waited for', async () => {
  let waited = 0;
  const port = await serve(async (stream) => {
    for (let i = 0; i < 16; i++) {
      const written = stream.data('x'.repeat(256 * 1024));
      if (written === undefined) continue;
      waited++;
      await written;
    }
    stream.end();
  });
  const text = await exchange(port, GET, (t) => t.endsWith('\r\n0\r\n\r\n'));
  expect(text.length).toBeGreaterThan(16 * 256 * 1024);
  expect(waited).toBeGreaterThan(0);
});
