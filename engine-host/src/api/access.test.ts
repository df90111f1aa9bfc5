/** Who is let in: judged before a body is read, and before the engine hears of anything. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routesOf } from './routeTable.ts';
import { testHost, type TestHost } from './testing.ts';

let open: TestHost;
let locked: TestHost;

beforeAll(async () => {
  open = await testHost({ allowedOrigins: ['https://app.example'], allowedHosts: ['zell.example'] });
  locked = await testHost({ apiKey: 'secret-key' });
});
afterAll(async () => {
  await open.close();
  await locked.close();
});

const portOf = (host: TestHost) => Number(new URL(host.url).port);

/** Sends bytes, resolves with the status line's code. */
function raw(host: TestHost, text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(portOf(host), '127.0.0.1');
    socket.setTimeout(4000, () => socket.destroy(new Error('no answer')));
    socket.on('error', reject);
    socket.once('data', (data) => {
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1]));
      socket.destroy();
    });
    socket.write(text);
  });
}

/** A request whose body never comes: a refusal must not wait for it. */
const withBody = (method: string, target: string, headers: readonly string[]) =>
  [`${method} ${target} HTTP/1.1`, ...headers, 'Content-Type: text/plain', 'Content-Length: 1000000', '', '{"mo'].join(
    '\r\n',
  );
const post = (target: string, headers: readonly string[]) => withBody('POST', target, headers);

/** Whatever the router knows, a path that it does not know, and what browsers ask before they send a request. */
function everyRoute(host: TestHost): readonly (readonly [method: string, target: string])[] {
  const known = routesOf(host.app).map(({ method, url }) => [method, url.replaceAll(/:\w+|\*/g, 'tiny')] as const);
  expect(known.length).toBeGreaterThan(30);
  return [...known, ['POST', '/nowhere'], ...known.map(([, url]) => ['OPTIONS', url] as const)];
}

/** Sends these headers to every route, with a body on its way. */
async function refusedEverywhere(host: TestHost, headers: readonly string[]): Promise<void> {
  const port = String(portOf(host));
  const own = headers.map((header) => header.replaceAll('PORT', port));
  const wrong: string[] = [];
  await Promise.all(
    everyRoute(host).map(async ([method, target]) => {
      const status = await raw(host, withBody(method, target, own));
      if (status !== 403) wrong.push(`${method} ${target}: ${status}`);
    }),
  );
  expect(wrong).toEqual([]);
  expect(host.engine.requests).toHaveLength(0);
  expect(host.engine.calls).toEqual([]);
}

describe('Host', () => {
  test.each([
    ['evil.com'],
    ['127.0.0.1.evil.com:PORT'],
    ['localhost.evil.com:PORT'],
    ['foo.localhost:PORT'],
    ['127.0.0.1:1'],
    ['localhost:99999'],
    [''],
    ['127.0.0.1:PORT@evil.com'],
    ['localhost:PORT, evil.com'],
    ['0.0.0.0:PORT'],
    ['2130706433:PORT'],
  ])('%s is refused on every route, before the body', async (name) => {
    await refusedEverywhere(open, [`Host: ${name}`]);
  });
  test('twice, absent, or with an absolute request line', async () => {
    const own = `Host: localhost:${portOf(open)}`;
    expect(await raw(open, post('/api/chat', [own, 'Host: evil.com']))).toBe(403);
    expect(await raw(open, post('/api/chat', [own, own]))).toBe(403);
    expect(await raw(open, post('/api/chat', []))).toBe(403);
    expect(await raw(open, 'GET /health HTTP/1.0\r\n\r\n')).toBe(403);
    expect(await raw(open, post(`http://localhost:${portOf(open)}/api/chat`, [own]))).toBe(403);
    expect(await raw(open, post('//evil.com/api/chat', [own]))).toBe(403);
    expect(await raw(open, post('/%zz', ['Host: evil.com']))).toBe(403);
  });
  test.each([
    ['localhost:PORT'],
    ['LOCALHOST'],
    ['127.0.0.1:PORT'],
    ['[::1]:PORT'],
    ['zell.example'],
    ['zell.example:8443'],
  ])('%s is ours', async (name) => {
    const host = `Host: ${name.replace('PORT', String(portOf(open)))}`;
    expect(await raw(open, `GET /health HTTP/1.1\r\n${host}\r\n\r\n`)).toBe(200);
  });
});

describe('Origin', () => {
  test.each([
    ['Origin: null'],
    ['Origin: https://evil'],
    ['Origin: http://localhost.evil.com'],
    ['Origin: http://localhost:3000'],
    ['Origin: https://localhost:PORT'],
    ['Origin: file://'],
    ['Origin: vscode-webview://other'],
    ['Origin: '],
    ['Sec-Fetch-Site: cross-site'],
    ['Sec-Fetch-Site: same-site'],
  ])('%s is refused', async (header) => {
    await refusedEverywhere(open, ['Host: 127.0.0.1:PORT', header, 'Access-Control-Request-Method: POST']);
  });
  test('one wrong header of three is enough', async () => {
    const hosts = ['127.0.0.1:PORT', 'evil.com', 'localhost.evil.com:PORT'];
    const origins = [undefined, 'http://127.0.0.1:PORT', 'null', 'https://evil.com', 'https://app.example'];
    const sites = [undefined, 'same-origin', 'none', 'cross-site', 'same-site'];
    const port = String(portOf(open));
    for (const host of hosts)
      for (const origin of origins)
        for (const site of sites) {
          const configured = origin === 'https://app.example';
          const fine =
            host === '127.0.0.1:PORT' &&
            (configured ||
              ([undefined, 'http://127.0.0.1:PORT'].includes(origin) &&
                [undefined, 'same-origin', 'none'].includes(site)));
          const head = [
            `Host: ${host}`,
            ...(origin === undefined ? [] : [`Origin: ${origin}`]),
            ...(site === undefined ? [] : [`Sec-Fetch-Site: ${site}`]),
          ].map((header) => header.replace('PORT', port));
          const target = ['GET /health HTTP/1.1', ...head, '', ''].join('\r\n');
          expect(await raw(open, target), head.join(', ')).toBe(fine ? 200 : 403);
        }
  });
  test('who is refused is not asked for a body', async () => {
    const port = portOf(open);
    const expecting = (host: string) =>
      raw(open, post('/api/chat', [`Host: ${host}`, 'Expect: 100-continue']).replace('{"mo', ''));
    expect(await expecting(`localhost:${port}`)).toBe(100);
    expect(await expecting('evil.com')).toBe(403);
    expect(open.engine.requests).toHaveLength(0);
  });
  test('our own page and a configured origin may call; no wildcard', async () => {
    const own = await fetch(`${open.url}/health`, { headers: { origin: open.url, 'sec-fetch-site': 'same-origin' } });
    expect(own.status).toBe(200);
    expect(own.headers.get('access-control-allow-origin')).toBeNull();
    const foreign = await fetch(`${open.url}/health`, { headers: { origin: 'https://app.example' } });
    expect(foreign.headers.get('access-control-allow-origin')).toBe('https://app.example');
    const preflight = await fetch(`${open.url}/v1/messages`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-headers': 'x-stainless-os, anthropic-version, cookie',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('x-stainless-os, anthropic-version');
  });
});

describe('key', () => {
  const get = async (host: TestHost, path: string, headers: Record<string, string> = {}) =>
    (await fetch(host.url + path, { headers })).status;
  test('none is needed on loopback, any is accepted', async () => {
    expect(await get(open, '/v1/models')).toBe(200);
    expect(await get(open, '/v1/models', { authorization: 'Bearer whatever' })).toBe(200);
  });
  test('a set key is needed, except for the public paths', async () => {
    for (const path of ['/', '/health', '/v1/health']) expect(await get(locked, path), path).toBe(200);
    for (const path of ['/v1/models', '/metrics', '/props', '/api/tags', '/nowhere'])
      expect(await get(locked, path), path).toBe(401);
    const own = [`Host: localhost:${portOf(locked)}`];
    for (const [method, target] of everyRoute(locked))
      if (!['/', '/health', '/v1/health'].includes(target))
        expect(await raw(locked, withBody(method, target, own)), `${method} ${target}`).toBe(401);
    for (const wrong of ['secret-kez', 'secret-ke', 'secret-keyy', 'SECRET-KEY', 'secret-key,x', '""'])
      expect(await get(locked, '/v1/models', { authorization: `Bearer ${wrong}` }), wrong).toBe(401);
    expect(await get(locked, '/v1/models', { authorization: 'Bearer secret-key' })).toBe(200);
    expect(await get(locked, '/v1/models', { 'x-api-key': 'secret-key' })).toBe(200);
    expect(await get(locked, '/v1/models', { authorization: 'Bearer host-token' })).toBe(200);
  });
  test('refusals are worded in each family', async () => {
    const body = async (path: string) => (await fetch(locked.url + path, { method: 'POST', body: '{}' })).json();
    expect(await body('/v1/chat/completions')).toMatchObject({
      error: { type: 'authentication_error', code: 'unauthorized' },
    });
    expect(await body('/v1/messages')).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
    expect(await body('/api/chat')).toEqual({ error: 'An API key is needed.' });
    expect(await body('/infill')).toMatchObject({ error: { code: 401, type: 'authentication_error' } });
    expect(locked.engine.requests).toHaveLength(0);
  });
});
