/** The OpenAPI document: complete, and made of the schemas in force. `npm run check` compares it with `docs/openapi.json`. */
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApi, routeKey } from './openapi.ts';
import { SUMMARIES } from './openapiSummaries.ts';
import { ChatBody } from './openai/schema.ts';
import { routesOf } from './routeTable.ts';
import { testHost, type TestHost } from './testing.ts';

let host: TestHost;
let document: {
  paths: Record<string, Record<string, { summary: string; requestBody?: unknown }>>;
  components: { schemas: Record<string, object> };
};
beforeAll(async () => {
  host = await testHost();
  document = (await (await fetch(`${host.url}/openapi.json`)).json()) as typeof document;
});
afterAll(() => host.close());

test('every route of the router is in it, with a line on what it is for; and nothing that the router does not have', () => {
  const inDocument = Object.entries(document.paths)
    .flatMap(([url, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${url}`))
    .sort();
  for (const key of inDocument) expect(SUMMARIES[key]?.summary, key).toMatch(/\.$/);
  expect(Object.keys(SUMMARIES).sort()).toEqual(inDocument);
  const inRouter = routesOf(host.app).map(routeKey);
  // HEAD goes without saying where there is GET.
  const own = inRouter.filter((key) => !(key.startsWith('HEAD ') && inRouter.includes(key.replace('HEAD', 'GET'))));
  expect([...new Set(own)].sort()).toEqual(inDocument);
});

test('a body that the schema in the document refuses is refused, and one that it takes is taken', async () => {
  const schema = document.components.schemas['ChatCompletionsBody'] ?? {};
  for (const url of ['/v1/chat/completions', '/chat/completions'])
    expect(document.paths[url]?.['post']?.requestBody).toEqual({
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/ChatCompletionsBody' } } },
    });
  expect(schema).toEqual(JSON.parse(JSON.stringify(ChatBody)));
  const messages = [{ role: 'user', content: 'Hi' }];
  for (const body of [
    { messages },
    { messages, temperature: 3 },
    { messages: [] },
    { messages, n: 'two' },
    { messages, stop: ['a'], own_field: 1 },
  ]) {
    const { status } = await fetch(`${host.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) });
    expect(status, JSON.stringify(body)).toBe(Check(schema, body) ? 200 : 400);
  }
});

test('every reference has its target, and no two routes share a name for different bodies', () => {
  const targets = [...JSON.stringify(document.paths).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((m) => m[1]);
  expect([...new Set(targets)].sort()).toEqual(Object.keys(document.components.schemas).sort());
  const bodies = new Set(routesOf(host.app).flatMap(({ body }) => (body === undefined ? [] : [body])));
  expect(Object.keys(document.components.schemas).filter((name) => name.endsWith('Body'))).toHaveLength(bodies.size);
});

test('methods of one path stand together, parameters are declared', () => {
  const routes = ['POST /b/:id', 'GET /a', 'HEAD /a', 'DELETE /a'].map((route) => {
    const [method = '', url = ''] = route.split(' ');
    return { method, url, body: undefined };
  });
  const { paths } = openApi(routes, '1') as { paths: Record<string, Record<string, object>> };
  expect(Object.entries(paths).map(([url, methods]) => [url, Object.keys(methods).sort()])).toEqual([
    ['/a', ['delete', 'get']],
    ['/b/{id}', ['post']],
  ]);
  expect(paths['/b/{id}']?.['post']).toMatchObject({ parameters: [{ name: 'id', in: 'path', required: true }] });
  expect(routeKey({ method: 'POST', url: '/b/:id' })).toBe('POST /b/{id}');
});
