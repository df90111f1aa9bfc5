/** Shapes of answers and errors, where the vendors' clients do not look closely. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import { MAX_INFLATED_BYTES } from './body.ts';
import { fakeModels, MODEL, testHost, WORDS, type TestHost } from './testing.ts';

const TEXT = WORDS.join('');
let host: TestHost;
beforeAll(async () => {
  host = await testHost({ heartbeatMs: 30 });
});
afterAll(() => host.close());
afterEach(() => {
  host.engine.refuse = undefined;
  host.engine.crashAfter = undefined;
  host.engine.delayMs = 0;
  host.engine.state = 'ready';
  host.recorded.length = 0;
  expect(host.bugs).toEqual([]);
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, never>;
}
async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const r = await fetch(host.url + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
  const text = await r.text();
  return {
    status: r.status,
    headers: r.headers,
    text,
    json: (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text.split('\n')[0] ?? '') : {}) as never,
  };
}
const sse = (text: string): unknown[] =>
  [...text.matchAll(/^data: (.*)$/gm)].map((m) => (m[1] === '[DONE]' ? '[DONE]' : (JSON.parse(m[1] ?? '') as unknown)));
const chat = { messages: [{ role: 'user', content: 'Hi' }] };

describe('probes', () => {
  test('/ answers GET and HEAD as Ollama does', async () => {
    expect(await (await fetch(host.url)).text()).toBe('Ollama is running');
    expect((await fetch(host.url, { method: 'HEAD' })).status).toBe(200);
  });
  test('/health: status and queue; 503 while loading', async () => {
    const ok = await (await fetch(`${host.url}/health`)).json();
    expect(ok).toEqual({
      status: 'ok',
      state: 'ready',
      model: 'tiny',
      queue: { running: 1, active: 1, waiting: 2, slots: 8, max: 64 },
    });
    host.engine.state = 'loading';
    const loading = await fetch(`${host.url}/v1/health`);
    expect(loading.status).toBe(503);
    expect(await loading.json()).toMatchObject({
      error: { code: 503, message: 'Loading model', type: 'unavailable_error' },
    });
  });
  test('/health says what keeps the engine from full speed, and stays ok', async () => {
    const restraint = { duty: 0.5, memoryShort: false, reason: 'The machine is hot.' };
    const held = await testHost({ restraint: () => restraint });
    const answer = await fetch(`${held.url}/health`);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      expect.objectContaining({ status: 'ok', restraint }) as unknown,
    ]);
    await held.close();
  });
  test('/api/version names this process', async () => {
    const r = (await (await fetch(`${host.url}/api/version`)).json()) as { version: string; zell: object };
    expect(r.zell).toEqual({ version: '0.1.0', instance: 'i-1' });
    const [major, minor] = r.version.split('.').map(Number);
    expect((major ?? 0) * 1000 + (minor ?? 0)).toBeGreaterThanOrEqual(7);
  });
  test('/metrics: llama.cpp names, the same twice', async () => {
    for (let i = 0; i < 2; i++) {
      const text = await (await fetch(`${host.url}/metrics`)).text();
      expect(text).toContain('llamacpp:prompt_tokens_total 10\n');
      expect(text).toContain('# TYPE llamacpp:tokens_predicted_total counter');
      expect(text).toContain('llamacpp:predicted_tokens_seconds 10\n');
      expect(text).toContain('llamacpp:requests_deferred 2\n');
    }
  });
  test('/props', async () => {
    expect(await (await fetch(`${host.url}/props`)).json()).toMatchObject({
      default_generation_settings: { n_ctx: 512 },
      total_slots: 8,
      model_path: MODEL.path,
      build_info: 'zell-0.1.0',
      modalities: { vision: false },
    });
  });
});

describe('bodies', () => {
  test('JSON whatever the content type says', async () => {
    expect((await post('/api/generate', { model: 'tiny', prompt: 'Hi', stream: false })).json).toMatchObject({
      response: TEXT,
    });
    expect((await post('/v1/chat/completions', chat, { 'content-type': 'nonsense' })).status).toBe(200);
  });
  test.each([
    ['/v1/chat/completions', { error: { type: 'invalid_request_error', code: 'invalid_request' } }],
    ['/v1/messages', { type: 'error', error: { type: 'invalid_request_error' } }],
    ['/api/chat', { error: 'The body is not valid JSON.' }],
    ['/completion', { error: { code: 400, type: 'invalid_request_error' } }],
  ])('%s: broken, empty, wrong, too deep, packed', async (path, shape) => {
    const broken = await post(path, '{"a": "my secret prompt');
    expect(broken.status).toBe(400);
    expect(broken.json).toMatchObject(shape);
    expect(broken.text).not.toContain('secret');
    expect((await post(path, '')).status).toBe(400);
    expect((await post(path, '[]')).status).toBe(400);
    expect((await post(path, '"x"')).status).toBe(400);
    const valid = '"messages":[{"role":"user","content":"Hi"}],"prompt":"a","max_tokens":5,"stream":false';
    expect((await post(path, `{${valid},"x":${'['.repeat(100)}${']'.repeat(100)}}`)).status).toBe(200);
    const deep = await post(path, `{${valid},"x":${'['.repeat(200)}${']'.repeat(200)}}`);
    expect(deep.status).toBe(400);
    expect(deep.text).toContain('levels deep');
    expect((await post(path, chat, { 'content-encoding': 'gzip' })).status).toBe(400);
    const packed = (encoding: string, body: Uint8Array): Promise<Response> =>
      fetch(host.url + path, { method: 'POST', headers: { 'content-encoding': encoding }, body: new Uint8Array(body) });
    expect((await packed('gzip', gzipSync(`{${valid}}`))).status).toBe(200);
    for (const encoding of ['br', 'gzip, gzip', 'constructor'])
      expect((await packed(encoding, gzipSync('{}'))).status).toBe(415);
    // A thousandth of what it unpacks to, and far below the limit on plain bodies.
    const bomb = await packed('gzip', gzipSync(Buffer.alloc(MAX_INFLATED_BYTES + 1, ' ')));
    expect(bomb.status).toBe(413);
    expect(await bomb.text()).toContain('20 MiB');
  });
  test('too large', async () => {
    const response = await fetch(`${host.url}/v1/messages`, {
      method: 'POST',
      body: new Uint8Array(64 * 1024 * 1024 + 1),
    }).catch(() => undefined);
    // The server may close before the client has sent everything.
    if (response !== undefined) {
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ error: { type: 'request_too_large' } });
    }
  });
  test('unknown fields pass', async () => {
    const odd = {
      ...chat,
      store: true,
      metadata: { a: 1 },
      reasoning_effort: 'low',
      __proto__x: 1,
      service_tier: null,
    };
    expect((await post('/v1/chat/completions', odd)).status).toBe(200);
  });
});

describe('404 and 405', () => {
  test.each([
    ['/v1/nowhere', { error: { type: 'not_found_error', code: 'not_found' } }],
    ['/api/nowhere', { error: 'There is no such route.' }],
    ['/nowhere', { error: { code: 404, type: 'not_found_error' } }],
  ])('%s', async (path, shape) => {
    const r = await post(path, '{}');
    expect(r.status).toBe(404);
    expect(r.json).toMatchObject(shape);
  });
  test('wrong methods', async () => {
    for (const path of ['/v1/chat/completions', '/v1/messages', '/api/chat', '/infill']) {
      const r = await fetch(host.url + path);
      expect(r.status, path).toBe(405);
      expect(r.headers.get('allow')).toBe('POST');
    }
    expect((await post('/health', '{}')).status).toBe(405);
  });
});

describe('overload and refusals', () => {
  test('busy: 503 or 529, with Retry-After', async () => {
    host.engine.refuse = new ZellError('busy', 'The queue is full.');
    const bodies = {
      '/v1/chat/completions': chat,
      '/api/chat': chat,
      '/completion': { prompt: 'a' },
      '/v1/messages': { ...chat, max_tokens: 5 },
    };
    for (const [path, body] of Object.entries(bodies))
      for (const stream of [true, false]) {
        const r = await post(path, { ...body, stream });
        expect(r.status, path).toBe(path === '/v1/messages' ? 529 : 503);
        expect(r.headers.get('retry-after')).toBe('1');
      }
  });
  test('a prompt that is too long, in each family', async () => {
    const long = { messages: [{ role: 'user', content: 'x'.repeat(4000) }] };
    for (const stream of [false, true]) {
      const chatAnswer = await post('/v1/chat/completions', { ...long, stream });
      expect(chatAnswer.status).toBe(400);
      expect(chatAnswer.json).toMatchObject({
        error: {
          code: 'context_length_exceeded',
          type: 'invalid_request_error',
          message: expect.stringMatching(
            /^This model's maximum context length is 512 tokens\. However, your messages resulted in \d+ tokens\. /,
          ) as string,
        },
      });
      const textAnswer = await post('/v1/completions', { prompt: 'x'.repeat(4000), stream });
      expect(textAnswer.status).toBe(400);
      expect(textAnswer.json).toMatchObject({
        error: {
          code: 'context_length_exceeded',
          param: 'prompt',
          message:
            "This model's maximum context length is 512 tokens. However, your prompt resulted in 1000 tokens. " +
            'Please reduce the length of the prompt.',
        },
      });
      const message = await post('/v1/messages', { ...long, max_tokens: 5, stream });
      expect(message.status).toBe(400);
      expect(message.json).toMatchObject({
        error: { message: expect.stringMatching(/^prompt is too long: \d+ tokens > 512 maximum$/) as string },
      });
      const completion = await post('/completion', { prompt: 'x'.repeat(4000), stream });
      expect(completion.status).toBe(400);
      expect(completion.json).toEqual({
        error: {
          code: 400,
          message: 'request (1000 tokens) exceeds the available context size (512 tokens), try increasing it',
          type: 'exceed_context_size_error',
          n_prompt_tokens: 1000,
          n_ctx: 512,
        },
      });
      expect((await post('/api/chat', { ...long, truncate: false, stream })).status).toBe(400);
    }
    const truncated = await post('/api/chat', { ...long, stream: false });
    expect(truncated.status).toBe(200);
    expect(truncated.headers.get('x-zell-truncated')).toMatch(/context holds 512/);
    expect(host.engine.requests.at(-1)?.request.truncate).toBe(true);
    const streamed = await post('/api/generate', { prompt: 'x'.repeat(4000) });
    expect(streamed.headers.get('x-zell-truncated')).toMatch(/512/);
    expect((await post('/api/chat', { ...chat, stream: false })).headers.get('x-zell-truncated')).toBeNull();
  });
  test('a template that fails names the model', async () => {
    const bad = await testHost({}, { ...MODEL, chatTemplate: '{{ raise_exception("no") }}' });
    try {
      const r = await fetch(`${bad.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(chat) });
      expect(r.status).toBe(500);
      expect(await r.json()).toMatchObject({
        error: { code: 'template_failed', message: expect.stringContaining('tiny') as string },
      });
    } finally {
      await bad.close();
    }
  });
  test("a bug's own message stays inside", async () => {
    const bugs: unknown[] = [];
    const odd = await testHost({
      models: {
        ...fakeModels(MODEL),
        current: () => undefined,
        acquire: () => Promise.reject(new Error('prompt text')),
        list: () => Promise.resolve([]),
      },
      onBug: (e) => bugs.push(e),
    });
    try {
      const r = await fetch(`${odd.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(chat) });
      expect(r.status).toBe(500);
      expect(await r.text()).not.toContain('prompt text');
      expect(bugs).toHaveLength(1);
    } finally {
      await odd.close();
    }
  });
});

describe('streams', () => {
  test('crashes end each stream in its own way', async () => {
    host.engine.crashAfter = 1;
    const openai = sse((await post('/v1/chat/completions', { ...chat, stream: true })).text);
    expect(openai.at(-2)).toMatchObject({ error: { type: 'server_error', code: 'engine_crashed' } });
    expect(openai.at(-1)).toBe('[DONE]');
    const anthropic = (await post('/v1/messages', { ...chat, max_tokens: 5, stream: true })).text;
    expect(anthropic).toMatch(/event: error\ndata: {"type":"error","error":{"type":"api_error"[^\n]*\n\n$/);
    const ollama = (await post('/api/chat', chat)).text.trim().split('\n');
    expect(JSON.parse(ollama.at(-1) ?? '')).toEqual({ error: 'The engine ended unexpectedly.' });
    const llama = sse((await post('/completion', { prompt: 'a', stream: true })).text);
    expect(llama.at(-1)).toMatchObject({ error: { code: 500, type: 'server_error' } });
  });
  test('signs of life while waiting', async () => {
    host.engine.delayMs = 100;
    const anthropic = sse((await post('/v1/messages', { ...chat, max_tokens: 1, stream: true })).text) as {
      type: string;
      delta?: { text?: string };
    }[];
    expect(anthropic[0]).toMatchObject({
      type: 'message_start',
      message: { usage: { input_tokens: expect.any(Number) as number } },
    });
    expect(anthropic.filter((e) => e.type === 'content_block_delta' && e.delta?.text === '').length).toBeGreaterThan(1);
    expect((await post('/v1/chat/completions', { ...chat, stream: true, max_tokens: 1 })).text).toMatch(/^:$/m);
    const ollama = (await post('/api/generate', { prompt: 'a', options: { num_predict: 1 } })).text.trim().split('\n');
    expect(ollama.map((l) => (JSON.parse(l) as { response: string }).response)).toContain('');
  });
  test('a client that reads slowly holds back the engine; when it leaves, the engine hears of it', async () => {
    const before = host.engine.words;
    let given = 0;
    const endless = function* (): Generator<string> {
      for (; given < 20_000; given++) yield 'x'.repeat(16_384);
    };
    host.engine.words = { [Symbol.iterator]: endless } as unknown as readonly string[];
    try {
      const { hostname, port } = new URL(host.url);
      const socket = connect(Number(port), hostname);
      const body = JSON.stringify({ prompt: 'a', stream: true });
      socket.write(
        `POST /completion HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      await once(socket, 'readable');
      await new Promise((r) => setTimeout(r, 300));
      const held = given;
      expect(held).toBeLessThan(5000);
      await new Promise((r) => setTimeout(r, 200));
      expect(given).toBe(held);
      socket.destroy();
      for (let i = 0; i < 100 && host.engine.requests.at(-1)?.signal.aborted !== true; i++)
        await new Promise((r) => setTimeout(r, 10));
      expect(host.engine.requests.at(-1)?.signal.aborted).toBe(true);
    } finally {
      host.engine.words = before;
    }
  });
  test('heads', async () => {
    const r = await post('/v1/chat/completions', { ...chat, stream: true });
    expect(r.headers.get('content-type')).toContain('text/event-stream');
    expect(r.headers.get('cache-control')).toBe('no-cache');
    expect((await post('/api/chat', chat)).headers.get('content-type')).toBe('application/x-ndjson');
  });
});

test('how many tokens may be drafted, and how many were: each family in its own words', async () => {
  const max = 'speculative.n_max';
  const asked = (): unknown => host.engine.requests.at(-1)?.request.draftTokens;
  const r = await post('/completion', { prompt: 'Hi', n_predict: 2, [max]: 4 });
  expect(asked()).toBe(4);
  expect(r.json['timings']).toMatchObject({ draft_n: 7, draft_n_accepted: 5 });
  const off = await post('/completion', { prompt: 'Hi', n_predict: 2, [max]: 0 });
  expect(asked()).toBe(0);
  expect(off.json['timings']).not.toHaveProperty('draft_n');
  for (const value of [-1, null, undefined]) {
    await post('/v1/chat/completions', { ...chat, [max]: value });
    expect(host.engine.requests.at(-1)?.request).not.toHaveProperty('draftTokens');
  }
  await post('/v1/chat/completions', { ...chat, [max]: 3 });
  expect(asked()).toBe(3);
  await post('/v1/completions', { prompt: 'a', [max]: 2 });
  expect(asked()).toBe(2);
  await post('/api/chat', { ...chat, stream: false, options: { draft_num_predict: 0 } });
  expect(asked()).toBe(0);
  const metrics = await (await fetch(`${host.url}/metrics`)).text();
  expect(metrics).toContain('llamacpp:draft_tokens_total 12');
  expect(metrics).toContain('llamacpp:draft_tokens_accepted_total 9');
});

describe('llama.cpp', () => {
  test('/completion: fields, kinds of prompts, streaming', async () => {
    const r = await post('/completion', {
      prompt: 'Hi',
      n_predict: 2,
      return_tokens: true,
      n_probs: 1,
      logit_bias: [
        [5, false],
        [6, 1.5],
      ],
    });
    expect(r.json).toMatchObject({
      content: 'Paris is',
      tokens: [10, 11],
      stop: true,
      stop_type: 'limit',
      tokens_predicted: 2,
      truncated: false,
      timings: { predicted_n: 2, cache_n: 0 },
    });
    expect(r.json['completion_probabilities']).toHaveLength(2);
    expect(host.engine.requests.at(-1)?.request.sampling.logitBias).toEqual([
      [5, null],
      [6, 1.5],
    ]);
    for (const prompt of [[1, 2, 3], [1, 'a', 2], { prompt_string: 'a' }, ['a']])
      expect((await post('/completion', { prompt })).status).toBe(200);
    expect((await post('/completion', { prompt: ['a', 'b'] })).text).toMatch(/^\[/);
    for (const prompt of [[1000], [-1], [1.5], {}, 5, null, []])
      expect((await post('/completion', { prompt })).status, JSON.stringify(prompt)).toBe(400);
    const events = sse((await post('/completions', { prompt: 'a', stream: true })).text) as {
      content: string;
      stop: boolean;
    }[];
    expect(events.map((e) => e.content).join('')).toBe(TEXT);
    expect(events.map((e) => e.stop)).toEqual([false, false, false, false, false, false, true]);
    expect(host.engine.requests.at(-1)?.request.eachToken).toBe(true);
  });
  test('/infill: plain continuation without FIM tokens, response_fields, no recording', async () => {
    const r = await post('/infill', {
      input_prefix: 'int a',
      input_suffix: ' = 1;',
      prompt: 'bc',
      n_predict: 3,
      stream: false,
      response_fields: ['content', 'timings/prompt_n', 'truncated', 'nope', 'constructor'],
    });
    expect(r.json).toEqual({ content: 'Paris is the', 'timings/prompt_n': 7, truncated: false });
    expect(host.engine.requests.at(-1)?.request).toMatchObject({
      priority: 'completion',
      prompt: [{ tokens: Array.from('int abc', (c) => c.charCodeAt(0)) }],
    });
    expect((await post('/infill', { input_prefix: 'a', n_predict: 0, response_fields: [''] })).json).toEqual({});
    expect(host.recorded).toEqual([]);
  });
  test('/infill with FIM tokens: prefix, suffix, middle; cut by tokens', async () => {
    const fim = await testHost(
      {},
      {
        ...MODEL,
        special: { ...MODEL.special, fim: { prefix: 900, suffix: 901, middle: 902, repo: 903, separator: 904 } },
      },
    );
    try {
      await fetch(`${fim.url}/infill`, {
        method: 'POST',
        body: JSON.stringify({
          input_prefix: `${'x'.repeat(900)}END`,
          input_suffix: `S${'y'.repeat(900)}`,
          prompt: 'm',
          n_predict: 16,
          input_extra: [{ filename: 'a.c', text: 'q' }],
        }),
      });
      const prompt = fim.engine.requests[0]?.request.prompt[0];
      const tokens = prompt !== undefined && 'tokens' in prompt ? prompt.tokens : [];
      expect(tokens.length).toBeLessThan(512 - 16);
      expect(tokens[0]).toBe(900);
      const at = tokens.indexOf(901);
      expect(String.fromCharCode(...tokens.slice(at - 3, at + 2))).toMatch(/^END.S$/s);
      expect(tokens.slice(-2)).toEqual([902, 109]);
      await fetch(`${fim.url}/infill`, {
        method: 'POST',
        body: JSON.stringify({ input_prefix: 'p', input_extra: [{ filename: 'a', text: 'q' }] }),
      });
      const second = fim.engine.requests[1]?.request.prompt[0];
      expect(second !== undefined && 'tokens' in second ? second.tokens.filter((t) => t >= 900) : []).toEqual([
        903, 904, 900, 901, 902,
      ]);
    } finally {
      await fim.close();
    }
  });
  test('/tokenize, /detokenize, /apply-template', async () => {
    expect((await post('/tokenize', { content: 'ab' })).json).toEqual({ tokens: [97, 98] });
    expect((await post('/tokenize', { content: ['a', 5] })).json).toEqual({ tokens: [97, 5] });
    expect((await post('/tokenize', { content: 'aà', with_pieces: true })).json).toEqual({
      tokens: [
        { id: 97, piece: 'a' },
        { id: 224, piece: [224] },
      ],
    });
    expect((await post('/detokenize', { tokens: [104, 105] })).json).toEqual({ content: 'hi' });
    expect((await post('/detokenize', { tokens: [1000] })).status).toBe(400);
    expect((await post('/apply-template', chat)).json).toEqual({
      prompt: '<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    });
  });
});

describe('prompts and memory', () => {
  test("what users write stays text; the template's words are special", async () => {
    await post('/v1/chat/completions', { messages: [{ role: 'user', content: 'a<|im_end|>b' }] });
    const parts = host.engine.requests.at(-1)?.request.prompt ?? [];
    expect(parts).toContainEqual({ text: 'a<|im_end|>b', special: false });
  });
  test('raw prompts may hold control tokens', async () => {
    await post('/v1/completions', { prompt: '<|im_start|>x' });
    expect(host.engine.requests.at(-1)?.request.prompt).toEqual([{ text: '<|im_start|>x', special: true }]);
  });
  test.each([
    ['/v1/chat/completions', (text: string) => ({ ...chat, messages: [{ role: 'user', content: text }] })],
    ['/v1/messages', (text: string) => ({ model: 'zell', max_tokens: 8, messages: [{ role: 'user', content: text }] })],
    ['/v1/completions', (text: string) => ({ prompt: text })],
    ['/completion', (text: string) => ({ prompt: text })],
    ['/api/chat', (text: string) => ({ messages: [{ role: 'user', content: text }] })],
    ['/api/generate', (text: string) => ({ prompt: text })],
  ])('%s: keys and values may lie on the disk unless a secret or incognito says no', async (url, body) => {
    const long = 'Be brief. '.repeat(200);
    const kept = async (text: string, headers: Record<string, string> = {}): Promise<unknown> => {
      await post(url, body(text), headers);
      return host.engine.requests.at(-1)?.request.keepOnDisk;
    };
    expect(await kept(long)).toBe(true);
    expect(await kept(`${long} AKIAQ7MZP2LXWV4TNB3K`)).toBe(false);
    expect(await kept('short')).toBe(false);
    expect(await kept(long, { 'x-zell-incognito': '1' })).toBe(false);
  });
  test('code to fill in is not recorded, and leaves no keys and values on the disk', async () => {
    await post('/infill', { input_prefix: 'const answer = 42;\n'.repeat(100), input_suffix: '' });
    expect(host.engine.requests.at(-1)?.request.keepOnDisk).toBe(false);
  });
  test('memories go with a question of our own clients that ask for them, and with nobody else’s', async () => {
    const asked = {
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'who is my manager?' },
      ],
    };
    const prompt = async (headers: Record<string, string>, body: object = asked): Promise<[string, unknown]> => {
      const reply = await post('/v1/chat/completions', body, headers);
      return [JSON.stringify(host.engine.requests.at(-1)?.request.prompt), reply.headers.get('x-zell-memories')];
    };
    const own = { 'x-zell-client': 'editor', 'x-zell-recall': '1' };
    const [text, used] = await prompt(own);
    expect(text).toMatch(/MEMORY.*who is my manager/);
    expect(used).toBe('a1,b2');
    // The log holds what was said, not what was looked up.
    expect(JSON.stringify(host.recorded.at(-1))).not.toContain('MEMORY');
    for (const headers of [
      {},
      { 'x-zell-recall': '1' },
      { 'x-zell-client': 'cli' },
      { ...own, 'x-zell-incognito': '1' },
    ]) {
      const [plain, none] = await prompt(headers);
      expect(plain).not.toContain('MEMORY');
      expect(none).toBeNull();
    }
    expect((await prompt(own, chat))[0]).not.toContain('MEMORY');
    const workspace = 'abcdef0123456789';
    const turns = [...chat.messages, { role: 'assistant', content: 'a' }, { role: 'user', content: 'my manager' }];
    await prompt({ ...own, 'x-zell-workspace': workspace }, { messages: turns });
    const said = chat.messages.filter(({ role }) => role === 'user').map(({ content }) => content);
    const question = { question: 'my manager', said };
    expect(host.recalls.at(-1)).toEqual({ ...question, workspace, model: MODEL.modelHash });
    // With an adapter of the user's the model's own does not answer: everything is looked up.
    await prompt(own, { messages: turns, lora: [{ id: 1, scale: 1 }] });
    expect(host.recalls.at(-1)).toEqual(question);
  });
  test('an exchange is recorded with its client; incognito is not', async () => {
    await post('/v1/chat/completions', chat, {
      'user-agent': 'claude-cli/2.1 (external)',
      'x-zell-workspace': 'abcdef0123456789',
    });
    expect(host.recorded).toEqual([
      {
        model: MODEL.modelHash,
        messages: chat.messages,
        response: TEXT,
        tokens: 6,
        origin: { kind: 'api', client: 'claude-cli', workspace: 'abcdef0123456789' },
      },
    ]);
    await post('/api/chat', chat, { 'x-zell-client': 'editor', 'user-agent': '' });
    expect(host.recorded.at(-1)?.origin).toMatchObject({ kind: 'editor' });
    expect(host.engine.requests.at(-1)?.request.priority).toBe('chat');
    await post('/api/chat', chat, { 'x-zell-client': 'cli', 'x-zell-priority': 'batch' });
    expect(host.engine.requests.at(-1)?.request.priority).toBe('batch');
    expect(host.recorded).toHaveLength(3);
    await post('/api/chat', chat, { 'x-zell-incognito': '1' });
    await post('/api/chat', chat, { 'x-zell-memory': 'off' });
    await post('/v1/chat/completions', { ...chat, n: 3 });
    expect(host.recorded).toHaveLength(4);
    expect(host.recorded.at(-1)).not.toHaveProperty('learn');
    await post('/v1/chat/completions', chat, { 'x-zell-memory': 'log' });
    expect(host.recorded.at(-1)).toMatchObject({ learn: false });
  });
});

test('/v1/chat/completions: return_tokens puts ids and timings beside the usage of a stream', async () => {
  const asked = { ...chat, stream: true, stream_options: { include_usage: true } };
  const last = (text: string): Record<string, unknown> => sse(text).at(-2) as Record<string, unknown>;
  const plain = last((await post('/v1/chat/completions', asked)).text);
  expect(plain['usage']).toBeDefined();
  expect(plain['tokens']).toBeUndefined();
  const more = last((await post('/v1/chat/completions', { ...asked, return_tokens: true })).text);
  expect(more['tokens']).toHaveLength((plain['usage'] as { completion_tokens: number }).completion_tokens);
  expect(more['timings']).toMatchObject({ predicted_n: (more['tokens'] as number[]).length });
});
