import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdapterInfo, AdapterScale } from '#protocol/generation.ts';
import { ZellError } from '#protocol/errors.ts';
import type { ApiEngine } from '../deps.ts';
import { FakeEngine, testHost, type TestHost } from '../testing.ts';

const ADAPTER: AdapterInfo = {
  id: 0,
  path: '/lora/voice.gguf',
  name: 'voice',
  sha256: 'f'.repeat(64),
  rank: 8,
  alpha: 16,
  matrices: 210,
  bytes: 1000,
  taskName: 'notes',
  promptPrefix: '',
  scale: 1,
};

let scaled: (readonly AdapterScale[])[] = [];

class EngineWithAdapter extends FakeEngine {
  override call: ApiEngine['call'] = (method, params) => {
    if (method === 'adapters') return Promise.resolve({ adapters: [ADAPTER] } as never);
    if (method !== 'scaleAdapters') return Promise.reject(new ZellError('unsupported', method));
    const { scales } = params as { scales: AdapterScale[] };
    if (scales.some(({ id }) => id !== 0))
      return Promise.reject(new ZellError('not_found', 'Adapter 7 is not loaded.'));
    scaled.push(scales);
    return Promise.resolve({ adapters: [] } as never);
  };
}

let engine: EngineWithAdapter;
let host: TestHost;
beforeEach(async () => {
  scaled = [];
  engine = new EngineWithAdapter();
  host = await testHost({ engine });
});
afterEach(() => host.close());

function post(route: string, body: unknown): Promise<Response> {
  return fetch(`${host.url}${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

test('the list is as llama.cpp gives it', async () => {
  const response = await fetch(`${host.url}/lora-adapters`);
  expect(await response.json()).toEqual([
    { id: 0, path: '/lora/voice.gguf', scale: 1, task_name: 'notes', prompt_prefix: '' },
  ]);
});

test('scales are set; an id that is not loaded, and what is no list, are refused', async () => {
  const response = await post('/lora-adapters', [{ id: 0, scale: 0.25 }]);
  expect(await response.json()).toEqual({ success: true });
  expect(scaled).toEqual([[{ id: 0, scale: 0.25 }]]);
  expect((await post('/lora-adapters', [{ id: 7, scale: 1 }])).status).toBe(404);
  for (const wrong of [{}, { id: 0, scale: 1 }, [{ id: 0 }], [{ id: -1, scale: 1 }], [{ id: 0.5, scale: 1 }], ['0']])
    expect((await post('/lora-adapters', wrong)).status).toBe(400);
  expect(scaled).toHaveLength(1);
});

test('a request may name its adapters on every route that llama.cpp has it on', async () => {
  const lora = [{ id: 0, scale: -0.5 }];
  const prompts = { prompt: 'Hi', messages: [{ role: 'user', content: 'Hi' }], input_prefix: 'a', input_suffix: 'b' };
  for (const route of ['/completion', '/v1/completions', '/v1/chat/completions']) {
    engine.requests.length = 0;
    expect((await post(route, { ...prompts, lora })).status).toBe(200);
    expect(engine.requests[0]?.request.adapters).toEqual(lora);
    for (const none of [undefined, null, []]) {
      engine.requests.length = 0;
      expect((await post(route, { ...prompts, lora: none })).status).toBe(200);
      expect(engine.requests[0]?.request).not.toHaveProperty('adapters');
    }
    expect((await post(route, { ...prompts, lora: [{ id: 'x' }] })).status).toBe(400);
  }
});

test('an adapter that is not loaded is told before anything is streamed', async () => {
  engine.refuse = new ZellError('not_found', 'Adapter 9 is not loaded.');
  const response = await post('/v1/chat/completions', {
    messages: [{ role: 'user', content: 'Hi' }],
    lora: [{ id: 9, scale: 1 }],
    stream: true,
  });
  expect(response.status).toBe(404);
  expect(JSON.stringify(await response.json())).toContain('Adapter 9 is not loaded.');
});

test('`model:adapter` answers with that adapter alone, unless the request names its own', async () => {
  const chat = { messages: [{ role: 'user', content: 'Hi' }] };
  const said = async (route: string, body: object): Promise<unknown> => {
    expect((await post(route, body)).status).toBe(200);
    return engine.requests.at(-1)?.request.adapters;
  };
  const voice = [{ id: 0, scale: 1 }];
  expect(await said('/v1/chat/completions', { ...chat, model: 'tiny:voice' })).toEqual(voice);
  expect(await said('/v1/chat/completions', { ...chat, model: 'gpt-4o:Voice' })).toEqual(voice);
  expect(await said('/v1/messages', { ...chat, model: 'tiny:voice', max_tokens: 3 })).toEqual(voice);
  expect(await said('/api/chat', { ...chat, model: 'tiny:voice', stream: false })).toEqual(voice);
  expect(await said('/v1/completions', { prompt: 'Hi', model: ':voice' })).toEqual(voice);
  const own = { ...chat, model: 'tiny:voice', lora: [{ id: 0, scale: 0.5 }] };
  expect(await said('/v1/chat/completions', own)).toEqual([{ id: 0, scale: 0.5 }]);
  for (const model of ['tiny', 'tiny:latest', 'voice', undefined])
    expect(await said('/v1/chat/completions', { ...chat, model })).toBeUndefined();
});
