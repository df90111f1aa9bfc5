/** Pull, create, copy, delete, blobs and keep_alive by Ollama's own client, on a disk and a hub of the test's own. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import { fetchModel } from '../../models/fetchModel.ts';
import { ModelLibrary, type LibraryParts } from '../../models/modelLibrary.ts';
import { ModelService } from '../../models/modelService.ts';
import { ModelRegistry } from '../../models/registry.ts';
import { TEMPLATES } from '../../templates/representative.ts';
import { MODEL, testHost, type TestHost } from '../testing.ts';

const WEIGHTS = Buffer.from('GGUF and then some weights');
const OTHER = Buffer.from('GGUF and other weights');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let root: string;
let folders: { readonly models: string; readonly blobs: string; readonly cache: string };
let hub: Server;
let host: TestHost;
let ollama: Ollama;
let models: ModelService;
const loads: string[] = [];
const released: string[] = [];
/** What the hub sends for a file; the published hash is that of `WEIGHTS`. */
let hubFile = WEIGHTS;

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'zell-library-'));
  folders = {
    models: path.join(root, 'models'),
    blobs: path.join(root, 'models', 'blobs'),
    cache: path.join(root, 'none'),
  };
  await mkdir(folders.blobs, { recursive: true });
  await writeFile(path.join(folders.models, 'own.gguf'), 'GGUF the user');
  hub = createServer((request, response) => {
    if (request.url === '/api/models/who/tiny-GGUF')
      response.end(
        JSON.stringify({
          siblings: [{ rfilename: 'README.md' }, { rfilename: 'tiny.Q8_0.gguf' }, { rfilename: 'tiny.Q4_K_M.gguf' }],
        }),
      );
    else if (request.url === '/who/tiny-GGUF/resolve/main/tiny.Q4_K_M.gguf')
      response
        .writeHead(200, { 'x-linked-etag': `"${sha256(WEIGHTS)}"`, 'content-length': hubFile.length })
        .end(hubFile);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
  const at = `127.0.0.1:${(hub.address() as AddressInfo).port}`;
  const registry = new ModelRegistry(folders, {});
  const parts = { hub: new URL(`http://${at}/`), get: { trusted: [at] } };
  const fetch: LibraryParts['fetch'] = (entry, onProgress, signal) =>
    fetchModel(
      entry,
      {
        registry,
        folders,
        lock: { tryLock: () => 1, unlock: () => undefined },
        onProgress,
        withoutPip: true,
        ...parts,
      },
      signal,
    );
  const summary = (file: string): ModelInfo => ({ ...MODEL, path: file, name: path.basename(file, '.gguf') });
  models = new ModelService({
    registry,
    fetch,
    options: {},
    onChange: () => undefined,
    engine: {
      state: 'ready',
      load: (file) => {
        loads.push(path.basename(file));
        return Promise.resolve(summary(file));
      },
      inspect: (file) => Promise.resolve(summary(file)),
      unload: () => {
        loads.push('-');
        return Promise.resolve();
      },
      adapter: (file) => Promise.resolve(file.endsWith(`${sha256(OTHER)}.blob`) ? 7 : -1),
    },
  });
  const library = new ModelLibrary({
    registry,
    fetch,
    ...parts,
    inspect: (file) =>
      file.includes(sha256(Buffer.from('no model')))
        ? Promise.reject(new ZellError('bad_model_file', 'not a GGUF file'))
        : Promise.resolve(summary(file)),
    release: (file, signal) => models.release(file, signal),
    releaseAdapter: (file) => {
      released.push(path.basename(file));
      return Promise.resolve();
    },
  });
  host = await testHost({ models, library });
  ollama = new Ollama({ host: host.url });
});
afterAll(async () => {
  await host.close();
  hub.close();
  await rm(root, { recursive: true, force: true });
});

const names = async (): Promise<string[]> => (await ollama.list()).models.map((m) => m.name).sort();
const blobs = async (): Promise<string[]> => (await readdir(folders.blobs)).sort();
const status = async (
  method: string,
  url: string,
  body?: string | Uint8Array<ArrayBuffer>,
): Promise<[number, string]> => {
  const r = await fetch(host.url + url, { method, ...(body === undefined ? {} : { body }) });
  return [r.status, await r.text()];
};
const upload = (bytes: Buffer): Promise<[number, string]> =>
  status('POST', `/api/blobs/sha256:${sha256(bytes)}`, new Uint8Array(bytes));
const lastPrompt = (): string =>
  (host.engine.requests.at(-1)?.request.prompt ?? []).map((p) => ('text' in p ? p.text : '')).join('');

test('pull from Hugging Face: its steps, the verified blob, its name; a second pull finds it here', async () => {
  const steps: (string | undefined)[] = [];
  let last = {};
  for await (const part of await ollama.pull({ model: 'hf.co/who/tiny-GGUF', stream: true })) {
    if (part.status !== steps.at(-1)) steps.push(part.status);
    if ('total' in part) last = part;
  }
  const short = sha256(WEIGHTS).slice(0, 12);
  expect(steps).toEqual([
    'pulling manifest',
    `pulling ${short}`,
    'verifying sha256 digest',
    'writing manifest',
    'success',
  ]);
  expect(last).toMatchObject({ digest: `sha256:${sha256(WEIGHTS)}`, total: WEIGHTS.length, completed: WEIGHTS.length });
  expect(await names()).toEqual(['hf.co/who/tiny-GGUF', 'own']);
  expect(await blobs()).toEqual([`${sha256(WEIGHTS)}.gguf`]);
  expect(await ollama.pull({ model: 'HuggingFace.co/who/tiny-GGUF:latest' })).toEqual({ status: 'success' });
  const answer = await ollama.generate({ model: 'https://huggingface.co/who/tiny-GGUF', prompt: 'Hi' });
  expect(answer.done).toBe(true);
  expect(loads.at(-1)).toBe(`${sha256(WEIGHTS)}.gguf`);
});

test('a file whose bytes are not the published ones never gets a name', async () => {
  hubFile = OTHER;
  const read = async (): Promise<void> => {
    for await (const part of await ollama.pull({ model: 'hf.co/who/tiny-GGUF:q4_k_m', stream: true }))
      expect(part.status).not.toBe('success');
  };
  await expect(read()).rejects.toThrow(/wrong hash|more bytes|broke off/);
  hubFile = WEIGHTS;
  expect(await names()).not.toContain('hf.co/who/tiny-GGUF:q4_k_m');
});

test.each([
  ['llama3.2', 404, /cannot be pulled.*hf\.co/],
  ['http://huggingface.co/who/tiny-GGUF', 403, /https/],
  ['https://evil.example/who/model', 403, /huggingface\.co only/],
  ['hf.co/../../etc', 400, /must be/],
  ['hf.co/who/tiny-GGUF/resolve/main/../../x.gguf', 400, /must be/],
  ['hf.co/who/tiny-GGUF/resolve/main/weights.safetensors', 400, /gguf/],
  ['', 400, /required/],
])('pull %j is refused with a status of its own', async (model, code, message) => {
  const [got, body] = await status('POST', '/api/pull', JSON.stringify({ model }));
  expect(got).toBe(code);
  expect((JSON.parse(body) as { error: string }).error).toMatch(message);
});

test('a repository that is not there is an error in the stream, and with stream: false a status', async () => {
  const [got] = await status('POST', '/api/pull', JSON.stringify({ model: 'hf.co/who/none', stream: false }));
  expect(got).toBe(404);
  const [ok, lines] = await status('POST', '/api/pull', JSON.stringify({ model: 'hf.co/who/none' }));
  expect(ok).toBe(200);
  expect(JSON.parse(lines.trim().split('\n').at(-1) ?? '')).toEqual({ error: expect.any(String) as string });
});

test('blobs: only the bytes that the digest promises, only under a digest', async () => {
  expect(await status('HEAD', `/api/blobs/sha256:${sha256(OTHER)}`)).toEqual([404, '']);
  expect((await status('POST', `/api/blobs/sha256:${sha256(OTHER)}`, 'something else'))[0]).toBe(400);
  expect((await blobs()).filter((file) => !file.endsWith('.gguf'))).toEqual([]);
  expect(await upload(OTHER)).toEqual([201, '']);
  expect(await upload(OTHER)).toEqual([200, '']);
  expect(await status('HEAD', `/api/blobs/sha256-${sha256(OTHER)}`)).toEqual([200, '']);
  for (const wrong of [
    'x',
    `sha256:${'A'.repeat(64)}`,
    `sha256:..%2f..%2f${'a'.repeat(58)}`,
    `sha256:${'0'.repeat(63)}`,
  ])
    expect((await status('POST', `/api/blobs/${wrong}`, 'x'))[0]).toBe(400);
});

test('create: another model with system, template, parameters and an adapter of its own', async () => {
  await ollama.create({
    model: 'Pirate',
    from: 'own',
    system: 'You are a pirate.',
    template: TEMPLATES.chatml,
    parameters: { temperature: 0.1, stop: ['END'], num_predict: 3 },
    adapters: { 'a.gguf': `sha256:${sha256(OTHER)}` },
    license: 'MIT',
    messages: [
      { role: 'user', content: 'Ahoy?' },
      { role: 'assistant', content: 'Arr.' },
    ],
  });
  await ollama.chat({
    model: 'pirate:latest',
    messages: [{ role: 'user', content: 'Hi' }],
    options: { num_predict: 2 },
  });
  const request = host.engine.requests.at(-1)?.request;
  expect(request).toMatchObject({
    adapters: [{ id: 7, scale: 1 }],
    sampling: { temperature: 0.1, topP: 0.9 },
    stop: ['END'],
    maxTokens: 2,
  });
  const prompt = lastPrompt();
  for (const said of ['You are a pirate.', 'Ahoy?', 'Arr.', 'Hi']) expect(prompt).toContain(said);
  await ollama.chat({
    model: 'pirate',
    messages: [
      { role: 'system', content: 'OWN SYSTEM' },
      { role: 'user', content: 'Hi' },
    ],
  });
  expect(lastPrompt()).toContain('OWN SYSTEM');
  expect(lastPrompt()).not.toContain('You are a pirate.');
  const show = await ollama.show({ model: 'pirate' });
  expect(show).toMatchObject({ license: 'MIT', system: 'You are a pirate.', details: { parent_model: 'own' } });
  expect(show.parameters).toMatch(/temperature\s+0\.1/);
  expect(show.modelfile).toContain('FROM own\n');
  await ollama.chat({ model: 'own', messages: [{ role: 'user', content: 'Hi' }] });
  expect(lastPrompt()).not.toContain('pirate');
  expect(host.engine.requests.at(-1)?.request.adapters).toBeUndefined();
});

test('show tells the tensors when it is asked to, of a file that has some', async () => {
  expect(await ollama.show({ model: 'own' })).not.toHaveProperty('tensors');
  const header = Buffer.alloc(24);
  header.write('GGUF');
  header.writeUInt32LE(3, 4);
  await upload(header);
  await ollama.create({ model: 'empty', files: { 'empty.gguf': `sha256:${sha256(header)}` } } as never);
  expect(await ollama.show({ model: 'empty', verbose: true } as never)).toMatchObject({ tensors: [] });
});

test('a name that is not here is a 404 on these routes, and an alias on the others', async () => {
  for (const [url, body] of [
    ['/api/chat', { messages: [{ role: 'user', content: 'Hi' }] }],
    ['/api/generate', { prompt: 'Hi' }],
    ['/api/embed', { input: 'Hi' }],
  ] as const)
    expect(await status('POST', url, JSON.stringify({ model: 'llama3.2', ...body }))).toEqual([
      404,
      JSON.stringify({ error: "model 'llama3.2' not found" }),
    ]);
  const alias = JSON.stringify({ model: 'llama3.2', messages: [{ role: 'user', content: 'Hi' }] });
  expect((await status('POST', '/v1/chat/completions', alias))[0]).toBe(200);
});

test('create from an uploaded file', async () => {
  const bytes = Buffer.from('GGUF uploaded');
  await upload(bytes);
  await ollama.create({ model: 'up', files: { 'up.gguf': `sha256:${sha256(bytes)}` } } as never);
  expect(await names()).toContain('up');
  expect(await blobs()).toContain(`${sha256(bytes)}.gguf`);
});

test.each([
  [{ model: 'x' }, 400, /neither 'from' or 'files'/],
  [{ model: 'x', from: 'nowhere' }, 404, /model 'nowhere' not found/],
  [{ model: 'x', from: 'own', template: '{{ .Prompt }}' }, 400, /Jinja/],
  [{ model: 'x', from: 'own', quantize: 'q4_0' }, 400, /quantize/],
  [{ model: '../x', from: 'own' }, 400, /invalid model name/],
  [{ model: 'a/../../b', from: 'own' }, 400, /invalid model name/],
  [{ model: 'smollm2', from: 'own' }, 400, /name of a model that Zell knows/],
  [{ model: 'own', from: 'own' }, 400, /name of a file here/],
  [{ model: 'x', files: { 'x.gguf': 'sha256:../../../../etc/passwd' } }, 400, /invalid digest format/],
  [{ model: 'x', files: { 'x.gguf': `sha256:${'0'.repeat(64)}` } }, 400, /not uploaded/],
])('create %j is refused', async (body, code, message) => {
  const [got, text] = await status('POST', '/api/create', JSON.stringify({ stream: false, ...body }));
  expect(got).toBe(code);
  expect(text).toMatch(message);
  expect(await names()).not.toContain('x');
});

test('copy and delete: names go, the blob goes with its last one', async () => {
  await ollama.copy({ source: 'hf.co/who/tiny-GGUF', destination: 'mine' });
  await ollama.delete({ model: 'hf.co/who/tiny-gguf:latest' });
  expect(await names()).toContain('mine');
  expect(await blobs()).toContain(`${sha256(WEIGHTS)}.gguf`);
  await models.ensure('mine', AbortSignal.any([]));
  loads.length = 0;
  await ollama.delete({ model: 'MINE' });
  expect(loads).toEqual(['-']);
  expect(await names()).not.toContain('mine');
  expect(await blobs()).not.toContain(`${sha256(WEIGHTS)}.gguf`);
  await expect(ollama.copy({ source: 'mine', destination: 'again' })).rejects.toMatchObject({ status_code: 404 });
});

test('an adapter goes with the last model that has it, after the engine has let go of it', async () => {
  await ollama.copy({ source: 'pirate', destination: 'corsair' });
  await ollama.delete({ model: 'pirate' });
  expect({ released, kept: await blobs() }).toMatchObject({
    released: [],
    kept: expect.arrayContaining([`${sha256(OTHER)}.blob`]) as string[],
  });
  await ollama.delete({ model: 'corsair' });
  expect(released).toEqual([`${sha256(OTHER)}.blob`]);
  expect(await blobs()).not.toContain(`${sha256(OTHER)}.blob`);
});

test("a user's own file is never deleted, and the answer is that of a missing one", async () => {
  await writeFile(path.join(root, 'secret.gguf'), 'GGUF');
  await symlink(path.join(root, 'secret.gguf'), path.join(folders.blobs, `${'c'.repeat(64)}.gguf`));
  const own = path.join(folders.models, 'own.gguf');
  for (const model of ['own', own, path.join(root, 'secret.gguf'), '../secret.gguf', './own.gguf', 'never-was'])
    expect(await status('DELETE', '/api/delete', JSON.stringify({ model }))).toEqual([
      404,
      JSON.stringify({ error: `model '${model}' not found` }),
    ]);
  await status('DELETE', '/api/delete', JSON.stringify({ model: 'cccccccccccc' }));
  expect(await readdir(root)).toContain('secret.gguf');
  expect(await readdir(folders.models)).toContain('own.gguf');
});

test('keep_alive: when the model goes, and an empty prompt that sends it away at once', async () => {
  await ollama.generate({ model: 'own', prompt: 'Hi', keep_alive: '10m' });
  // The use ends when the connection is done with the answer.
  await expect.poll(async () => (await ollama.ps()).models[0]?.expires_at).toMatch(/^20[23]/);
  const expires = new Date((await ollama.ps()).models[0]?.expires_at ?? 0).getTime() - Date.now();
  expect(expires).toBeGreaterThan(500_000);
  expect(expires).toBeLessThanOrEqual(600_000);
  await ollama.generate({ model: 'own', prompt: 'Hi', keep_alive: -1 });
  await expect.poll(async () => (await ollama.ps()).models[0]?.expires_at).toMatch(/^2318/);
  loads.length = 0;
  expect(await ollama.generate({ model: 'own', prompt: '', keep_alive: 0 })).toMatchObject({
    done: true,
    done_reason: 'unload',
  });
  expect((await ollama.ps()).models).toEqual([]);
  // What is not loaded is not loaded in order to go.
  await ollama.chat({ model: 'own', keep_alive: 0 });
  expect(loads).toEqual(['-']);
  expect(await ollama.generate({ model: 'own', prompt: '' })).toMatchObject({ done_reason: 'load' });
  expect(loads).toEqual(['-', 'own.gguf']);
});

test('generate gives the tokens to go on from, and takes them', async () => {
  const first = await ollama.generate({ model: 'own', prompt: 'Hi', options: { num_predict: 2 } });
  expect(first.context.slice(-2)).toEqual([10, 11]);
  expect(first.context.length).toBe(first.prompt_eval_count + first.eval_count);
  await ollama.generate({ model: 'own', prompt: 'More', context: first.context });
  expect(host.engine.requests.at(-1)?.request.prompt[0]).toEqual({ tokens: first.context });
  const raw = await ollama.generate({ model: 'own', prompt: 'Hi', raw: true });
  expect(raw.context).toBeUndefined();
});
