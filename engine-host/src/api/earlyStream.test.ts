/** Requests that wait for their model: clients hear of it in their own dialect, and then get their answer or the reason why not. */
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import { fakeModels, MODEL, testHost, WORDS, type TestHost } from './testing.ts';

const TEXT = WORDS.join('');
let host: TestHost;
/** Ends the loading of the model that requests wait for. */
let loaded: PromiseWithResolvers<void>;
beforeAll(async () => {
  const models = fakeModels(MODEL);
  host = await testHost({
    heartbeatMs: 20,
    models: {
      ...models,
      acquire: async (name, signal) => {
        await loaded.promise;
        return models.acquire(name, signal);
      },
    },
  });
});
afterAll(() => host.close());
beforeEach(() => {
  loaded = withResolvers();
});

/** As `Promise.withResolvers` of newer versions. */
function withResolvers(): PromiseWithResolvers<void> {
  let resolve: () => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

const messages = [{ role: 'user' as const, content: 'Hi' }];
const ROUTES: readonly (readonly [url: string, body: object, sign: RegExp, failure: RegExp])[] = [
  ['/v1/chat/completions', { messages, stream: true }, /^:\n\n/, /^data: \{"error":\{.*\n\ndata: \[DONE\]\n\n$/s],
  ['/v1/completions', { prompt: 'Hi', stream: true }, /^:\n\n/, /^data: \{"error":\{.*\n\ndata: \[DONE\]\n\n$/s],
  ['/v1/responses', { input: 'Hi', stream: true }, /^:\n\n/, /^data: \{"error":\{.*\n\ndata: \[DONE\]\n\n$/s],
  [
    '/v1/messages',
    { messages, max_tokens: 50, stream: true },
    /^event: ping\n/,
    /^event: error\ndata: \{"type":"error".*\n\n$/s,
  ],
  [
    '/api/chat',
    { model: 'tiny', messages },
    /"message":\{"role":"assistant","content":""\},"done":false\}\n/,
    /^\{"error":".*\}\n$/,
  ],
  ['/api/generate', { prompt: 'Hi' }, /"response":"","done":false\}\n/, /^\{"error":".*\}\n$/],
  ['/completion', { prompt: 'Hi', stream: true }, /^:\n\n/, /^data: \{"error":\{"code":400.*\n\n$/s],
];

/** The answer's head and the first sign, then the rest once the model is `end`ed. */
async function ask(
  url: string,
  body: object,
  end: () => void,
): Promise<{ status: number; first: string; rest: string }> {
  const answer = await fetch(host.url + url, { method: 'POST', body: JSON.stringify(body) });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  const first = (await reader.read()).value ?? '';
  end();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
  return { status: answer.status, first, rest };
}

test.each(ROUTES)('%s: a sign while it waits, then the answer', async (url, body, sign) => {
  const { status, first, rest } = await ask(url, body, () => loaded.resolve());
  expect(status).toBe(200);
  expect(first).toMatch(sign);
  for (const word of WORDS) expect(rest).toContain(JSON.stringify(word).slice(1, -1));
});

test.each(ROUTES)('%s: the reason why not, as the end of the stream', async (url, body, sign, failure) => {
  const { first, rest } = await ask(url, body, () => loaded.reject(new ZellError('out_of_memory', 'It does not fit.')));
  expect(first).toMatch(sign);
  const end = rest.replace(/^(?::\n\n|event: ping\ndata: \{"type":"ping"\}\n\n|\{[^\n]*"done":false\}\n)+/, '');
  expect(end).toMatch(failure);
  expect(end).toContain('It does not fit.');
  expect(host.bugs).toEqual([]);
});

test("the vendors' clients take the signs for nothing", async () => {
  const openai = new OpenAI({ baseURL: `${host.url}/v1`, apiKey: 'any', maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: host.url, apiKey: 'any', maxRetries: 0 });
  const ollama = new Ollama({ host: host.url });
  const ofOllama = async (): Promise<string> => {
    let text = '';
    for await (const part of await ollama.chat({ model: 'tiny', messages, stream: true })) text += part.message.content;
    return text;
  };
  const answers = Promise.all([
    openai.chat.completions.stream({ model: 'x', messages }).finalChatCompletion(),
    openai.responses.stream({ model: 'x', input: 'Hi' }).finalResponse(),
    anthropic.messages.stream({ model: 'x', max_tokens: 50, messages }).finalText(),
    ofOllama(),
  ]);
  setTimeout(() => loaded.resolve(), 100);
  const [chat, response, text, lines] = await answers;
  expect(chat.choices[0]?.message.content).toBe(TEXT);
  expect(response.output).toMatchObject([{ content: [{ text: TEXT }] }]);
  expect([text, lines]).toEqual([TEXT, TEXT]);
});

test('who wants no stream gets a real status, however long it takes', async () => {
  setTimeout(() => loaded.reject(new ZellError('out_of_memory', 'It does not fit.')), 100);
  const answer = await fetch(`${host.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ messages }) });
  expect(answer.status).toBe(400);
});
