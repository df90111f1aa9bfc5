/** The Responses API by OpenAI's own client, and event by event as agents read it. */
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { testHost, WORDS, type TestHost } from '../../testing.ts';

const TEXT = WORDS.join('');
let host: TestHost;
let openai: OpenAI;
beforeAll(async () => {
  host = await testHost({ heartbeatMs: 30 });
  openai = new OpenAI({ baseURL: `${host.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => host.close());
afterEach(() => {
  host.engine.crashAfter = undefined;
  host.engine.delayMs = 0;
  host.recorded.length = 0;
  expect(host.bugs).toEqual([]);
});

const lastPrompt = (): string =>
  (host.engine.requests.at(-1)?.request.prompt ?? []).map((p) => ('text' in p ? p.text : '')).join('');

test('an answer in one piece', async () => {
  const r = await openai.responses.create({
    model: 'gpt-5-codex',
    instructions: 'You help.',
    input: 'Hi',
    temperature: 0.3,
    metadata: { a: 'b' },
  });
  expect(r.output_text).toBe(TEXT);
  expect(r).toMatchObject({
    object: 'response',
    status: 'completed',
    model: 'tiny',
    instructions: 'You help.',
    metadata: { a: 'b' },
    error: null,
    incomplete_details: null,
    store: false,
    output: [{ type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text' }] }],
    usage: { output_tokens: WORDS.length, input_tokens_details: { cached_tokens: 0 } },
  });
  expect(r.usage?.total_tokens).toBe((r.usage?.input_tokens ?? 0) + WORDS.length);
  expect(host.engine.requests.at(-1)?.request.sampling).toMatchObject({ temperature: 0.3, topP: 1, topK: 0 });
  expect(host.recorded[0]?.messages).toEqual([
    { role: 'system', content: 'You help.' },
    { role: 'user', content: 'Hi' },
  ]);
});

test('every kind of item has its place in the conversation', async () => {
  await openai.responses.create({
    model: 'x',
    input: [
      { role: 'developer', content: 'Be short.' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'one' }] },
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'HIDDEN' }] },
      {
        type: 'message',
        id: 'msg_1',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
      },
      { type: 'function_call', call_id: 'c1', name: 'shell', arguments: '{"command":["ls"]}' },
      { type: 'function_call_output', call_id: 'c1', output: 'a.txt' },
      { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'b.txt' }] },
      { role: 'user', content: 'two' },
    ],
  });
  expect(host.recorded[0]?.messages).toEqual([
    { role: 'system', content: 'Be short.' },
    { role: 'user', content: 'one' },
    {
      role: 'assistant',
      content: 'I look.\n<tool_call>\n{"name":"shell","arguments":{"command":["ls"]}}\n</tool_call>',
    },
    { role: 'tool', content: 'a.txt' },
    { role: 'tool', content: 'b.txt' },
    { role: 'user', content: 'two' },
  ]);
  expect(lastPrompt()).not.toContain('HIDDEN');
});

test('a stream: the order of its events, their numbers, one id each', async () => {
  const events: OpenAI.Responses.ResponseStreamEvent[] = [];
  for await (const event of await openai.responses.create({ model: 'x', input: 'Hi', stream: true }))
    events.push(event);
  expect(events.map((e) => e.sequence_number)).toEqual(events.map((_, i) => i));
  expect(events.map((e) => e.type)).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    ...WORDS.map(() => 'response.output_text.delta'),
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  const ids = new Set(events.flatMap((e) => ('item_id' in e ? [e.item_id] : [])));
  expect(ids.size).toBe(1);
  const responses = events.flatMap((e) => ('response' in e ? [e.response] : []));
  expect(new Set(responses.map((r) => r.id)).size).toBe(1);
  expect(responses.map((r) => r.status)).toEqual(['in_progress', 'in_progress', 'completed']);
  expect(responses.at(-1)?.output).toMatchObject([{ id: [...ids][0], content: [{ text: TEXT }] }]);
});

test("the client's own accumulator ends with the same answer", async () => {
  const stream = openai.responses.stream({ model: 'x', input: 'Hi' });
  let text = '';
  stream.on('response.output_text.delta', (event) => (text += event.delta));
  const final = await stream.finalResponse();
  expect(final).toMatchObject({ status: 'completed', output: [{ type: 'message', content: [{ text: TEXT }] }] });
  expect(text).toBe(TEXT);
});

test('an answer that was cut says so', async () => {
  const whole = await openai.responses.create({ model: 'x', input: 'Hi', max_output_tokens: 2 });
  expect(whole).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [{ status: 'incomplete' }],
  });
  const types: string[] = [];
  for await (const event of await openai.responses.create({
    model: 'x',
    input: 'Hi',
    max_output_tokens: 2,
    stream: true,
  }))
    types.push(event.type);
  expect(types.at(-1)).toBe('response.incomplete');
});

test('log-probabilities, when they are asked for', async () => {
  const ask = { model: 'x', input: 'Hi', include: ['message.output_text.logprobs'], top_logprobs: 1 };
  const r = await openai.responses.create({
    ...ask,
    max_output_tokens: 1,
  } as OpenAI.Responses.ResponseCreateParamsNonStreaming);
  expect(r.output[0]).toMatchObject({
    content: [{ logprobs: [{ token: 'Paris', logprob: -0.5, top_logprobs: [{ token: 't0', logprob: -1 }] }] }],
  });
});

test('an engine that ends in the middle: the error, and the failed response', async () => {
  host.engine.crashAfter = 2;
  const events: OpenAI.Responses.ResponseStreamEvent[] = [];
  for await (const event of await openai.responses.create({ model: 'x', input: 'Hi', stream: true }))
    events.push(event);
  expect(events.slice(-2)).toMatchObject([
    { type: 'error', code: 'server_error', message: 'The engine ended unexpectedly.' },
    { type: 'response.failed', response: { status: 'failed', error: { code: 'server_error' } } },
  ]);
  expect(events.map((e) => e.sequence_number)).toEqual(events.map((_, i) => i));
  await expect(openai.responses.stream({ model: 'x', input: 'Hi' }).finalResponse()).rejects.toThrow();
});

test('silence is broken by events', async () => {
  host.engine.delayMs = 100;
  const types: string[] = [];
  for await (const event of await openai.responses.create({
    model: 'x',
    input: 'Hi',
    stream: true,
    max_output_tokens: 1,
  }))
    types.push(event.type);
  expect(types.filter((t) => t === 'response.in_progress').length).toBeGreaterThan(1);
});

test.each([
  [{ input: 'x', previous_response_id: 'resp_1' }, 'previous_response_id', /whole conversation/],
  [{ input: 'x', conversation: 'conv_1' }, 'conversation', /stored/],
  [{ input: 'x', background: true }, 'background', /stored/],
  [{ input: [{ type: 'item_reference', id: 'i' }] }, 'input', /the item itself/],
  [{ input: [{ type: 'computer_call' }] }, 'input', /computer_call/],
  [{ input: [{ role: 'wizard', content: 'x' }] }, 'input', /wizard/],
  [{ input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] }, 'input', /images/],
  [{ input: [] }, 'input', /no message/],
  [{}, 'input', /required/],
])('%j is refused', async (body, param, message) => {
  const asked = host.engine.requests.length;
  const failure = await openai.responses
    .create(body as OpenAI.Responses.ResponseCreateParamsNonStreaming)
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(OpenAI.BadRequestError);
  expect(failure).toMatchObject({ param, type: 'invalid_request_error' });
  expect((failure as Error).message).toMatch(message);
  expect(host.engine.requests.length).toBe(asked);
});

test('a prompt that is too long names the numbers; truncation "auto" cuts it and says so', async () => {
  const input = 'word '.repeat(1000);
  await expect(openai.responses.create({ model: 'x', input })).rejects.toMatchObject({
    status: 400,
    code: 'context_length_exceeded',
  });
  const { response } = await openai.responses.create({ model: 'x', input, truncation: 'auto' }).withResponse();
  expect(response.headers.get('x-zell-truncated')).toMatch(/context holds 512/);
});

test('tokens of the input, counted without generating', async () => {
  const asked = host.engine.requests.length;
  const r = await openai.responses.inputTokens.count({ model: 'x', input: 'Hello there' });
  expect(r).toEqual({ object: 'response.input_tokens', input_tokens: expect.any(Number) as number });
  expect(host.engine.requests.length).toBe(asked);
});
