import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findOrStartHost } from './hostLauncher.ts';

const never = new AbortController().signal;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-launch-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A program that announces itself as the real host does, and ends by itself. */
const HOST = `
import http from 'node:http';
import { writeFileSync } from 'node:fs';
const server = http.createServer((request, response) => response.end(JSON.stringify({ zell: { instance: 'i' } })));
server.listen(0, '127.0.0.1', () => {
  const announcement = { v: 1, pid: process.pid, host: '127.0.0.1', port: server.address().port, token: 't', instance: 'i',
    version: process.argv[2] ?? '1.0.0',
    env: [process.env.ELECTRON_RUN_AS_NODE, process.env.VSCODE_PID ?? 'none', process.env.ZELL_PREFIX_DISK_MB ?? 'none'].join() };
  writeFileSync(process.env.ZELL_HOME + '/engine.json', JSON.stringify(announcement));
});
setTimeout(() => process.exit(), 3000);
`;

async function program(source: string) {
  const script = path.join(folder, 'host.mjs');
  await writeFile(script, source);
  return { executable: process.execPath, script, home: path.join(folder, 'home'), version: '1.0.0' };
}

test('a host is started as Node, without the window’s own environment, and then joined', async () => {
  process.env['VSCODE_PID'] = '1';
  const started = await findOrStartHost(await program(HOST), never);
  delete process.env['VSCODE_PID'];
  const written = await readFile(path.join(folder, 'home', 'engine.json'), 'utf8');
  expect(JSON.parse(written)).toMatchObject({ env: '1,none,none' });
  const joined = await findOrStartHost(await program('throw new Error("not again")'), never);
  expect(joined.pid).toBe(started.pid);
});

test('the limit of the disk reaches the host', async () => {
  await findOrStartHost({ ...(await program(HOST)), prefixDiskMegabytes: 512 }, never);
  const written = await readFile(path.join(folder, 'home', 'engine.json'), 'utf8');
  expect(JSON.parse(written)).toMatchObject({ env: '1,none,512' });
});

test('an older host is replaced by our own', async () => {
  const old = await findOrStartHost(await program(HOST), never);
  const newer = { ...(await program(HOST.replace("?? '1.0.0'", "?? '1.1.0'"))), version: '1.1.0' };
  const started = await findOrStartHost(newer, never);
  expect(started.version).toBe('1.1.0');
  expect(started.pid).not.toBe(old.pid);
});

test('a host that ends at once says why', async () => {
  const broken = await program('console.error("the addon is missing"); process.exit(3);');
  await expect(findOrStartHost(broken, never)).rejects.toMatchObject({
    code: 'engine_crashed',
    message: expect.stringContaining('the addon is missing') as string,
  });
});

test('an executable that is not there is told', async () => {
  const missing = { ...(await program('')), executable: path.join(folder, 'no-such-program') };
  await expect(findOrStartHost(missing, never)).rejects.toMatchObject({ code: 'io' });
});
