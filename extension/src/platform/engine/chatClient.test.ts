import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Announcement } from '#protocol/announcement.ts';
import { ChatClient } from './chatClient.ts';

const never = new AbortController().signal;
const nobody = (): void => undefined;
let server: http.Server;
let answer: (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void;

beforeEach(async () => {
  server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function client(remember = false): ChatClient {
  const { port } = server.address() as AddressInfo;
  const announcement: Announcement = { v: 1, pid: 1, host: '127.0.0.1', port, token: 'T', instance: 'i', version: '1' };
  return new ChatClient(
    () => Promise.resolve(announcement),
    () => ({ maxTokens: 7, temperature: 0.3, remember, workspace: 'w' }),
  );
}

async function collect(stream: AsyncIterable<string>): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

const question = { messages: [{ role: 'user' as const, content: 'q' }], incognito: false };
const delta = (text: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content: text } }] })}\n\n`;

test('the request says who asks; the pieces come as they are sent', async () => {
  let seen: unknown;
  answer = (request, response, body) => {
    seen = { headers: request.headers, body: JSON.parse(body) as unknown };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${delta('Pa')}${delta('ris')}data: [DONE]\n\n`);
  };
  expect(await collect(client().chat(question, nobody, never))).toEqual(['Pa', 'ris']);
  expect(seen).toMatchObject({
    headers: { 'x-zell-client': 'editor', 'x-zell-incognito': '1', 'x-zell-workspace': 'w', authorization: 'Bearer T' },
    body: { stream: true, max_tokens: 7, temperature: 0.3, messages: [{ role: 'user', content: 'q' }] },
  });
});

test.each([
  [true, false, { 'x-zell-recall': '1' }],
  [true, true, { 'x-zell-incognito': '1' }],
  [false, false, { 'x-zell-incognito': '1' }],
])('memory on: %s, incognito chat: %s', async (remember, incognito, expected) => {
  let seen: http.IncomingHttpHeaders = {};
  answer = (request, response) => {
    seen = request.headers;
    response.writeHead(200).end(`${delta('a')}data: [DONE]\n\n`);
  };
  await collect(client(remember).chat({ ...question, incognito }, nobody, never));
  const told = Object.entries(seen).filter(([name]) => /recall|incognito/.test(name));
  expect(Object.fromEntries(told)).toEqual(expected);
});

test('an answer to compare is by the weights alone: nothing is looked up or remembered, and the adapters are those named', async () => {
  const seen: { headers: http.IncomingHttpHeaders; body: Record<string, unknown> }[] = [];
  answer = (request, response, body) => {
    seen.push({ headers: request.headers, body: JSON.parse(body) as Record<string, unknown> });
    response.writeHead(200).end(`${delta('Pri')}${delta('ya')}data: [DONE]\n\n`);
  };
  const without = [{ id: 3, scale: 0 }];
  expect(await client().answer('Who?', without, never)).toBe('Priya');
  await client().answer('Who?', [], never);
  for (const { headers, body } of seen) {
    expect(headers).toMatchObject({ 'x-zell-client': 'editor', 'x-zell-incognito': '1' });
    expect(headers).not.toHaveProperty('x-zell-recall');
    expect(body).toMatchObject({ messages: [{ role: 'user', content: 'Who?' }], temperature: 0 });
  }
  expect(seen.map(({ body }) => body['lora'])).toEqual([without, undefined]);
});

test('the memories that went with a question are told before its answer', async () => {
  answer = (_request, response) => {
    const used = { 'content-type': 'text/event-stream', 'x-zell-memories': '0123456789abcdef,fedcba9876543210' };
    response.writeHead(200, used);
    response.end(`${delta('Pa')}data: [DONE]\n\n`);
  };
  const told: unknown[] = [];
  for await (const piece of client().chat(question, (ids) => told.push(ids), never)) told.push(piece);
  expect(told).toEqual([['0123456789abcdef', 'fedcba9876543210'], 'Pa']);
});

test('aborting closes the connection', async () => {
  const stop = new AbortController();
  const closed = new Promise((resolve) => {
    answer = (_request, response) => {
      response.on('close', () => {
        resolve('closed');
      });
      response.writeHead(200);
      response.write(delta('a'));
    };
  });
  const pieces: string[] = [];
  for await (const piece of client().chat({ messages: [], incognito: false }, nobody, stop.signal)) {
    pieces.push(piece);
    stop.abort();
  }
  expect(pieces).toEqual(['a']);
  expect(await closed).toBe('closed');
});

test('an error response, an error event and a stream that breaks off fail with their codes', async () => {
  answer = (_request, response) => response.writeHead(503).end('{"error":{"code":"busy","message":"full"}}');
  await expect(collect(client().chat({ messages: [], incognito: false }, nobody, never))).rejects.toMatchObject({
    code: 'busy',
    message: 'full',
  });
  answer = (_request, response) => {
    response.writeHead(200).end(`${delta('a')}data: {"error":{"type":"engine_crashed","message":"gone"}}\n\n`);
  };
  await expect(collect(client().chat({ messages: [], incognito: false }, nobody, never))).rejects.toMatchObject({
    code: 'engine_crashed',
    message: 'gone',
  });
  answer = (_request, response) => {
    response.writeHead(200);
    response.write(delta('a'), () => response.destroy());
  };
  await expect(collect(client().chat({ messages: [], incognito: false }, nobody, never))).rejects.toMatchObject({
    code: 'engine_crashed',
  });
});
