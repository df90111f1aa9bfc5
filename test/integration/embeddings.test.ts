// Embeddings through the vendors' clients: a made-up encoder and the default model.
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import OpenAI from 'openai';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildNativeTools, oracleUnavailable } from '../helpers/oracle.ts';
import { ZellHome, type RunningHost } from '../helpers/zellHost.ts';

const unavailable = oracleUnavailable();
const TEXTS = ['The sea is calm.', 'x', 'A much longer text about nothing. '.repeat(8)];
const length = (vector: readonly number[]): number => Math.hypot(...vector);
const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0) / length(a) / length(b);

let home: ZellHome;
let host: RunningHost;
let openai: OpenAI;
let ollama: Ollama;
const serve = async (...model: readonly string[]): Promise<void> => {
  host = await home.serve(['--port', '0', ...model]);
  openai = new OpenAI({ baseURL: `${host.url}/v1`, apiKey: 'any', maxRetries: 0 });
  ollama = new Ollama({ host: host.url });
};
beforeAll(async () => {
  home = await ZellHome.make();
  await serve();
}, 600_000);
afterAll(() => home.remove());

async function embed(model: string, input: string | string[]): Promise<number[][]> {
  return (await openai.embeddings.create({ model, input })).data.map((d) => d.embedding);
}

describe('the default model', () => {
  test('related texts are nearer than unrelated ones; every vector has length 1', async () => {
    const [cat = [], kitten = [], tax = []] = await embed('smollm2-135m', [
      'The cat sleeps on the warm sofa.',
      'A kitten is napping on the couch.',
      'Corporate tax law changed in 1987 by statute.',
    ]);
    for (const vector of [cat, kitten, tax]) expect(length(vector)).toBeCloseTo(1, 5);
    expect(cosine(cat, kitten)).toBeGreaterThan(cosine(cat, tax));
  });
  test('a long text goes over several steps and is the same beside others', async () => {
    const long = 'Every good boy deserves fudge. '.repeat(40);
    const [alone] = await embed('smollm2-135m', long);
    const together = await embed('smollm2-135m', ['one', long, 'two']);
    expect(together[1]).toEqual(alone);
  });
  test('a text beyond the context is a 400 with its numbers', async () => {
    const text = 'word '.repeat(9000);
    await expect(embed('smollm2-135m', text)).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' });
  });
});

describe.skipIf(unavailable !== undefined)('an encoder', () => {
  let file: string;
  /** As the host calls it. */
  let encoder: string;
  beforeAll(async () => {
    const tools = await buildNativeTools(['zell_synthesize']);
    file = home.path('encoder.gguf');
    execFileSync(path.join(tools, 'zell_synthesize'), [file, '--model', 'bert', '--type', 'Q8_0', '--context', '512']);
    // Clients load no file by its path.
    await expect(embed(file, 'text')).rejects.toMatchObject({ status: 404 });
    await host.stop();
    await serve('--model', file);
    encoder = (await openai.models.list()).data[0]?.id ?? '';
  }, 600_000);

  test('vectors do not depend on what is beside them', async () => {
    const together = await embed(encoder, TEXTS);
    for (const [i, text] of TEXTS.entries()) expect((await embed(encoder, text))[0]).toEqual(together[i]);
    expect(cosine(together[0] ?? [], together[2] ?? [])).toBeLessThan(0.9999);
  });
  test("Ollama's old route gives the same direction", async () => {
    const { embedding } = await ollama.embeddings({ model: encoder, prompt: TEXTS[0] ?? '' });
    const [vector = []] = await embed(encoder, TEXTS[0] ?? '');
    expect(cosine(embedding, vector)).toBeCloseTo(1, 6);
  });
  test('a text that is too long is cut where cutting is the custom', async () => {
    const text = 'word '.repeat(200);
    expect((await ollama.embed({ model: encoder, input: text })).prompt_eval_count).toBe(512);
    await expect(ollama.embed({ model: encoder, input: text, truncate: false })).rejects.toThrow(/reads 512/);
  });
  test('it writes no text, and says so', async () => {
    const chat = openai.chat.completions.create({ model: encoder, messages: [{ role: 'user', content: 'Hi' }] });
    await expect(chat).rejects.toMatchObject({ status: 400 });
    await expect(chat).rejects.toThrow(/embeddings, not text/);
    const { code, stderr } = await home.zell(['run', file, 'Hi']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/embeddings, not text/);
  });
});

if (unavailable !== undefined) test.skip(`no encoder: ${unavailable}`);
