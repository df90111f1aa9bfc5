/** Clients that send or read slowly, or not at all: they lose their connection in time, and nobody else waits for them. */
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { testHost, type TestHost } from './testing.ts';

const CLIENTS = 20;
let host: TestHost;
const sockets: Socket[] = [];
beforeAll(async () => {
  // The limits of the product are minutes; what they do is the same.
  host = await testHost({ bodyMs: 600 }, undefined, (server) => {
    server.headersTimeout = 300;
    server.requestTimeout = 1200;
    Object.assign(server, { connectionsCheckingInterval: 50 });
  });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => host.close());

/** Sends the beginning of a request, then a byte now and then. @returns all that came back, once the connection is closed */
function trickle(beginning: string): Promise<string> {
  const { hostname, port } = new URL(host.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
  socket.on('error', () => undefined);
  socket.write(beginning.replace('HOST', `${hostname}:${port}`));
  const more = setInterval(() => socket.writable && socket.write('a'), 40);
  return new Promise((resolve) => {
    socket.once('close', () => {
      clearInterval(more);
      resolve(answer);
    });
  });
}

const answered = async () => (await fetch(`${host.url}/completion`, { method: 'POST', body: '{"prompt":"a"}' })).status;

test.each([
  ['heads', 'POST /completion HTTP/1.1\r\nHost: HOST\r\nX-A: '],
  ['bodies', 'POST /completion HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1000000\r\n\r\n{"prompt":"'],
  ['bodies that nobody asked for', 'GET /health HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1000000\r\n\r\n'],
  ['bodies of unknown length', 'POST /completion HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{'],
])('%s that never end', async (_what, beginning) => {
  const all = Array.from({ length: CLIENTS }, () => trickle(beginning));
  expect(await answered()).toBe(200);
  for (const answer of await Promise.all(all)) expect(answer.slice(0, 12)).toMatch(/^HTTP\/1\.1 (408|200)$/);
  expect(await answered()).toBe(200);
});

test('an answer may take longer than a request', async () => {
  host.engine.delayMs = 200;
  const body = JSON.stringify({ prompt: 'a', stream: true });
  const reply = await fetch(`${host.url}/completion`, { method: 'POST', body });
  expect(await reply.text()).toContain('"stop":true');
  host.engine.delayMs = 0;
});

test('clients that never read hold nobody else up, and what waits for them is bounded', async () => {
  const before = host.engine.words;
  let given = 0;
  const endless = function* (): Generator<string> {
    for (; given < 400_000; given++) yield 'x'.repeat(4096);
  };
  host.engine.words = { [Symbol.iterator]: endless } as unknown as readonly string[];
  const { hostname, port } = new URL(host.url);
  const body = '{"prompt":"a","stream":true}';
  for (let i = 0; i < CLIENTS; i++) {
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    socket.pause().on('error', () => undefined);
    socket.write(
      `POST /completion HTTP/1.1\r\nHost: HOST\r\nContent-Length: ${body.length}\r\n\r\n${body}`.replace(
        'HOST',
        `${hostname}:${port}`,
      ),
    );
  }
  // They have been given all that they take when the number stands still.
  for (let last = -1; last !== given || given === 0;) {
    last = given;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  expect(given).toBeLessThan(400_000);
  host.engine.words = before;
  expect(await answered()).toBe(200);
});
