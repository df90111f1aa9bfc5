import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Announcement } from '#protocol/announcement.ts';
import { addressOf, findRunningHost } from './runningHost.ts';

const never = new AbortController().signal;
let home: string;
let server: http.Server;
let port: number;
let wanted: string | undefined;

beforeEach(async () => {
  wanted = undefined;
  home = await mkdtemp(path.join(os.tmpdir(), 'zell-home-'));
  server = http.createServer((request, response) => {
    if (wanted !== undefined && request.headers.authorization !== wanted) response.writeHead(401).end('{}');
    else if (request.url === '/api/version') response.end(JSON.stringify({ version: '1', zell: { instance: 'mine' } }));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(home, { recursive: true });
});

async function announce(change: Partial<Announcement>): Promise<void> {
  const announcement = { v: 1, pid: 1, host: '127.0.0.1', port, token: 't', instance: 'mine', version: '1', ...change };
  await writeFile(path.join(home, 'engine.json'), JSON.stringify(announcement));
}

test('a host that answers with its own instance is joined', async () => {
  await announce({});
  expect(await findRunningHost(home, never)).toMatchObject({ port, token: 't' });
});

test('a host that is served with an API key is joined: the token opens it', async () => {
  await announce({});
  wanted = 'Bearer t';
  expect(await findRunningHost(home, never)).toMatchObject({ port });
  wanted = 'Bearer another';
  expect(await findRunningHost(home, never)).toBeUndefined();
});

test('a stale announcement is no host: somebody else has the port now', async () => {
  await announce({ instance: 'dead' });
  expect(await findRunningHost(home, never)).toBeUndefined();
});

test('nobody at the port, no file and no JSON are no host', async () => {
  expect(await findRunningHost(home, never)).toBeUndefined();
  await writeFile(path.join(home, 'engine.json'), '{');
  expect(await findRunningHost(home, never)).toBeUndefined();
  await announce({});
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(await findRunningHost(home, never)).toBeUndefined();
});

test('a host that listens everywhere is reached through loopback', () => {
  const announcement: Announcement = { v: 1, pid: 1, host: '0.0.0.0', port: 5, token: '', instance: '', version: '' };
  expect(addressOf(announcement)).toBe('127.0.0.1:5');
  expect(addressOf({ ...announcement, host: '::' })).toBe('[::1]:5');
});
