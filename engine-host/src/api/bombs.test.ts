/** Small requests that would be large work: refused or bounded, and the next request is answered. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAX_BODY_BYTES, MAX_VALUES } from './body.ts';
import { testHost, type TestHost } from './testing.ts';

let host: TestHost;
beforeAll(async () => {
  host = await testHost();
});
afterAll(() => host.close());

const user = (content: unknown) => [{ role: 'user', content }];
const many = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const named = (count: number, value: unknown) => Object.fromEntries(many(count, 0).map((_, i) => [`k${i}`, value]));
const CHATS = ['/v1/chat/completions', '/v1/messages', '/api/chat'];
const TEXTS = ['/v1/completions', '/completion', '/api/generate'];
const chat = (more: object) => CHATS.map((url) => [url, { messages: user('Hi'), max_tokens: 5, ...more }] as const);
const plain = (more: object) => TEXTS.map((url) => [url, { prompt: 'Hi', ...more }] as const);

const LARGE = 100_000;
const BOMBS: Readonly<Record<string, readonly (readonly [url: string, body: object])[]>> = {
  'stop texts': [
    ...chat({ stop: many(LARGE, 'a'), stop_sequences: many(LARGE, 'a'), options: { stop: many(LARGE, 'a') } }),
    ...plain({ stop: many(LARGE, 'a'), options: { stop: many(LARGE, 'a') } }),
  ],
  'one long stop text': [...chat({ stop: 'a'.repeat(4e6), stop_sequences: ['a'.repeat(4e6)] })],
  answers: [...chat({ n: 1e9 }), ...plain({ n: 1e9, best_of: 1e9, n_probs: 1e9 })],
  prompts: [...plain({ prompt: many(LARGE, 'a') }), ['/v1/embeddings', { input: many(LARGE, 'a') }]],
  'texts to tokenize': [['/tokenize', { content: many(LARGE, 'a') }]],
  messages: chat({ messages: many(LARGE, user('a')[0]) }),
  'parts of a content': chat({ messages: user(many(LARGE, { type: 'text', text: 'a' })) }),
  tools: chat({ tools: many(20_000, { type: 'function', name: 't', input_schema: {}, function: { name: 't' } }) }),
  'a deep schema': chat({
    tools: [{ type: 'function', name: 't', function: { name: 't', parameters: nest(120) }, input_schema: nest(120) }],
    response_format: { type: 'json_schema', json_schema: { schema: nest(110) } },
    format: nest(120),
  }),
  biases: [...chat({ logit_bias: named(LARGE, 1) }), ...plain({ logit_bias: named(LARGE, 1) })],
  'template variables': chat({ chat_template_kwargs: named(LARGE, true) }),
  adapters: [...chat({ lora: many(LARGE, { id: 0, scale: 1 }) }), ['/lora-adapters', many(LARGE, { id: 0, scale: 1 })]],
  'an image that unpacks to gigabytes': chat({
    messages: [
      {
        ...user([{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(4e6)}` } }])[0],
        images: ['A'.repeat(4e6)],
      },
    ],
  }),
  'a grammar of megabytes': [...chat({ grammar: 'root ::= "a" '.repeat(3e5) }), ...plain({ grammar: 'x'.repeat(4e6) })],
  'fields of the answer': [['/infill', { input_prefix: 'a', response_fields: many(LARGE, 'a/b/c') }]],
  'a name of megabytes': [...chat({ model: 'a:'.repeat(2e6) }), ['/api/show', { model: '../'.repeat(1e6) }]],
};

/** A schema in a schema in a schema. */
function nest(levels: number): object {
  return levels === 0 ? { type: 'string' } : { type: 'array', items: nest(levels - 1) };
}

test.each(Object.entries(BOMBS))('%s', async (_name, requests) => {
  for (const [url, body] of requests) {
    const signal = AbortSignal.timeout(30_000);
    const reply = await fetch(host.url + url, { method: 'POST', body: JSON.stringify(body), signal });
    const text = await reply.text();
    expect(
      reply.status === 200 || (reply.status >= 400 && reply.status < 500),
      `${url}: ${reply.status} ${text.slice(0, 300)}`,
    ).toBe(true);
    // Names and texts do not come back at length.
    if (reply.status !== 200) expect(text.length).toBeLessThan(1000);
    // More work than this is never made of one request.
    expect(host.engine.requests.splice(0).length).toBeLessThanOrEqual(64);
    expect(host.engine.calls.splice(0).length).toBeLessThanOrEqual(4200);
  }
  expect((await fetch(`${host.url}/health`)).status).toBe(200);
  expect(host.bugs).toEqual([]);
});

test('a body of values without end is refused before it is read into objects', async () => {
  const body = `{"messages":[{"role":"user","content":"Hi"}],"x":[${'{},'.repeat(MAX_VALUES)}0]}`;
  const reply = await fetch(`${host.url}/v1/chat/completions`, { method: 'POST', body });
  expect(reply.status).toBe(400);
  expect(await reply.text()).toContain('values');
  // Commas and brackets in a text are none.
  const text = `${'{},'.repeat(MAX_VALUES)}\\"\\\\`;
  const fine = await fetch(`${host.url}/tokenize`, {
    method: 'POST',
    body: `{"x":${JSON.stringify(text)},"content":"a"}`,
  });
  expect(fine.status).toBe(200);
});

test('a body without a length ends at the limit', async () => {
  const { hostname, port } = new URL(host.url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  socket.write(`POST /api/chat HTTP/1.1\r\nHost: ${hostname}:${port}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const piece = 'a'.repeat(1024 * 1024);
  let sent = 0;
  while (!socket.destroyed && answer === '' && sent < 4 * MAX_BODY_BYTES) {
    if (!socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`))
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    sent += piece.length;
  }
  expect(sent).toBeLessThan(2 * MAX_BODY_BYTES);
  socket.end();
  await closed;
  expect(answer === '' || answer.startsWith('HTTP/1.1 413')).toBe(true);
});

test('a head without end is refused', async () => {
  const { hostname, port } = new URL(host.url);
  for (const head of [
    `GET /${'a'.repeat(1e5)} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${'X-A: b\r\n'.repeat(1e5)}\r\n`,
  ]) {
    const status = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write(head));
      socket.once('data', (data) => resolve(data.toString('latin1').slice(0, 12)));
      socket.on('error', () => resolve('HTTP/1.1 431'));
    });
    expect(status).toBe('HTTP/1.1 431');
  }
});
