// Several models by name on the real engine: switched without losing an answer, unloaded and loaded again, made out of each other.
import { constants } from 'node:fs';
import { copyFile, mkdir, open } from 'node:fs/promises';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ZellHome, type RunningHost } from '../helpers/zellHost.ts';

const FIRST = 'smollm2-135m';
const SECOND = 'second';
const GREEDY = { temperature: 0, repeat_penalty: 1 };

let home: ZellHome;
let host: RunningHost;
let openai: OpenAI;
let ollama: Ollama;
beforeAll(async () => {
  home = await ZellHome.make();
  await mkdir(home.path('models'), { recursive: true });
  await copyUnderAnotherName(home.model, home.path('models', `${SECOND}.gguf`));
  host = await home.serve();
  openai = new OpenAI({ baseURL: `${host.url}/v1`, apiKey: 'any', maxRetries: 0 });
  ollama = new Ollama({ host: host.url });
});
afterAll(() => home.remove());

/** The same weights with another letter in `general.name`, so that its hash is another one. */
async function copyUnderAnotherName(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  const file = await open(to, 'r+');
  const head = Buffer.alloc(65_536);
  await file.read(head, 0, head.length, 0);
  const key = Buffer.from('general.name');
  // Behind the key: the type in 4 bytes, the length in 8.
  await file.write(Buffer.from('Z'), 0, 1, head.indexOf(key) + key.length + 12);
  await file.close();
}

async function chat(model: string, content: string, maxTokens = 16): Promise<{ model: string; text: string }> {
  const answer = await openai.chat.completions.create({
    model,
    messages: [{ role: 'user', content }],
    temperature: 0,
    max_completion_tokens: maxTokens,
  });
  return { model: answer.model, text: answer.choices[0]?.message.content ?? '' };
}

test('a stream of one model goes on to its end while another model is wanted, and no request is refused', async () => {
  const question = 'Count from one to twenty in words.';
  const alone = await chat(FIRST, question, 40);
  const stream = await openai.chat.completions.create({
    model: FIRST,
    messages: [{ role: 'user', content: question }],
    temperature: 0,
    max_completion_tokens: 40,
    stream: true,
  });
  let text = '';
  let others: Promise<{ model: string; text: string }[]> | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    others ??= Promise.all([SECOND, FIRST, SECOND, FIRST].map((model) => chat(model, 'Say hello.')));
  }
  expect(text).toBe(alone.text);
  const answers = (await others) ?? [];
  expect(answers.map((a) => a.model)).toEqual([SECOND, FIRST, SECOND, FIRST]);
  // The same weights under both names.
  expect(new Set(answers.map((a) => a.text)).size).toBe(1);
  expect(answers[0]?.text).not.toBe('');
});

test('a model goes when it is sent away, its memory with it, and comes back with the next request', async () => {
  const before = (await chat(FIRST, 'Say hello.')).text;
  expect(await ollama.generate({ model: FIRST, prompt: '', keep_alive: 0 })).toMatchObject({ done_reason: 'unload' });
  await expect.poll(async () => (await ollama.ps()).models).toEqual([]);
  expect((await host.health()).model).toBeNull();
  expect((await chat('gpt-4o', 'Say hello.')).text).toBe(before);
});

test('a made model answers as its parts say, on the routes of every family', async () => {
  const system = 'You answer in French only.';
  await ollama.create({ model: 'french', from: SECOND, system, parameters: { temperature: 0, repeat_penalty: 1 } });
  const messages = [{ role: 'user', content: 'What is the capital of France?' }];
  const options = { num_predict: 12 };
  const made = await ollama.chat({ model: 'French:latest', messages, options });
  const spelled = await ollama.chat({
    model: SECOND,
    messages: [{ role: 'system', content: system }, ...messages],
    options: { ...options, ...GREEDY },
  });
  expect(made.message.content).toBe(spelled.message.content);
  expect(made.prompt_eval_count).toBe(spelled.prompt_eval_count);
  expect((await chat('french', 'What is the capital of France?', 12)).text).toBe(made.message.content);
  await ollama.delete({ model: 'french' });
  const missing = { status_code: 404, error: "model 'french' not found" };
  await expect(ollama.chat({ model: 'french', messages, options })).rejects.toMatchObject(missing);
  await expect(ollama.show({ model: 'french' })).rejects.toMatchObject(missing);
});

test('the Responses API gives the same greedy answer as the chat route, whole and streamed', async () => {
  const expected = (await chat(FIRST, 'What is the capital of France?')).text;
  const ask = { model: FIRST, input: 'What is the capital of France?', temperature: 0, max_output_tokens: 16 };
  expect((await openai.responses.create(ask)).output_text).toBe(expected);
  let text = '';
  for await (const event of await openai.responses.create({ ...ask, stream: true }))
    if (event.type === 'response.output_text.delta') text += event.delta;
  expect(text).toBe(expected);
});

test('generate goes on from the tokens that it gave', async () => {
  const options = { ...GREEDY, num_predict: 8 };
  const first = await ollama.generate({ model: FIRST, prompt: 'My name is Ada.', options });
  const next = await ollama.generate({ model: FIRST, prompt: 'What is my name?', context: first.context, options });
  expect(next.prompt_eval_count).toBeGreaterThan(first.context.length);
  expect(next.context.slice(0, first.context.length)).toEqual(first.context);
});
