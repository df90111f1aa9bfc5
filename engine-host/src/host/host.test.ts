import { createServer, type Server } from 'node:http';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type net from 'node:net';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { CancellationTokenSource, createMessageConnection, type MessageConnection } from 'vscode-jsonrpc/node';
import { CLIENT_HEADER, EDITOR_SOCKET_PATH, type CompletionWindow, type HostStatus } from '#protocol/editor.ts';
import type { ApiDeps } from '../api/deps.ts';
import { findRunning, readAnnouncement } from './announcement.ts';
import { connectHost } from './hostClient.ts';
import type { Host } from './host.ts';
import type { HostFactories } from './hostParts.ts';
import type { Lifetime } from './leases.ts';
import { memoryOff } from './memoryOff.ts';
import { startHost } from './startHost.ts';
import { fakeEngine, memoryLock, temporaryHome, type FakeEngine } from './testing/fakes.ts';
import type { ZellPaths } from './paths.ts';
import { WebSocketReader, WebSocketWriter } from './webSocketTransport.ts';

const never = new AbortController().signal;

interface Running {
  readonly host: Host;
  readonly engine: FakeEngine;
  readonly paths: ZellPaths;
  readonly make: HostFactories;
  readonly lock: ReturnType<typeof memoryLock>;
}

/** A host on a free port, its routes reduced to `/api/version` and one that hangs. */
async function running(lifetime: Lifetime = 'editor', port = 0): Promise<Running> {
  const paths = await temporaryHome();
  const engine = fakeEngine();
  const lock = memoryLock();
  const make: HostFactories = {
    lock,
    log: () => pino({ level: 'silent' }),
    engine: () => engine,
    memory: () => Promise.resolve(memoryOff('off in this test')),
    api: (deps) => {
      const server = plainServer(deps);
      return { server, ready: () => Promise.resolve(), close: () => Promise.resolve() };
    },
    requestDrain: () => Promise.reject(new Error('not here')),
  };
  const options = { paths, lifetime, host: '127.0.0.1', port, load: {}, version: '0.1.0' };
  const started = await startHost(options, make);
  if (started.kind !== 'running') throw new Error('somebody runs already');
  onTestFinished(() => started.host.stop('test over'));
  return { host: started.host, engine, paths, make, lock };
}

function plainServer(deps: ApiDeps): Server {
  return createServer((request, response) => {
    if (request.url === '/hang') return;
    response.end(JSON.stringify({ version: deps.identity.version, zell: { instance: deps.identity.instance } }));
  });
}

test('announces itself once it answers, and takes everything back at the end', async () => {
  const { host, engine, paths, lock } = await running();
  expect((await findRunning(paths.announcement))?.pid).toBe(process.pid);
  expect((await stat(paths.home)).mode & 0o777).toBe(0o700);
  expect(host.announcement.token).toMatch(/^[0-9a-f]{64}$/);
  await host.stop('test');
  expect(await readAnnouncement(paths.announcement)).toBeUndefined();
  expect(engine.stopped).toBe(true);
  expect(lock.held.size).toBe(0);
  await host.ended;
});

test('a second start joins the first', async () => {
  const { host, paths, make } = await running();
  const second = await startHost({ paths, lifetime: 'editor', host: '127.0.0.1', load: {}, version: '0.1.0' }, make);
  expect(second.kind === 'joined' && second.announcement.instance).toBe(host.announcement.instance);
});

test('a taken port that was asked for is refused, and the lock is free again', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as net.AddressInfo;
  await expect(running('editor', port)).rejects.toMatchObject({ code: 'io' });
});

test('a request that hangs does not hold up the end', async () => {
  const { host } = await running();
  const hanging = fetch(`${host.address}/hang`).catch(() => 'cut');
  await new Promise((resolve) => setTimeout(resolve, 30));
  const started = Date.now();
  await host.stop('test');
  expect(Date.now() - started).toBeLessThan(2000);
  expect(await hanging).toBe('cut');
});

test('a host of one command ends when the command lets go', async () => {
  const { host } = await running('command');
  const client = await connectHost(host.announcement, 'cli');
  expect((await client.request('zell/status/get', {}, never)).leases).toBe(0);
  client.close();
  await host.ended;
});

test('status says how many editors there are, and comes complete after initialize', async () => {
  const { host } = await running();
  const connection = await editor(host);
  const pushed = new Promise<HostStatus>((resolve) => connection.onNotification('zell/status', resolve));
  const initialized = await connection.sendRequest<{ capabilities: object }>('initialize', { capabilities: {} });
  expect(initialized.capabilities).toEqual({ inlineCompletionProvider: true });
  await connection.sendNotification('initialized', {});
  expect(await pushed).toMatchObject({ state: 'ready', leases: 1, port: host.announcement.port, pid: process.pid });
});

const window: CompletionWindow = {
  prefix: 'let x = ',
  suffix: '',
  languageId: 'javascript',
  fileName: 'a.js',
  shape: 'line',
  maxTokens: 8,
};

test('inline completion goes from the window to ghost text; a request without one gets nothing', async () => {
  const { host, engine, paths } = await running();
  await loadTiny(host, paths);
  engine.answer = [
    { type: 'delta', text: '42;\nlet y', tokens: [1, 2] },
    {
      type: 'done',
      finish: 'stop',
      promptTokens: 1,
      cachedTokens: 0,
      completionTokens: 2,
      truncatedTokens: 0,
      timings: { queuedMs: 0, promptMs: 0, decodeMs: 0 },
    },
  ];
  const connection = await editor(host);
  expect(await connection.sendRequest('textDocument/inlineCompletion', { zell: window })).toEqual({
    items: [{ insertText: '42;' }],
  });
  expect(await connection.sendRequest('textDocument/inlineCompletion', {})).toEqual({ items: [] });
  await expect(
    connection.sendRequest('textDocument/inlineCompletion', { zell: { ...window, maxTokens: -1 } }),
  ).rejects.toMatchObject({ data: { code: 'invalid_request' } });
});

test('$/cancelRequest and a closed socket reach the engine', async () => {
  const { host, engine, paths } = await running();
  await loadTiny(host, paths);
  engine.answer = undefined;
  const connection = await editor(host);
  const source = new CancellationTokenSource();
  const answer = connection.sendRequest('textDocument/inlineCompletion', { zell: window }, source.token);
  while (engine.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  source.cancel();
  await expect(answer).rejects.toMatchObject({ code: -32800 });
});

test('choosing a model loads it and remembers it', async () => {
  const { host, engine, paths } = await running();
  const file = path.join(paths.models, 'other.gguf');
  await mkdir(paths.models, { recursive: true });
  await writeFile(file, 'x');
  const client = await connectHost(host.announcement, 'editor');
  const { model } = await client.request('zell/models/choose', { name: 'other' }, never);
  expect(model.name).toBe('other');
  expect(engine.loads).toEqual([file]);
  const { models } = await client.request('zell/models/list', {}, never);
  expect(models.find((choice) => choice.name === 'other')).toMatchObject({ installed: true, loaded: true, path: file });
  await expect(client.request('zell/models/load', { name: 'nothing' }, never)).rejects.toMatchObject({
    code: 'model_not_found',
  });
  await expect(client.request('zell/memory/clear', {}, never)).rejects.toMatchObject({ code: 'memory_off' });
  client.close();
});

test('a stop from a client ends the host', async () => {
  const { host } = await running('keep');
  const client = await connectHost(host.announcement, 'cli');
  await client.request('zell/host/stop', { drain: true }, never);
  await host.ended;
});

for (const [what, headers, status] of [
  ['no token', {}, 401],
  ['a wrong token', { authorization: 'Bearer nonsense' }, 401],
  ['a web page', { origin: 'http://127.0.0.1' }, 403],
  ['a sandboxed page', { origin: 'null' }, 403],
  ['a foreign name', { host: 'evil.example:PORT' }, 403],
  ['a name that starts like ours', { host: '127.0.0.1.evil.example:PORT' }, 403],
  ['another port in Host', { host: '127.0.0.1:1' }, 403],
  ['no Host port', { host: '127.0.0.1' }, 403],
] as const) {
  test(`the editor socket refuses ${what}`, async () => {
    const { host } = await running();
    const { port, token } = host.announcement;
    const filled = Object.fromEntries(
      Object.entries({ ...(status === 403 ? { authorization: `Bearer ${token}` } : {}), ...headers }).map(([k, v]) => [
        k,
        v.replace('PORT', String(port)),
      ]),
    );
    const socket = new WebSocket(`ws://127.0.0.1:${port}${EDITOR_SOCKET_PATH}`, { headers: filled });
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toContain(String(status));
    // The guard, not the client, refused: with everything right it opens.
    (await connectHost(host.announcement, 'cli')).close();
  });
}

test('text that is no JSON-RPC ends that connection alone', async () => {
  const { host } = await running();
  const socket = await open(host);
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.send('hello');
  expect(await closed).toBe(1003);
  (await connectHost(host.announcement, 'cli')).close();
});

async function loadTiny(host: Host, paths: ZellPaths): Promise<void> {
  await writeFile(path.join(paths.models, 'tiny.gguf'), 'x');
  await host.preload('tiny');
}

function open(host: Host): Promise<WebSocket> {
  const { port, token } = host.announcement;
  const socket = new WebSocket(`ws://127.0.0.1:${port}${EDITOR_SOCKET_PATH}`, {
    headers: { authorization: `Bearer ${token}`, [CLIENT_HEADER]: 'editor' },
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

async function editor(host: Host): Promise<MessageConnection> {
  const socket = await open(host);
  const connection = createMessageConnection(new WebSocketReader(socket), new WebSocketWriter(socket));
  connection.listen();
  onTestFinished(() => {
    connection.dispose();
    socket.terminate();
  });
  return connection;
}
