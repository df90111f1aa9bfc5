// LoRA adapters through a real host: who runs with which, loading and unloading beside running answers, after a crash.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildNativeTools, oracleUnavailable } from '../helpers/oracle.ts';
import { childrenOf, processesUnavailable, until } from '../helpers/processes.ts';
import { CLI, ZellHome } from '../helpers/zellHost.ts';

const run = promisify(execFile);
const unavailable = processesUnavailable() ?? oracleUnavailable();
const PROMPT = 'Once upon a time there was a';

interface Scale {
  readonly id: number;
  readonly scale: number;
}

describe.skipIf(unavailable !== undefined)('adapters', () => {
  let home: ZellHome;
  let hostPid: number;
  let one: string;
  let two: string;

  beforeAll(async () => {
    home = await ZellHome.make();
    const tool = path.join(await buildNativeTools(['zell_adapter']), 'zell_adapter');
    one = home.path('one.gguf');
    two = home.path('two.gguf');
    await run(tool, [home.model, one, '--seed', '1', '--size', '4']);
    await run(tool, [home.model, two, '--seed', '2', '--size', '4', '--type', 'F16', '--embedding', '1']);
    const host = home.spawn(CLI, ['serve', '--port', '0', '--lora', one, '--lora', `${two}:0`]);
    hostPid = host.pid;
    await until('it is announced', () => home.announcement() !== undefined, 60_000);
    await until('both are loaded', async () => (await list()).length === 2, 60_000);
  }, 600_000);
  afterAll(() => home.remove());

  const url = (route: string): string => `http://127.0.0.1:${home.announcement()?.port ?? 0}${route}`;
  const post = (route: string, body: unknown): Promise<Response> =>
    fetch(url(route), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  async function list(): Promise<(Scale & { path: string })[]> {
    const response = await fetch(url('/lora-adapters')).catch(() => undefined);
    return response?.ok === true ? ((await response.json()) as (Scale & { path: string })[]) : [];
  }

  async function complete(lora?: readonly Scale[], prompt = PROMPT, tokens = 32): Promise<string> {
    const response = await post('/completion', { prompt, n_predict: tokens, temperature: 0, ignore_eos: true, lora });
    expect(response.status).toBe(200);
    return ((await response.json()) as { content: string }).content;
  }

  async function stream(lora: readonly Scale[], tokens: number, onStart: () => Promise<void>): Promise<string> {
    const body = { prompt: PROMPT, n_predict: tokens, temperature: 0, ignore_eos: true, stream: true, lora };
    const response = await post('/completion', body);
    let text = '';
    let started: Promise<void> | undefined;
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(bytes).toString();
      started ??= onStart();
    }
    await started;
    return text
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => (JSON.parse(line.slice(6)) as { content?: string }).content ?? '')
      .join('');
  }

  test('those of the command line are in force, a request may name others', async () => {
    expect(await list()).toMatchObject([
      { id: 0, path: one, scale: 1 },
      { id: 1, path: two, scale: 0 },
    ]);
    const texts = {
      one: await complete([{ id: 0, scale: 1 }]),
      none: await complete([{ id: 0, scale: 0 }]),
      both: await complete([
        { id: 1, scale: -1 },
        { id: 0, scale: 0.5 },
      ]),
    };
    expect(new Set(Object.values(texts)).size).toBe(3);
    expect(await complete()).toBe(texts.one);
    expect((await post('/lora-adapters', [])).status).toBe(200);
    expect(await complete()).toBe(texts.none);
    expect((await post('/lora-adapters', [{ id: 0, scale: 1 }])).status).toBe(200);
    expect(await complete()).toBe(texts.one);
  });

  test('answers with different adapters side by side are those that they are alone', async () => {
    const sets: Scale[][] = [
      [{ id: 0, scale: 1 }],
      [{ id: 1, scale: 1 }],
      [{ id: 0, scale: 0 }],
      [
        { id: 0, scale: -0.5 },
        { id: 1, scale: 2 },
      ],
    ];
    const alone: string[] = [];
    for (const set of sets) alone.push(await complete(set));
    expect(await Promise.all(sets.map((set) => complete(set)))).toEqual(alone);
  });

  test('loading and unloading beside a stream leaves its text as it is', async () => {
    const mine = [{ id: 0, scale: 1 }];
    const expected = await complete(mine, PROMPT, 120);
    let other = '';
    const text = await stream(mine, 120, async () => {
      const answer = await home.zell(['run', '--lora', `${two}:2`, '--max-tokens', '4', 'Hi']);
      expect(answer).toMatchObject({ code: 0 });
      other = answer.stdout;
    });
    expect(text).toBe(expected);
    expect(other).not.toBe('');
    expect((await list()).map((a) => a.id)).toEqual([0, 1]);
  });

  test('what is not loaded, and files that are none, are refused', async () => {
    expect((await post('/completion', { prompt: PROMPT, lora: [{ id: 2, scale: 1 }] })).status).toBe(404);
    expect((await post('/lora-adapters', [{ id: 9, scale: 1 }])).status).toBe(404);
    const wrong = await home.zell(['run', '--lora', home.model, 'Hi']);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain(`${home.model}: general.type is`);
    const absent = await home.zell(['run', '--lora', home.path('absent.gguf:0.5'), 'Hi']);
    expect(absent.stderr).toContain(`There is no adapter ${home.path('absent.gguf')}.`);
  });

  test('a model made with an uploaded adapter answers with it, and other requests do not', async () => {
    const [with_, without] = [await complete([{ id: 1, scale: 1 }]), await complete()];
    const bytes = readFileSync(two);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    expect((await fetch(url(`/api/blobs/${digest}`), { method: 'POST', body: new Uint8Array(bytes) })).status).toBe(
      201,
    );
    const making = { model: 'taught', from: 'smollm2-135m', adapters: { 'two.gguf': digest }, stream: false };
    expect(await (await post('/api/create', making)).json()).toEqual({ status: 'success' });
    const body = { model: 'taught', prompt: PROMPT, n_predict: 32, temperature: 0, ignore_eos: true };
    const answer = (await (await post('/completion', body)).json()) as { content: string };
    expect(answer.content).toBe(with_);
    expect(await complete()).toBe(without);
    expect((await fetch(url('/api/delete'), { method: 'DELETE', body: '{"model":"taught"}' })).status).toBe(200);
    // Its file is gone, so a restarted engine must not look for it.
    expect((await list()).map((a) => a.id)).toEqual([0, 1]);
  });

  test('they come back with the model after the engine has died', async () => {
    const before = await complete([{ id: 1, scale: 1 }]);
    const engine = childrenOf(hostPid)[0] ?? 0;
    process.kill(engine, 'SIGKILL');
    await until(
      'another engine has them',
      async () => {
        const children = childrenOf(hostPid);
        return !children.includes(engine) && (await list()).length === 2;
      },
      60_000,
    );
    expect(await complete([{ id: 1, scale: 1 }])).toBe(before);
    expect(await list()).toMatchObject([{ scale: 1 }, { scale: 0 }]);
  });
});
