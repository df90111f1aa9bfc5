/**
 * Every name that a client can send, as a way out of the models folder: nothing outside is opened, and no answer tells whether a file
 * is there.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import { ModelLibrary } from '../models/modelLibrary.ts';
import { ModelRegistry } from '../models/registry.ts';
import { ModelService } from '../models/modelService.ts';
import { fieldsOf, replaced, smallest } from './hostileFields.ts';
import { routesOf, routesWithBodies } from './routeTable.ts';
import { MODEL, testHost, type TestHost } from './testing.ts';

/** Whatever the program asked the disk about. */
const { touched } = vi.hoisted(() => ({ touched: [] as string[] }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<Record<string, unknown>>();
  const watched = Object.entries(real).map(([name, value]) => [
    name,
    typeof value !== 'function'
      ? value
      : (...args: unknown[]): unknown => {
          // What is written there may hold any words.
          const places = name === 'writeFile' ? args.slice(0, 1) : args;
          touched.push(...places.filter((arg) => typeof arg === 'string'));
          return (value as (...all: unknown[]) => unknown)(...args);
        },
  ]);
  return Object.fromEntries(watched) as object;
});

/** One is there, outside of the models folder; the other one, as long, is not. */
const [THERE, ABSENT] = ['secret', 'absent'];
const CANARY = 'GGUF zq-canary';

let host: TestHost;
let root: string;
const asked: string[] = [];

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'zell-names-'));
  const models = path.join(root, 'home/models');
  await mkdir(path.join(models, 'blobs'), { recursive: true });
  for (const name of [`${THERE}.gguf`, `${THERE}.txt`, THERE]) await writeFile(path.join(root, name), CANARY);
  await writeFile(path.join(models, 'tiny.gguf'), 'x');
  await symlink('..', path.join(models, 'up'));
  const registry = new ModelRegistry({ models, blobs: path.join(models, 'blobs'), cache: path.join(root, 'none') }, {});
  const inspect = (file: string) => {
    asked.push(file);
    return Promise.resolve(MODEL);
  };
  const service = new ModelService({
    registry,
    options: {},
    onChange: () => undefined,
    fetch: () => Promise.reject(new Error('nothing is fetched')),
    engine: {
      state: 'ready',
      load: (file) => {
        asked.push(file);
        return Promise.resolve({ ...MODEL, path: file });
      },
      inspect,
      unload: () => Promise.resolve(),
      adapter: (file) => {
        asked.push(file);
        return Promise.resolve(1);
      },
    },
  });
  const nothing = () => Promise.reject(new ZellError('model_not_found', 'nothing is fetched'));
  const library = new ModelLibrary({
    registry,
    fetch: nothing,
    inspect,
    release: () => Promise.resolve(),
    releaseAdapter: () => Promise.resolve(),
  });
  host = await testHost({
    models: service,
    library: {
      find: (name) => library.find(name),
      checkPullable: (name) => library.checkPullable(name),
      pull: nothing,
      create: (making, signal) => library.create(making, signal),
      copy: (source, destination) => library.copy(source, destination),
      remove: (name, signal) => library.remove(name, signal),
      blobs: library.blobs,
    },
  });
  const call = host.engine.call;
  host.engine.call = (method, params, ...rest) => {
    // Texts may hold any words; a file is named by its path.
    if ('path' in params) asked.push(params.path);
    return call(method, params, ...rest);
  };
  await service.load('tiny', new AbortController().signal);
});
afterAll(async () => {
  await host.close();
  await rm(root, { recursive: true, force: true });
});

const ways = (name: string): string[] => [
  `${root}/${name}.gguf`,
  `../../${name}.gguf`,
  `up/../../${name}.gguf`,
  `..\\..\\${name}.gguf`,
  `%2e%2e%2f%2e%2e%2f${name}.gguf`,
  `file://${root}/${name}.gguf`,
  `${root}/${name}.txt\0.gguf`,
  `${root}/${name}.txt`,
  `${root}/${name}.gguf:stream`,
  `C:\\${name}.gguf`,
  `\\\\host\\share\\${name}.gguf`,
  `~/../..${root}/${name}.gguf`,
  `tiny:../../${name}`,
  `sha256:../../../${name}`,
  `sha256-${root}/${name}`,
];
const NAMES = /model|name|file|path|from|source|destination|digest|adapter|blob|url|id$/i;

/** What happens, with the name itself taken out: two of the same length must look the same. */
async function answerTo(method: string, url: string, body: unknown, name: string): Promise<string> {
  const reply = await fetch(host.url + url, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = (await reply.text()).replaceAll(name, 'NAME');
  expect(text).not.toContain('zq-canary');
  expect(reply.status, `${method} ${url}: ${text}`).toBeLessThan(500);
  return reply.ok ? String(reply.status) : `${reply.status} ${text.replaceAll(/req_\w+/g, '')}`;
}

async function same(ask: (name: string, target: string) => Promise<string>): Promise<void> {
  const absent = ways(ABSENT);
  const pairs = ways(THERE).map(async (name, i) => {
    const answers = await Promise.all([ask(name, THERE), ask(absent[i] ?? '', ABSENT)]);
    expect(answers[0], name).toBe(answers[1]);
  });
  await Promise.all(pairs);
}

test('in fields of bodies', async () => {
  let fields = 0;
  for (const { method, url, body } of routesWithBodies(host.app)) {
    const base = smallest(body);
    for (const { at, types } of fieldsOf(body)) {
      if (!NAMES.test(String(at.at(-1))) || !types.some((type) => type === 'string' || type === 'any')) continue;
      fields++;
      await same((name, target) =>
        answerTo(method, url.replaceAll(/:\w+|\*/g, 'tiny'), replaced(base, at, name), target),
      );
    }
  }
  expect(fields).toBeGreaterThan(15);
}, 120_000);

test('in paths of routes', async () => {
  const open = routesOf(host.app).filter(({ url, method }) => /:|\*/.test(url) && method !== 'HEAD');
  expect(open.length).toBeGreaterThan(0);
  for (const { method, url, body } of open)
    for (const written of [encodeURIComponent, encodeURI])
      await same((name, target) =>
        answerTo(
          method,
          url.replaceAll(/:\w+|\*/g, written(name)),
          body === undefined ? undefined : smallest(body),
          target,
        ),
      );
});

test('no file outside was asked for, by whatever name', () => {
  const outside = (text: string) => text.includes(THERE) || text.includes(ABSENT);
  expect(touched.length).toBeGreaterThan(0);
  // The test itself put three files there.
  expect(touched.filter(outside).slice(3)).toEqual([]);
  expect(asked.filter(outside)).toEqual([]);
  expect(host.bugs).toEqual([]);
});
