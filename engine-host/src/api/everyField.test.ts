/**
 * Every field of every route's schema against every hostile value: an answer or a 4xx, in time, never a bug, and never a number that
 * the engine cannot take.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GenerateRequest } from '#protocol/generation.ts';
import { fieldsOf, replaced, smallest, type FieldPath } from './hostileFields.ts';
import { routesWithBodies, type ApiRoute } from './routeTable.ts';
import { MODEL, testHost, type TestHost } from './testing.ts';

let host: TestHost;
beforeAll(async () => {
  // Any file will do, but one there must be: some answers are read from it.
  host = await testHost({}, { ...MODEL, path: import.meta.filename });
});
afterAll(() => host.close());

/** JSON that JavaScript cannot write: becomes infinite when it is read. */
const INFINITE = '@infinite@';
const NUMBERS = [-1, 0, 0.5, -(2 ** 31), 2 ** 53, 1e308, INFINITE];
const OTHERS = ['NaN', true, null, [], [null], { a: null }];
/** Token ids and pairs of them, for fields that take anything. */
const PAIRS = [{ '5': 'x' }, { '-1': 1 }, { '5': 1e308 }, [[5]], [[5, null]], [-1], [1e308]];

async function send({ url, method }: ApiRoute, body: unknown): Promise<{ status: number; text: string }> {
  const reply = await fetch(host.url + url.replaceAll(/:\w+|\*/g, 'tiny'), {
    method,
    body: JSON.stringify(body).replaceAll(`"${INFINITE}"`, '1e999'),
    signal: AbortSignal.timeout(30_000),
  });
  return { status: reply.status, text: await reply.text() };
}

function isSane({ sampling: s, maxTokens, logprobs, prompt }: GenerateRequest): boolean {
  const whole = (value: number, low: number, high = Infinity) =>
    Number.isInteger(value) && value >= low && value <= high;
  return (
    s.temperature >= 0 &&
    s.temperature <= 100 &&
    s.topP > 0 &&
    s.topP <= 1 &&
    s.minP >= 0 &&
    s.minP <= 1 &&
    whole(s.topK, 0) &&
    whole(s.seed, 0, 2 ** 32 - 1) &&
    whole(s.repeatLastN, -1) &&
    s.repeatPenalty > 0 &&
    [s.repeatPenalty, s.frequencyPenalty, s.presencePenalty].every(Number.isFinite) &&
    (s.logitBias ?? []).every(([token, bias]) => whole(token, 0) && (bias === null || Number.isFinite(bias))) &&
    (maxTokens === undefined || whole(maxTokens, 0, MODEL.contextLength)) &&
    (logprobs === undefined || whole(logprobs, 0, 20)) &&
    prompt.every((part) => 'text' in part || part.tokens.every((t) => whole(t, 0, MODEL.vocabularySize - 1)))
  );
}

/** @returns what is wrong with the answer, or with what the engine got */
async function attempt(route: ApiRoute, base: unknown, at: FieldPath, value: unknown): Promise<string[]> {
  const body = replaced(base, at, value);
  const { status, text } = await send(route, body).catch((error: unknown) => ({ status: 0, text: String(error) }));
  const fine = status === 200 || (status >= 400 && status < 500 && text.includes('error'));
  const insane = host.engine.requests.splice(0).filter(({ request }) => !isSane(request));
  const what = `${route.method} ${route.url} ${at.join('.')}=${JSON.stringify(value)}`;
  return [
    ...(fine ? [] : [`${what}: ${status} ${text.slice(0, 200)}`]),
    ...insane.map(({ request }) => `${what} reached the engine: ${JSON.stringify(request).slice(0, 400)}`),
  ];
}

test('the smallest body of each route is understood', async () => {
  expect(routesWithBodies(host.app).length).toBeGreaterThan(12);
  for (const route of routesWithBodies(host.app)) {
    const { status, text } = await send(route, smallest(route.body));
    // A 400 would mean that its fields are never looked at below: say in hostileFields.ts what its fields ask for.
    if (route.url !== '/lora-adapters') expect([200, 404], `${route.method} ${route.url}: ${text}`).toContain(status);
  }
});

test('each field with each hostile value', async () => {
  const wrong: string[] = [];
  for (const route of routesWithBodies(host.app)) {
    const base = smallest(route.body);
    for (const { at, types } of fieldsOf(route.body)) {
      const any = types.includes('any');
      const numeric = any || types.some((type) => type === 'number' || type === 'integer');
      const values = [...OTHERS, ...(numeric ? NUMBERS : [1, INFINITE]), ...(any ? PAIRS : [])];
      wrong.push(...(await Promise.all(values.map((value) => attempt(route, base, at, value)))).flat());
    }
  }
  expect(wrong).toEqual([]);
  expect(host.bugs).toEqual([]);
}, 120_000);

test('any number in any numeric field', async () => {
  const fields = routesWithBodies(host.app).flatMap((route) =>
    fieldsOf(route.body)
      .filter(({ types }) => types.some((type) => type === 'number' || type === 'integer'))
      .map(({ at }) => ({ route, at, base: smallest(route.body) })),
  );
  expect(fields.length).toBeGreaterThan(60);
  const anyNumber = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.maxSafeInteger());
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...fields), anyNumber, async ({ route, at, base }, value) => {
      expect(await attempt(route, base, at, value)).toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect(host.bugs).toEqual([]);
});
