/** Slots, the refusals of llama.cpp's optional routes, and the pages of the list of models. */
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fakeModels, MODEL, testHost, type TestHost } from '../testing.ts';

let host: TestHost;
beforeAll(async () => {
  const one = await fakeModels(MODEL).list(new AbortController().signal);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const list = names.map((name) => ({ ...one[0]!, name, path: `/models/${name}.gguf`, loaded: name === 'a' }));
  host = await testHost({ models: { ...fakeModels(MODEL), list: () => Promise.resolve(list) } });
});
afterAll(() => host.close());

const get = async (url: string): Promise<[number, unknown]> => {
  const r = await fetch(host.url + url);
  return [r.status, await r.json()];
};

test('slots: as many as the engine has, with those at work first', async () => {
  const [status, slots] = await get('/slots?fail_on_no_slot=1');
  expect(status).toBe(200);
  expect(slots).toHaveLength(8);
  expect(slots).toMatchObject(
    [
      { id: 0, n_ctx: 512, is_processing: true },
      { id: 1, is_processing: false },
    ].concat(Array.from({ length: 6 }, (_, i) => ({ id: i + 2, is_processing: false }) as never)),
  );
});

test('a full engine has no slot for who asks for one', async () => {
  const stats = host.engine.stats();
  host.engine.stats = () => ({ ...stats, queue: { ...stats.queue, running: 8 } });
  try {
    expect(await get('/slots?fail_on_no_slot=1')).toMatchObject([
      503,
      { error: { code: 503, message: 'no slot available', type: 'unavailable_error' } },
    ]);
    expect((await get('/slots'))[0]).toBe(200);
  } finally {
    host.engine.stats = () => stats;
  }
});

test.each(['/props', '/slots/0?action=save', '/slots/0?action=restore', '/slots/0?action=erase'])(
  'POST %s is refused as a server does that was not started for it',
  async (url) => {
    const r = await fetch(host.url + url, { method: 'POST', body: JSON.stringify({ filename: '../../etc/passwd' }) });
    expect(r.status).toBe(501);
    expect(await r.json()).toMatchObject({ error: { code: 501, type: 'not_supported_error' } });
  },
);

test("models, page by page, by Anthropic's client", async () => {
  const anthropic = new Anthropic({ baseURL: host.url, apiKey: 'any', maxRetries: 0 });
  const ids: string[] = [];
  for await (const model of anthropic.models.list({ limit: 2 })) ids.push(model.id);
  expect(ids).toEqual(['a', 'b', 'c', 'd', 'e']);
  const back = await anthropic.models.list({ limit: 2, before_id: 'd' });
  expect(back.data.map((m) => m.id)).toEqual(['b', 'c']);
  expect(back).toMatchObject({ has_more: true, first_id: 'b', last_id: 'c' });
  expect(await get('/v1/models')).toMatchObject([
    200,
    { object: 'list', has_more: false, first_id: 'a', last_id: 'e' },
  ]);
});

test.each(['limit=0', 'limit=x', 'limit=1001', 'after_id=none', 'before_id=none'])('?%s is a 400', async (query) => {
  expect((await get(`/v1/models?${query}`))[0]).toBe(400);
});
