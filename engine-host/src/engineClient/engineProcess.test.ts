/** The real child program in a real process; its addon is a fake that the bundler makes a file of. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import { GREEDY } from '#protocol/sampling.ts';
import { EngineClient } from './engineClient.ts';
import { spawnEngine, type StreamPair } from './engineProcess.ts';

const never = new AbortController().signal;
let folder: string;
let script: string;
let client: EngineClient | undefined;
const addonBefore = process.env['ZELL_ADDON'];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'zell-engine-'));
  script = path.join(folder, 'engine.mjs');
  const root = path.join(import.meta.dirname, '../engine');
  const common = { bundle: true, platform: 'node', logLevel: 'silent' } as const;
  await build({ ...common, entryPoints: [path.join(root, 'main.ts')], format: 'esm', outfile: script });
  const addon = path.join(folder, 'addon.cjs');
  const source = `
    import { fakeAddon } from './native/fakeModel.ts';
    const slow = () => new Promise((resolve) => setTimeout(resolve, 5));
    module.exports = fakeAddon({ duringStep: slow });`;
  await build({
    ...common,
    stdin: { contents: source, resolveDir: root, loader: 'ts' },
    format: 'cjs',
    outfile: addon,
  });
  process.env['ZELL_ADDON'] = addon;
});
afterAll(async () => {
  if (addonBefore === undefined) delete process.env['ZELL_ADDON'];
  else process.env['ZELL_ADDON'] = addonBefore;
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await client?.stop();
  client = undefined;
});

function ask(maxTokens: number): GenerateRequest {
  return {
    prompt: [{ text: 'hello', special: false }],
    addBos: true,
    maxTokens,
    stop: [],
    sampling: { ...GREEDY, seed: 1 },
    priority: 'chat',
  };
}

async function text(events: AsyncIterable<GenerateEvent>): Promise<string> {
  let whole = '';
  for await (const event of events) {
    if (event.type === 'delta') whole += event.text;
    if (event.type === 'failed') throw new Error(event.error.code);
  }
  return whole;
}

async function ready(streamPair?: StreamPair): Promise<EngineClient> {
  client = new EngineClient({ script, ...(streamPair === undefined ? {} : { streamPair }) });
  await client.start();
  await client.load('/m.gguf', {}, () => undefined, never);
  return client;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pid: number, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (isAlive(pid) && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
  return !isAlive(pid);
}

test('a prompt goes through the real pipe and comes back as text', async () => {
  const engine = await ready();
  expect(engine.state).toBe('ready');
  expect(await text(engine.generate(ask(6), never))).toMatch(/^[a-z]{6}$/);
  expect(engine.stats()).toMatchObject({ completionTokens: 6, queue: { running: 0 } });
});

test('kill -9 in mid-stream: the stream fails by name, the next request works within three seconds', async () => {
  const engine = await ready();
  const expected = await text(engine.generate(ask(6), never));
  const seen: GenerateEvent[] = [];
  for await (const event of engine.generate(ask(1000), never)) {
    if (event.type === 'delta' && seen.length === 1) process.kill(engine.pid ?? 0, 'SIGKILL');
    if (event.type !== 'delta' || seen.length === 1) seen.push(event);
  }
  expect(seen.map((e) => e.type)).toEqual(['accepted', 'delta', 'failed']);
  expect(seen.at(-1)).toMatchObject({ error: { code: 'engine_crashed' } });
  const killedAt = performance.now();
  expect(await text(engine.generate(ask(6), never))).toBe(expected);
  expect(performance.now() - killedAt).toBeLessThan(3000);
});

test('requests that hit a child which was killed a moment before are answered by the next one', async () => {
  const engine = await ready();
  const expected = await text(engine.generate(ask(6), never));
  process.kill(engine.pid ?? 0, 'SIGKILL');
  const texts = [1, 2, 3].map(() => text(engine.generate(ask(6), never)));
  const { tokens } = await engine.call('count', { prompt: [{ text: 'hello', special: false }], addBos: false }, never);
  expect(tokens).toBeGreaterThan(0);
  expect(await Promise.all(texts)).toEqual([expected, expected, expected]);
});

test('a child whose pipe closes is gone at once, even in the middle of a step', async () => {
  const engine = await ready();
  const stream = engine.generate(ask(1000), never);
  await stream.next();
  const pid = engine.pid ?? 0;
  await engine.stop();
  expect(await gone(pid, 500)).toBe(true);
});

const osAddon = path.join(import.meta.dirname, '../../../dist/zell_os.node');
const hasPairs = existsSync(osAddon) && process.platform !== 'win32';

test.skipIf(!hasPairs)(
  'over a pair of sockets: answers, frames larger than what is read at a time, and both ends',
  async () => {
    const { streamPair } = createRequire(import.meta.url)(osAddon) as { streamPair: StreamPair };
    const engine = await ready(streamPair);
    expect(await text(engine.generate(ask(20), never))).toHaveLength(20);
    const long = 'word '.repeat(6000);
    const { tokens } = await engine.call('tokenize', { text: long, addSpecial: false, parseSpecial: false }, never);
    expect(tokens).toHaveLength(long.length);
    const stream = engine.generate(ask(1000), never);
    await stream.next();
    const first = engine.pid ?? 0;
    process.kill(first, 'SIGKILL');
    const events = [];
    for await (const event of stream) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: 'failed', error: { code: 'engine_crashed' } });
    expect(await text(engine.generate(ask(5), never))).toHaveLength(5);
    const second = engine.pid ?? 0;
    expect(second).not.toBe(first);
    await engine.stop();
    expect(await gone(second, 500)).toBe(true);
  },
);

test('a front that is killed leaves no child behind', async () => {
  const { spawn } = await import('node:child_process');
  const front = path.join(folder, 'front.mjs');
  const source = `
    import { EngineClient } from './engineClient.ts';
    const client = new EngineClient({ script: ${JSON.stringify(script)} });
    await client.start();
    console.log(client.pid);
    setInterval(() => {}, 1000);`;
  await build({
    bundle: true,
    platform: 'node',
    logLevel: 'silent',
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'ts' },
    format: 'esm',
    outfile: front,
  });
  const parent = spawn(process.execPath, [front], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = Number(
    await new Promise<string>((resolve) => parent.stdout.once('data', (d: Buffer) => resolve(String(d)))),
  );
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  expect(await gone(pid, 2000)).toBe(true);
});

test('a child without its addon says so', async () => {
  const addon = process.env['ZELL_ADDON'];
  process.env['ZELL_ADDON'] = path.join(folder, 'nowhere.node');
  try {
    client = new EngineClient({ script });
    await expect(client.start()).rejects.toThrow(/native part is missing: .*nowhere\.node/);
    expect(client.state).toBe('crashed');
  } finally {
    process.env['ZELL_ADDON'] = addon;
  }
});

test('output of the child comes line by line, the rest at its end', async () => {
  const noisy = path.join(folder, 'noisy.mjs');
  await writeFile(noisy, `process.stdout.write('one\\ntwo'); process.stderr.write('three\\n');`);
  const lines: string[] = [];
  const reason = await new Promise<string>((resolve) => {
    spawnEngine(noisy, { data: () => undefined, line: (line) => lines.push(line), exit: resolve });
  });
  expect(lines.sort()).toEqual(['one', 'three', 'two']);
  expect(reason).toBe('it ended with code 0');
});
