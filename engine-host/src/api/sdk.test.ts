/** The vendors' own clients against the routes. */
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import type { Exchange } from './deps.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import { testHost, WORDS, type TestHost } from './testing.ts';

const TEXT = WORDS.join('');
let host: TestHost;
let openai: OpenAI;
let anthropic: Anthropic;
let ollama: Ollama;

beforeAll(async () => {
  host = await testHost();
  openai = new OpenAI({ baseURL: `${host.url}/v1`, apiKey: 'any', maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: host.url, apiKey: 'any', maxRetries: 0 });
  ollama = new Ollama({ host: host.url });
});
afterAll(() => host.close());
afterEach(() => {
  host.engine.refuse = undefined;
  host.engine.crashAfter = undefined;
  host.engine.delayMs = 0;
  host.engine.cached = 0;
  host.engine.words = WORDS;
  host.recorded.length = 0;
  expect(host.bugs).toEqual([]);
});

const user = (content: string) => [{ role: 'user' as const, content }];
const until = async (check: () => boolean): Promise<void> => {
  for (let i = 0; i < 200 && !check(); i++) await new Promise((r) => setTimeout(r, 10));
  expect(check()).toBe(true);
};

describe('embeddings', () => {
  test('openai asks for base64 by itself and gets its floats back', async () => {
    const r = await openai.embeddings.create({ model: 'text-embedding-3-small', input: ['Hi there!', 'x'] });
    expect(r.data.map((d) => d.index)).toEqual([0, 1]);
    expect(r.data.map((d) => d.embedding)).toEqual([
      [3, 1],
      [1, 1],
    ]);
    expect(r).toMatchObject({ object: 'list', model: 'tiny', usage: { prompt_tokens: 4, total_tokens: 4 } });
  });
  test('openai: plain floats, tokens, fewer dimensions of length 1', async () => {
    const r = await openai.embeddings.create({
      model: 'x',
      input: [[5, 6, 7]],
      encoding_format: 'float',
      dimensions: 1,
    });
    expect(r.data[0]?.embedding).toEqual([1]);
    expect(r.usage.prompt_tokens).toBe(3);
  });
  test.each([
    [{ input: [] }, 'input'],
    [{ input: [[1, 2], 3] }, undefined],
    [{}, 'input'],
    [{ input: 'x', dimensions: 65 }, 'dimensions'],
    [{ input: 'x', encoding_format: 'hex' }, undefined],
  ])('openai: %j is refused', async (body, param) => {
    const r = await fetch(`${host.url}/v1/embeddings`, { method: 'POST', body: JSON.stringify(body) });
    expect(r.status).toBe(400);
    const { error } = (await r.json()) as { error: { type: string; param: string | null } };
    expect(error.type).toBe('invalid_request_error');
    if (param !== undefined) expect(error.param).toBe(param);
  });
  test('ollama: new and old route', async () => {
    expect(await ollama.embed({ model: 'tiny', input: ['Hi there!', 'x'] })).toMatchObject({
      model: 'tiny',
      embeddings: [
        [3, 1],
        [1, 1],
      ],
      prompt_eval_count: 4,
    });
    expect(await ollama.embed({ model: 'tiny', input: '' })).toMatchObject({ embeddings: [] });
    expect(await ollama.embeddings({ model: 'tiny', prompt: 'Hi there!' })).toEqual({ embedding: [3, 1] });
  });
  test('llama.cpp: one route for content, the other for either', async () => {
    const post = async (path: string, body: unknown): Promise<unknown> =>
      (await fetch(`${host.url}${path}`, { method: 'POST', body: JSON.stringify(body) })).json();
    const plain = [{ index: 0, embedding: [[3, 1]] }];
    expect(await post('/embedding', { content: 'Hi there!' })).toEqual(plain);
    expect(await post('/embeddings', { content: 'Hi there!' })).toEqual(plain);
    expect(await post('/embeddings', { input: 'Hi there!' })).toMatchObject({ data: [{ embedding: [3, 1] }] });
  });
  test('nothing of it is recorded', async () => {
    await openai.embeddings.create({ model: 'x', input: 'my secret' });
    expect(host.recorded).toEqual([]);
  });
});

describe('openai', () => {
  test('chat, not streaming', async () => {
    const r = await openai.chat.completions.create({
      model: 'gpt-4o',
      messages: user('Hi'),
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      seed: 7,
      max_completion_tokens: 3,
    });
    expect(r.choices[0]).toMatchObject({
      message: { role: 'assistant', content: 'Paris is the' },
      finish_reason: 'length',
    });
    expect(r.usage).toMatchObject({ completion_tokens: 3, prompt_tokens_details: { cached_tokens: 0 } });
    expect(host.engine.requests.at(-1)?.request.sampling).toMatchObject({ seed: 7, temperature: 1, topP: 1, topK: 0 });
  });
  test('chat, streaming: order of chunks, usage only when asked, one id', async () => {
    const chunks = [];
    for await (const c of await openai.chat.completions.create({
      model: 'x',
      messages: user('Hi'),
      stream: true,
      stream_options: { include_usage: true },
    }))
      chunks.push(c);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect(chunks.map((c) => c.choices[0]?.delta.content ?? '').join('')).toBe(TEXT);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 6 } });
    expect(new Set(chunks.map((c) => `${c.id} ${c.created}`)).size).toBe(1);
    const bare = [];
    for await (const c of await openai.chat.completions.create({ model: 'x', messages: user('Hi'), stream: true }))
      bare.push(c);
    expect(bare.every((c) => c.usage === undefined)).toBe(true);
  });
  test('the accumulating stream helper, n and logprobs', async () => {
    const r = await openai.chat.completions
      .stream({ model: 'x', messages: user('Hi'), n: 2, logprobs: true, top_logprobs: 2, seed: 5 })
      .finalChatCompletion();
    expect(r.choices).toHaveLength(2);
    expect(r.choices[1]?.message.content).toBe(TEXT);
    expect(r.choices[0]?.logprobs?.content).toHaveLength(6);
    expect(r.choices[0]?.logprobs?.content?.[4]).toMatchObject({ token: ' é', bytes: [32, 0xc3, 0xa9] });
    expect(host.engine.requests.slice(-2).map((q) => q.request.sampling.seed)).toEqual([5, 6]);
  });
  test('stop texts as text and list', async () => {
    for (const stop of [' capital', ['zzz', ' capital']]) {
      const r = await openai.chat.completions.create({ model: 'x', messages: user('Hi'), stop });
      expect(r.choices[0]).toMatchObject({ message: { content: 'Paris is the' }, finish_reason: 'stop' });
    }
  });
  test('completions: text, list, tokens, echo, logprobs, streaming', async () => {
    const one = await openai.completions.create({ model: 'x', prompt: 'Q: ', echo: true, logprobs: 1, max_tokens: 2 });
    expect(one.choices[0]).toMatchObject({ text: 'Q: Paris is', finish_reason: 'length' });
    expect(one.choices[0]?.logprobs).toMatchObject({ tokens: ['Paris', ' is'], text_offset: [3, 8] });
    const many = await openai.completions.create({ model: 'x', prompt: ['a', 'b'], n: 2 });
    expect(many.choices.map((c) => c.index)).toEqual([0, 1, 2, 3]);
    const tokens = await openai.completions.create({ model: 'x', prompt: [[1, 2], [3]] });
    expect(tokens.choices).toHaveLength(2);
    let text = '';
    for await (const c of await openai.completions.create({ model: 'x', prompt: 'a', stream: true }))
      text += c.choices[0]?.text ?? '';
    expect(text).toBe(TEXT);
  });
  test('models', async () => {
    const list = await openai.models.list();
    expect(list.data.map((m) => m.id)).toEqual(['tiny']);
    expect(await openai.models.retrieve('tiny')).toMatchObject({ id: 'tiny', object: 'model', type: 'model' });
    await expect(openai.models.retrieve('nope')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });
  test('errors', async () => {
    const ask = (extra: object) => openai.chat.completions.create({ model: 'x', messages: user('Hi'), ...extra });
    await expect(ask({ model: 'nope' })).rejects.toMatchObject({ status: 404, type: 'not_found_error' });
    await expect(ask({ messages: user('x'.repeat(9000)) })).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    });
    await expect(ask({ response_format: { type: 'yaml' } })).rejects.toMatchObject({ status: 400 });
    await expect(ask({ tool_choice: 'required', tools: [] })).rejects.toMatchObject({
      status: 400,
      param: 'tool_choice',
    });
    await expect(
      ask({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] }),
    ).rejects.toMatchObject({ status: 400, code: 'unsupported' });
    host.engine.refuse = new ZellError('busy', 'The queue is full.');
    await expect(ask({})).rejects.toMatchObject({ status: 503, type: 'unavailable_error' });
    const stream = openai.chat.completions.create({ model: 'x', messages: user('Hi'), stream: true });
    await expect(stream).rejects.toMatchObject({ status: 503 });
  });
  test('tools that need not be called are answered without a call', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'f', parameters: {} } }];
    const r = await openai.chat.completions.create({ model: 'x', messages: user('Hi'), tools, tool_choice: 'auto' });
    expect(r.choices[0]?.message.content).toBe(TEXT);
  });
  test('a crash in mid-stream is an error for the client', async () => {
    host.engine.crashAfter = 2;
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const c of await openai.chat.completions.create({ model: 'x', messages: user('Hi'), stream: true }))
        seen.push(c.choices[0]?.delta.content ?? '');
    };
    await expect(read()).rejects.toThrow(/engine ended/);
    expect(seen.join('')).toBe('Paris is');
    expect(host.recorded).toEqual([]);
  });
  test('abort reaches the engine; what came is recorded', async () => {
    host.engine.delayMs = 20;
    const stream = await openai.chat.completions.create({ model: 'x', messages: user('Hi'), stream: true });
    for await (const c of stream) if (c.choices[0]?.delta.content === ' is') break;
    await until(() => host.engine.requests.at(-1)?.signal.aborted === true);
    await until(() => host.recorded.length === 1);
    expect(host.recorded[0]?.response).toMatch(/^Paris is/);
    expect(host.recorded[0]?.stopped).toBe(true);
  });
  test('abort without streaming reaches the engine', async () => {
    host.engine.delayMs = 50;
    const before = host.engine.requests.length;
    const controller = new AbortController();
    const asked = openai.chat.completions.create({ model: 'x', messages: user('Hi') }, { signal: controller.signal });
    asked.catch(() => undefined);
    await until(() => host.engine.requests.length > before);
    controller.abort();
    await expect(asked).rejects.toThrow();
    await until(() => host.engine.requests.at(-1)?.signal.aborted === true);
  });
});

describe('anthropic', () => {
  const ask = { model: 'claude-local', max_tokens: 100, messages: user('Hi') };
  test('not streaming, with cached tokens apart', async () => {
    host.engine.cached = 5;
    const r = await anthropic.messages.create({ ...ask, system: 'You help.' });
    expect(r.content).toEqual([{ type: 'text', text: TEXT }]);
    expect(r).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'end_turn', stop_sequence: null });
    expect(r.usage.cache_read_input_tokens).toBe(5);
    expect(r.usage.input_tokens).toBeGreaterThan(0);
    expect(r).not.toHaveProperty('timings');
  });
  test('streaming', async () => {
    const events: string[] = [];
    const stream = anthropic.messages.stream({ ...ask, stop_sequences: [' capital'] });
    stream.on('streamEvent', (e) => events.push(e.type));
    const r = await stream.finalMessage();
    expect(r).toMatchObject({
      content: [{ type: 'text', text: 'Paris is the' }],
      stop_reason: 'stop_sequence',
      stop_sequence: ' capital',
    });
    expect(r.usage.output_tokens).toBe(3);
    expect(events.filter((e) => e !== 'content_block_delta')).toEqual([
      'message_start',
      'content_block_start',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
  });
  test('count_tokens', async () => {
    expect((await anthropic.messages.countTokens({ model: 'x', messages: user('Hi') })).input_tokens).toBeGreaterThan(
      3,
    );
  });
  test('models in Anthropic shape', async () => {
    const page = await anthropic.models.list();
    expect(page.data[0]).toMatchObject({ type: 'model', id: 'tiny', display_name: 'Tiny' });
    expect(page.has_more).toBe(false);
  });
  test('errors: overflow words, overload, unknown model, forced tool', async () => {
    await expect(anthropic.messages.create({ ...ask, messages: user('x'.repeat(4000)) })).rejects.toMatchObject({
      status: 400,
      error: {
        type: 'error',
        error: {
          type: 'invalid_request_error',
          message: expect.stringMatching(/^prompt is too long: \d+ tokens > 512 maximum$/) as string,
        },
      },
    });
    await expect(anthropic.messages.create({ ...ask, model: 'nope' })).rejects.toMatchObject({ status: 404 });
    await expect(
      anthropic.messages.create({
        ...ask,
        tools: [{ name: 'f', input_schema: { type: 'object' } }],
        tool_choice: { type: 'tool', name: 'g' },
      }),
    ).rejects.toMatchObject({ status: 400 });
    host.engine.refuse = new ZellError('busy', 'The queue is full.');
    await expect(anthropic.messages.create(ask)).rejects.toMatchObject({
      status: 529,
      error: { error: { type: 'overloaded_error' } },
    });
  });
  test('a crash in mid-stream is an error event', async () => {
    host.engine.crashAfter = 2;
    await expect(anthropic.messages.stream(ask).finalMessage()).rejects.toThrow(/engine ended/);
  });
  test('abort reaches the engine', async () => {
    host.engine.delayMs = 30;
    const stream = anthropic.messages.stream(ask);
    stream.on('text', () => stream.abort());
    await expect(stream.finalMessage()).rejects.toThrow();
    await until(() => host.engine.requests.at(-1)?.signal.aborted === true);
  });
  test('volatile system lines, empty blocks, system in the middle, tool results before text', async () => {
    await anthropic.messages.create({
      ...ask,
      system: [
        { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.197.abc;' },
        { type: 'text', text: 'You help.', cache_control: { type: 'ephemeral' } },
      ],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'one' }] },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: '' },
            { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'two' },
            { type: 'tool_result', tool_use_id: 't', content: 'result' },
          ],
        },
        { role: 'system', content: 'mind this' } as never,
      ],
    });
    // A stream that an earlier test left may be recorded late.
    const mine = (): Exchange | undefined => host.recorded.find((e) => e.messages.at(-1)?.content === 'mind this');
    await until(() => mine() !== undefined);
    expect(mine()?.messages).toEqual([
      { role: 'system', content: 'You help.' },
      { role: 'user', content: 'one' },
      { role: 'assistant', content: '<tool_call>\n{"name":"f","arguments":{"a":1}}\n</tool_call>' },
      { role: 'tool', content: 'result' },
      { role: 'user', content: 'two' },
      { role: 'system', content: 'mind this' },
    ]);
  });
});

describe('ollama', () => {
  test('chat and generate, streaming and not', async () => {
    const chat = await ollama.chat({ model: 'tiny', messages: user('Hi') });
    expect(chat).toMatchObject({
      model: 'tiny',
      message: { role: 'assistant', content: TEXT },
      done: true,
      done_reason: 'stop',
    });
    expect(chat.prompt_eval_duration).toBe(2_000_000);
    expect(chat.eval_duration).toBe(3_000_000);
    expect(host.engine.requests.at(-1)?.request.sampling).toMatchObject({ temperature: 0.8, topP: 0.9, topK: 40 });
    let text = '';
    for await (const c of await ollama.chat({ model: 'tiny', messages: user('Hi'), stream: true }))
      text += c.message.content;
    expect(text).toBe(TEXT);
    const g = await ollama.generate({ model: 'tiny', prompt: 'Hi', options: { num_predict: 2, seed: 1 } });
    expect(g).toMatchObject({ response: 'Paris is', done_reason: 'length', eval_count: 2 });
    text = '';
    for await (const c of await ollama.generate({ model: 'tiny', prompt: 'Hi', stream: true }))
      text += String(c.response);
    expect(text).toBe(TEXT);
  });
  test('load and unload', async () => {
    expect(await ollama.generate({ model: 'tiny', prompt: '' })).toMatchObject({
      response: '',
      done: true,
      done_reason: 'load',
    });
    expect(await ollama.chat({ model: 'tiny', keep_alive: 0 })).toMatchObject({ done_reason: 'unload' });
  });
  test('list, ps, show, version', async () => {
    expect((await ollama.list()).models[0]).toMatchObject({
      name: 'tiny',
      details: { family: 'llama', quantization_level: 'Q4_1' },
    });
    expect((await ollama.ps()).models[0]).toMatchObject({ name: 'tiny', context_length: 512 });
    const show = await ollama.show({ model: 'tiny' });
    expect(show.capabilities).toEqual(['completion', 'tools']);
    expect(show.model_info).toMatchObject({ 'general.architecture': 'llama', 'llama.context_length': 512 });
    expect(show.parameters).toMatch(/num_ctx\s+512/);
    expect((await ollama.version()).version).toMatch(/^\d+\.\d+\.\d+$/);
  });
  test('errors', async () => {
    await expect(ollama.chat({ model: 'nope', messages: user('Hi') })).rejects.toMatchObject({
      status_code: 404,
      error: "model 'nope' not found",
    });
    await expect(ollama.chat({ model: 'tiny', messages: user('Hi'), format: 'yaml' })).rejects.toMatchObject({
      status_code: 400,
    });
    await expect(ollama.generate({ model: 'tiny', prompt: 'a', suffix: 'b' })).rejects.toThrow(
      /does not support insert/,
    );
    host.engine.crashAfter = 1;
    const read = async (): Promise<void> => {
      for await (const c of await ollama.chat({ model: 'tiny', messages: user('Hi'), stream: true }))
        expect(c).toHaveProperty('message');
    };
    await expect(read()).rejects.toThrow(/engine ended/);
  });
  test('abort reaches the engine', async () => {
    host.engine.delayMs = 30;
    const stream = await ollama.chat({ model: 'tiny', messages: user('Hi'), stream: true });
    const read = async (): Promise<void> => {
      for await (const c of stream) if (c.message.content !== '') stream.abort();
    };
    await expect(read()).rejects.toThrow();
    await until(() => host.engine.requests.at(-1)?.signal.aborted === true);
  });
});
