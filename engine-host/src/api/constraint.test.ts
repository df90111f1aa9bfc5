/** What clients of each dialect ask for as forms of answers, as the engine gets it. */
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import { testHost, type TestHost } from './testing.ts';

const SCHEMA = {
  type: 'object' as const,
  properties: { city: { type: 'string' }, people: { type: 'integer' } },
  required: ['city', 'people'],
  additionalProperties: false as const,
};
const BY_SCHEMA = { kind: 'json_schema', schema: SCHEMA };
const ANY_OBJECT = { kind: 'json_schema', schema: { type: 'object' } };

let host: TestHost;
let openai: OpenAI;

beforeAll(async () => {
  host = await testHost();
  openai = new OpenAI({ baseURL: `${host.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => host.close());
afterEach(() => {
  host.engine.refuse = undefined;
  expect(host.bugs).toEqual([]);
});

const messages = [{ role: 'user' as const, content: 'Which city?' }];
const asked = () => host.engine.requests.at(-1)?.request.constraint;
const post = async (route: string, body: object): Promise<{ status: number; text: string }> => {
  const response = await fetch(host.url + route, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
};

test('OpenAI: chat and responses, JSON mode and schemas', async () => {
  const chat = (response_format: OpenAI.ChatCompletionCreateParams['response_format']) =>
    openai.chat.completions.create({ model: 'x', messages, ...(response_format ? { response_format } : {}) });
  await chat({ type: 'json_object' });
  expect(asked()).toEqual(ANY_OBJECT);
  await chat({ type: 'json_schema', json_schema: { name: 'city', strict: true, schema: SCHEMA } });
  expect(asked()).toEqual(BY_SCHEMA);
  await chat({ type: 'text' });
  expect(asked()).toBeUndefined();
  const format = { type: 'json_schema' as const, name: 'city', strict: true, schema: SCHEMA };
  await openai.responses.create({ model: 'x', input: 'Which city?', text: { format } });
  expect(asked()).toEqual(BY_SCHEMA);
  await openai.responses.create({ model: 'x', input: 'Which city?', text: { format: { type: 'json_object' } } });
  expect(asked()).toEqual(ANY_OBJECT);
});

test('Anthropic: output_config.format', async () => {
  const anthropic = new Anthropic({ baseURL: host.url, apiKey: 'any', maxRetries: 0 });
  const output_config = { format: { type: 'json_schema' as const, schema: SCHEMA } };
  await anthropic.messages.create({ model: 'x', max_tokens: 9, messages, output_config });
  expect(asked()).toEqual(BY_SCHEMA);
});

test('Ollama: json and schemas', async () => {
  const ollama = new Ollama({ host: host.url });
  await ollama.chat({ model: 'tiny', messages, format: 'json' });
  expect(asked()).toEqual(ANY_OBJECT);
  await ollama.generate({ model: 'tiny', prompt: 'x', format: SCHEMA });
  expect(asked()).toEqual(BY_SCHEMA);
  await ollama.generate({ model: 'tiny', prompt: 'x', format: '' });
  expect(asked()).toBeUndefined();
  await expect(ollama.generate({ model: 'tiny', prompt: 'x', format: 'yaml' })).rejects.toMatchObject({
    status_code: 400,
  });
});

test('llama.cpp: grammar and json_schema, also on the OpenAI routes', async () => {
  const grammar = 'root ::= "yes" | "no"';
  for (const route of ['/completion', '/v1/completions', '/v1/chat/completions']) {
    const prompt = route.includes('chat') ? { messages } : { prompt: 'x' };
    expect(await post(route, { ...prompt, grammar })).toMatchObject({ status: 200 });
    expect(asked()).toEqual({ kind: 'gbnf', grammar });
    expect(await post(route, { ...prompt, json_schema: SCHEMA })).toMatchObject({ status: 200 });
    expect(asked()).toEqual(BY_SCHEMA);
    expect(await post(route, { ...prompt, grammar, json_schema: SCHEMA })).toMatchObject({ status: 400 });
    expect(await post(route, { ...prompt, grammar: 7 })).toMatchObject({ status: 400 });
  }
});

test.each([
  ['/v1/chat/completions', { messages, response_format: { type: 'json_schema', json_schema: { name: 'x' } } }],
  ['/v1/chat/completions', { messages, response_format: { type: 'yaml' } }],
  ['/v1/chat/completions', { messages, response_format: { type: 'json_object' }, grammar: 'root ::= "a"' }],
  ['/v1/responses', { input: 'x', text: { format: { type: 'json_schema', name: 'x', schema: 7 } } }],
  ['/v1/messages', { max_tokens: 9, messages, output_config: { format: { type: 'xml' } } }],
  ['/api/chat', { messages, format: [1] }],
])('%s refuses %j', async (route, body) => {
  const before = host.engine.requests.length;
  expect(await post(route, body)).toMatchObject({ status: 400 });
  expect(host.engine.requests.length).toBe(before);
});

test('what the engine cannot honour is a 400 before a stream begins', async () => {
  const why = 'The JSON schema\'s "not" at "/properties/a/not" is not supported.';
  for (const stream of [false, true]) {
    host.engine.refuse = new ZellError('unsupported', why);
    const { status, text } = await post('/v1/chat/completions', {
      messages,
      stream,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { properties: { a: { not: {} } } } } },
    });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ error: { message: why, code: 'unsupported' } });
  }
});
