import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { download } from './download.ts';
import { httpGet, isPublicAddress } from './httpGet.ts';

const never = new AbortController().signal;
const FILE = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251));
const SHA = createHash('sha256').update(FILE).digest('hex');

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A local server in the role of the hub; the only one that the downloads of a test may talk to. */
async function hub(handler: Handler): Promise<{ url: URL; trusted: string[] }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: new URL(`http://${host}/model.gguf`), trusted: [host] };
}

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'zell-download-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return path.join(made, 'model.gguf');
}

const whole: Handler = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from >= FILE.length && from > 0) {
    response.writeHead(416).end();
    return;
  }
  const head = {
    'content-length': FILE.length - from,
    'content-range': `bytes ${from}-${FILE.length - 1}/${FILE.length}`,
  };
  response.writeHead(from > 0 ? 206 : 200, head).end(FILE.subarray(from));
};

test('a whole file is verified, put in place, and nothing is left beside it', async () => {
  const { url, trusted } = await hub(whole);
  const destination = await folder();
  const seen: number[] = [];
  const done = await download(
    { url, destination, sha256: SHA, get: { trusted }, onProgress: (bytes) => seen.push(bytes) },
    never,
  );
  expect(done).toEqual({ sha256: SHA, bytes: FILE.length });
  expect((await readFile(destination)).equals(FILE)).toBe(true);
  expect(await readdir(path.dirname(destination))).toEqual(['model.gguf']);
  expect(seen.at(-1)).toBe(FILE.length);
});

test('a connection that breaks keeps what came, and the next call asks only for the rest', async () => {
  let calls = 0;
  const ranges: (string | undefined)[] = [];
  const { url, trusted } = await hub((request, response) => {
    ranges.push(request.headers.range);
    calls += 1;
    if (calls > 1) {
      whole(request, response);
      return;
    }
    response.writeHead(200, { 'content-length': FILE.length });
    response.write(FILE.subarray(0, 70_000), () => setTimeout(() => response.destroy(), 200));
  });
  const destination = await folder();
  const job = { url, destination, sha256: SHA, bytes: FILE.length, get: { trusted } };
  await expect(download(job, never)).rejects.toMatchObject({ code: 'io' });
  expect(await readdir(path.dirname(destination))).toEqual(['model.gguf.part']);
  const kept = (await stat(`${destination}.part`)).size;
  expect(kept).toBeGreaterThan(0);
  await download(job, never);
  expect(ranges).toEqual([undefined, `bytes=${kept}-`]);
  expect((await readFile(destination)).equals(FILE)).toBe(true);
});

test('a server that ignores the range starts the file again', async () => {
  const { url, trusted } = await hub((_request, response) => response.writeHead(200).end(FILE));
  const destination = await folder();
  await writeFile(`${destination}.part`, 'old bytes of something else');
  await download({ url, destination, sha256: SHA, get: { trusted } }, never);
  expect((await readFile(destination)).equals(FILE)).toBe(true);
});

test('a part that is longer than the file now is thrown away', async () => {
  const { url, trusted } = await hub(whole);
  const destination = await folder();
  await writeFile(`${destination}.part`, Buffer.alloc(FILE.length + 5));
  await download({ url, destination, sha256: SHA, get: { trusted } }, never);
  expect((await readFile(destination)).equals(FILE)).toBe(true);
});

test('a part of another file is found out by the hash and removed', async () => {
  const { url, trusted } = await hub(whole);
  const destination = await folder();
  await writeFile(`${destination}.part`, Buffer.alloc(1000));
  const job = { url, destination, sha256: SHA, get: { trusted } };
  await expect(download(job, never)).rejects.toMatchObject({ code: 'bad_model_file' });
  expect(await readdir(path.dirname(destination))).toEqual([]);
});

test('a wrong file, a short one and an endless one are never put in place', async () => {
  const flipped = Buffer.from(FILE);
  flipped[100_000] = (flipped[100_000] ?? 0) ^ 1;
  for (const body of [flipped, FILE.subarray(0, 1000), Buffer.concat([FILE, FILE])]) {
    const { url, trusted } = await hub((_request, response) => response.writeHead(200).end(body));
    const destination = await folder();
    const job = { url, destination, sha256: SHA, bytes: FILE.length, get: { trusted } };
    await expect(download(job, never)).rejects.toThrow();
    expect(await readdir(path.dirname(destination))).not.toContain('model.gguf');
  }
});

test('without a pinned hash the published one counts; without that one nothing is taken', async () => {
  const { url, trusted } = await hub((request, response) => {
    if (request.url === '/bare.gguf') response.writeHead(200).end(FILE);
    else if (request.url === '/model.gguf')
      response.writeHead(302, { location: '/store', 'x-linked-etag': `"${SHA}"` }).end();
    else response.writeHead(200, { 'content-length': FILE.length }).end(FILE);
  });
  const destination = await folder();
  expect((await download({ url, destination, get: { trusted } }, never)).sha256).toBe(SHA);
  const bare = { url: new URL('/bare.gguf', url), destination: `${destination}2`, get: { trusted } };
  await expect(download(bare, never)).rejects.toMatchObject({ code: 'bad_model_file' });
});

test('a redirect to this machine, a private network or plain http is refused', async () => {
  const inside = await hub((_request, response) => response.end('secret'));
  for (const location of [
    inside.url.href,
    'https://127.0.0.1/x',
    'https://localhost/x',
    'https://[::1]/x',
    'https://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/x',
    'http://example.com/x',
    'file:///etc/passwd',
  ]) {
    const outside = await hub((_request, response) => response.writeHead(302, { location }).end());
    await expect(httpGet(outside.url, { trusted: outside.trusted }, never)).rejects.toMatchObject({
      code: 'forbidden',
    });
  }
});

test('redirects in a circle end', async () => {
  const { url, trusted } = await hub((_request, response) => response.writeHead(302, { location: '/again' }).end());
  await expect(httpGet(url, { trusted }, never)).rejects.toMatchObject({ code: 'io' });
});

test('a server that falls silent is given up', async () => {
  const { url, trusted } = await hub((_request, response) => {
    response.writeHead(200, { 'content-length': FILE.length });
    response.write('x');
  });
  const destination = await folder();
  const job = { url, destination, sha256: SHA, get: { trusted, idleMs: 80 } };
  await expect(download(job, never)).rejects.toMatchObject({ code: 'timeout' });
});

test('a cancelled download says so and keeps its part', async () => {
  const { url, trusted } = await hub((_request, response) => {
    response.writeHead(200, { 'content-length': FILE.length });
    response.write(FILE.subarray(0, 5000));
  });
  const destination = await folder();
  const controller = new AbortController();
  const job = {
    url,
    destination,
    sha256: SHA,
    get: { trusted },
    onProgress: () => controller.abort(),
  };
  await expect(download(job, controller.signal)).rejects.toMatchObject({ code: 'cancelled' });
  expect(await readdir(path.dirname(destination))).toEqual(['model.gguf.part']);
});

test('what is a public address', () => {
  for (const address of ['8.8.8.8', '2606:4700::1111', '172.15.0.1']) expect(isPublicAddress(address)).toBe(true);
  for (const address of [
    '127.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.1.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    'fe80::1',
    'fd00::1',
    'localhost',
    '',
  ])
    expect(isPublicAddress(address)).toBe(false);
});
