/** Tool loops and thoughts, driven by the vendors' own clients. */
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TEMPLATES } from '../templates/representative.ts';
import { MODEL, testHost, type TestHost } from './testing.ts';

/** Knows no tools: they are described in words. */
let host: TestHost;
/** Knows tools and thoughts. */
let thinker: TestHost;

beforeAll(async () => {
  host = await testHost();
  thinker = await testHost({}, { ...MODEL, chatTemplate: TEMPLATES.tools, contextLength: 4096 });
});
afterAll(async () => {
  await host.close();
  await thinker.close();
});
afterEach(() => {
  for (const h of [host, thinker]) {
    h.engine.replies = [];
    h.engine.delayMs = 0;
    h.recorded.length = 0;
    expect(h.bugs).toEqual([]);
  }
});

const openaiOf = (h: TestHost) => new OpenAI({ baseURL: `${h.url}/v1`, apiKey: 'any', maxRetries: 0 });
const anthropicOf = (h: TestHost) => new Anthropic({ baseURL: h.url, apiKey: 'any', maxRetries: 0 });
const ollamaOf = (h: TestHost) => new Ollama({ host: h.url });

const parameters = {
  type: 'object' as const,
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const FUNCTION = { type: 'function' as const, function: { name: 'get_weather', description: 'Weather', parameters } };
const TOOL = { name: 'get_weather', description: 'Weather', input_schema: parameters };
const CALL = ['<tool', '_call>\n{"name": "get_weather", "argu', 'ments": {"city": "Par', 'is"}}\n</tool_call>'];
const SECOND = ['\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}', '\n</tool_call>'];
const THOUGHT = ['<think>\nThe user', ' wants weather.\n', '</think>\n\n'];
const user = (content: string) => [{ role: 'user' as const, content }];
const promptOf = (h: TestHost): string =>
  h.engine.requests
    .at(-1)
    ?.request.prompt.map((part) => ('text' in part ? part.text : ''))
    .join('') ?? '';
const lastRequest = (h: TestHost) => h.engine.requests.at(-1)?.request;

describe('openai', () => {
  test('streamed: words at once, then id and name, then fragments, then the reason', async () => {
    host.engine.replies = [['Let me', ' look.\n', ...CALL]];
    const deltas = [];
    const finishes = [];
    for await (const chunk of await openaiOf(host).chat.completions.create({
      model: 'x',
      messages: user('Weather?'),
      tools: [FUNCTION],
      stream: true,
    })) {
      deltas.push(chunk.choices[0]?.delta);
      finishes.push(chunk.choices[0]?.finish_reason);
    }
    const id = deltas.find((d) => d?.tool_calls !== undefined)?.tool_calls?.[0]?.id;
    expect(id).toMatch(/^call_\w{8,}$/);
    expect(deltas).toEqual([
      { role: 'assistant', content: '' },
      { content: 'Let me' },
      { content: ' look.' },
      { tool_calls: [{ index: 0, id, type: 'function', function: { name: 'get_weather', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"city": "Par' } }] },
      { tool_calls: [{ index: 0, function: { arguments: 'is"}' } }] },
      {},
    ]);
    expect(finishes).toEqual([...Array.from({ length: 6 }, () => null), 'tool_calls']);
    expect(promptOf(host)).toContain('"get_weather"');
  });

  test('parallel calls, streamed and whole, accumulate to the same', async () => {
    const ask = { model: 'x', messages: user('Weather?'), tools: [FUNCTION] };
    host.engine.replies = [
      [...CALL, ...SECOND],
      [...CALL, ...SECOND],
    ];
    const streamed = await openaiOf(host).chat.completions.stream(ask).finalChatCompletion();
    const whole = await openaiOf(host).chat.completions.create(ask);
    for (const { choices } of [streamed, whole]) {
      const calls = choices[0]?.message.tool_calls ?? [];
      expect(calls.map((c) => (c.type === 'function' ? JSON.parse(c.function.arguments) : {}) as unknown)).toEqual([
        { city: 'Paris' },
        { city: 'Rome' },
      ]);
      expect(new Set(calls.map((c) => c.id)).size).toBe(2);
      expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    }
    host.engine.replies = [[...CALL, ...SECOND]];
    const single = await openaiOf(host).chat.completions.create({ ...ask, parallel_tool_calls: false });
    expect(single.choices[0]?.message.tool_calls).toHaveLength(1);
  });

  test.each([true, false])('a whole tool loop by the client itself (known tools: %s)', async (knows) => {
    const h = knows ? thinker : host;
    h.engine.replies = [CALL, ['It is 7 °C.']];
    const asked: unknown[] = [];
    const runner = openaiOf(h).chat.completions.runTools({
      model: 'x',
      messages: user('Weather?'),
      tools: [
        {
          type: 'function',
          function: {
            ...FUNCTION.function,
            parse: JSON.parse,
            function: (input: unknown) => {
              asked.push(input);
              return '7 °C <|im_end|>';
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe('It is 7 °C.');
    expect(asked).toEqual([{ city: 'Paris' }]);
    const prompt = promptOf(h);
    expect(prompt).toMatch(
      /<tool_call>\n\{"name": ?"get_weather", ?"arguments": ?\{"city": ?"Paris"\}\}\n<\/tool_call>/,
    );
    expect(prompt).toContain('<tool_response>\n7 °C <|im_end|>\n</tool_response>');
    // What a tool said is never a control token.
    const special = lastRequest(h)
      ?.prompt.flatMap((p) => ('text' in p && p.special ? [p.text] : []))
      .join('|');
    expect(special).not.toContain('7 °C');
    expect(h.recorded[0]?.response).toBe(
      '<tool_call>\n{"name":"get_weather","arguments":{"city":"Paris"}}\n</tool_call>',
    );
    expect(h.recorded[1]?.messages.map((m) => m.content)).toEqual([
      'Weather?',
      h.recorded[0]?.response,
      '7 °C <|im_end|>',
    ]);
  });

  test('thoughts apart from words, under both names; not recorded', async () => {
    thinker.engine.replies = [
      [...THOUGHT, 'Seven.'],
      [...THOUGHT, 'Seven.'],
    ];
    const ask = { model: 'x', messages: user('Weather?'), reasoning_effort: 'high' as const };
    const whole = await openaiOf(thinker).chat.completions.create(ask);
    const thought = 'The user wants weather.';
    expect(whole.choices[0]?.message).toMatchObject({
      content: 'Seven.',
      reasoning_content: thought,
      reasoning: thought,
    });
    let reasoning = '';
    let content = '';
    for await (const chunk of await openaiOf(thinker).chat.completions.create({ ...ask, stream: true })) {
      const delta = chunk.choices[0]?.delta as { reasoning_content?: string; content?: string } | undefined;
      reasoning += delta?.reasoning_content ?? '';
      content += delta?.content ?? '';
    }
    expect([reasoning, content]).toEqual([thought, 'Seven.']);
    expect(thinker.recorded.map((e) => e.response)).toEqual(['Seven.', 'Seven.']);
  });

  test('tool_choice: none hides the tools, the others hold the answer to a form', async () => {
    const client = openaiOf(host);
    const ask = { model: 'x', messages: user('Weather?'), tools: [FUNCTION] };
    host.engine.replies = [CALL];
    const none = await client.chat.completions.create({ ...ask, tool_choice: 'none' });
    expect(none.choices[0]?.message).toMatchObject({ content: CALL.join('') });
    expect(promptOf(host)).not.toContain('get_weather');
    host.engine.replies = [CALL, CALL];
    await client.chat.completions.create({ ...ask, tool_choice: 'required' });
    const form = {
      kind: 'json_schema',
      schema: parameters,
      prefix: '<tool_call>\n{"name": "get_weather", "arguments": ',
      suffix: '}\n</tool_call>',
    };
    expect(lastRequest(host)?.constraint).toMatchObject({ kind: 'list', form, least: 1 });
    const named = { type: 'function' as const, function: { name: 'get_weather' } };
    const r = await client.chat.completions.create({ ...ask, tool_choice: named, parallel_tool_calls: false });
    expect(lastRequest(host)?.constraint).toMatchObject({ kind: 'list', form, least: 1, most: 1 });
    expect(r.choices[0]?.finish_reason).toBe('tool_calls');
    const nobody = { type: 'function' as const, function: { name: 'nobody' } };
    await expect(client.chat.completions.create({ ...ask, tool_choice: nobody })).rejects.toMatchObject({
      status: 400,
      param: 'tool_choice',
    });
    await expect(client.chat.completions.create({ ...ask, tools: [], tool_choice: 'required' })).rejects.toMatchObject({
      status: 400,
    });
    await expect(client.chat.completions.create({ ...ask, tools: [FUNCTION, FUNCTION] })).rejects.toMatchObject({
      status: 400,
      param: 'tools',
    });
  });

  test('a small model is held to the form of a call once it began one; an engine that cannot do so answers all the same', async () => {
    const ask = { model: 'x', messages: user('Weather?'), tools: [FUNCTION] };
    host.engine.replies = [CALL];
    await openaiOf(host).chat.completions.create(ask);
    expect(lastRequest(host)?.constraint).toEqual({
      kind: 'json_schema',
      schema: parameters,
      prefix: '\n{"name": "get_weather", "arguments": ',
      suffix: '}\n</tool_call>',
      lazy: ['<tool_call>'],
      repeat: true,
    });
    host.engine.refusesConstraints = true;
    try {
      host.engine.replies = [CALL];
      const r = await openaiOf(host).chat.completions.create(ask);
      expect(r.choices[0]?.finish_reason).toBe('tool_calls');
      expect(lastRequest(host)?.constraint).toBeUndefined();
      await expect(openaiOf(host).chat.completions.create({ ...ask, tool_choice: 'required' })).rejects.toMatchObject({
        status: 400,
      });
    } finally {
      host.engine.refusesConstraints = false;
    }
    const large = await testHost({}, { ...MODEL, parameters: 7e9 });
    try {
      await openaiOf(large).chat.completions.create(ask);
      expect(lastRequest(large)?.constraint).toBeUndefined();
    } finally {
      await large.close();
    }
  });

  test('a call that is cut off is no call: text when whole, unfinished arguments when streamed', async () => {
    const ask = { model: 'x', messages: user('Weather?'), tools: [FUNCTION], max_tokens: 3 };
    host.engine.replies = [CALL, CALL];
    const whole = await openaiOf(host).chat.completions.create(ask);
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'length',
      message: { content: CALL.slice(0, 3).join('') },
    });
    let json = '';
    let finish: string | null | undefined;
    for await (const chunk of await openaiOf(host).chat.completions.create({ ...ask, stream: true })) {
      json += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    expect(json).toBe('{"city": "Par');
    expect(finish).toBe('length');
  });
});

describe('responses', () => {
  const shell = { type: 'function' as const, name: 'get_weather', description: 'Weather', parameters, strict: null };
  const patch = { type: 'custom' as const, name: 'patch', description: 'Changes a file' };

  test('streamed: thought, words and calls are items of their own, which the client accumulates', async () => {
    const written = ['\n<tool_call>\n{"name": "patch", "arguments": {"input": "*** Begin', '\\n+x"}}\n</tool_call>'];
    thinker.engine.replies = [[...THOUGHT, 'Let me look.\n', ...CALL, ...written]];
    const stream = openaiOf(thinker).responses.stream({ model: 'x', input: 'Weather?', tools: [shell, patch] });
    const types: string[] = [];
    stream.on('event', (event) => types.push(event.type));
    const { output } = await stream.finalResponse();
    expect(output).toMatchObject([
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'The user wants weather.' }] },
      { type: 'message', status: 'completed', content: [{ text: 'Let me look.' }] },
      { type: 'function_call', name: 'get_weather', arguments: '{"city": "Paris"}' },
      { type: 'custom_tool_call', name: 'patch', input: '*** Begin\n+x' },
    ]);
    expect(new Set(output.map((item) => item.id)).size).toBe(4);
    const call = ['response.output_item.added', 'response.function_call_arguments.delta'];
    const at = types.indexOf('response.function_call_arguments.delta');
    expect(types.slice(at - 1, at + 1)).toEqual(call);
    expect(types.slice(at + 2, at + 4)).toEqual(['response.function_call_arguments.done', 'response.output_item.done']);
  });

  test('a whole tool loop', async () => {
    thinker.engine.replies = [CALL, ['Cold.']];
    const ask = { model: 'x', tools: [shell] };
    const first = await openaiOf(thinker).responses.create({ ...ask, input: 'Weather?' });
    const call = first.output[0];
    if (call?.type !== 'function_call') throw new Error('no call');
    const last = await openaiOf(thinker).responses.create({
      ...ask,
      input: [
        { role: 'user', content: 'Weather?' },
        call,
        { type: 'function_call_output', call_id: call.call_id, output: '7 °C' },
      ],
    });
    expect(last.output_text).toBe('Cold.');
    expect(promptOf(thinker)).toMatch(/"arguments": \{"city": "Paris"\}\}\n<\/tool_call>[^]*<tool_response>\n7 °C\n/);
    thinker.engine.replies = [CALL];
    await openaiOf(thinker).responses.create({
      ...ask,
      input: 'x',
      tool_choice: { type: 'function', name: 'get_weather' },
    });
    expect(lastRequest(thinker)?.constraint).toMatchObject({ kind: 'list', least: 1 });
  });
});

describe('anthropic', () => {
  test('streamed: blocks one after the other, arguments as partial JSON', async () => {
    thinker.engine.replies = [[...THOUGHT, 'Let me look.\n', ...CALL, ...SECOND]];
    const stream = anthropicOf(thinker).messages.stream({
      model: 'x',
      max_tokens: 100,
      messages: user('Weather?'),
      tools: [TOOL],
      thinking: { type: 'enabled', budget_tokens: 1024 },
    });
    const seen: string[] = [];
    stream.on('streamEvent', (event) => {
      if (event.type === 'content_block_start') seen.push(`${event.index} ${event.content_block.type}`);
      if (event.type === 'content_block_delta') seen.push(event.delta.type);
      if (event.type === 'content_block_stop') seen.push(`${event.index} stop`);
    });
    const message = await stream.finalMessage();
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'The user wants weather.', signature: 'zell' },
      { type: 'text', text: 'Let me look.' },
      { type: 'tool_use', name: 'get_weather', input: { city: 'Paris' } },
      { type: 'tool_use', name: 'get_weather', input: { city: 'Rome' } },
    ]);
    expect(message.stop_reason).toBe('tool_use');
    expect(seen.filter((s, i) => s !== seen[i - 1])).toEqual([
      ...['0 thinking', 'thinking_delta', 'signature_delta', '0 stop'],
      ...['1 text', 'text_delta', '1 stop'],
      ...['2 tool_use', 'input_json_delta', '2 stop'],
      ...['3 tool_use', 'input_json_delta', '3 stop'],
    ]);
  });

  test('a whole tool loop; the result comes before the text of its turn, empty blocks are dropped', async () => {
    thinker.engine.replies = [[...THOUGHT, ...CALL], ['It is 7 °C.']];
    const client = anthropicOf(thinker);
    const ask = {
      model: 'x',
      max_tokens: 100,
      tools: [TOOL],
      thinking: { type: 'enabled' as const, budget_tokens: 1024 },
    };
    const first = await client.messages.create({ ...ask, messages: user('Weather?') });
    expect(first.stop_reason).toBe('tool_use');
    const before = promptOf(thinker);
    const call = first.content.find((block) => block.type === 'tool_use');
    expect(call?.id).toMatch(/^toolu_/);
    const last = await client.messages.create({
      ...ask,
      messages: [
        ...user('Weather?'),
        { role: 'assistant', content: [{ type: 'text', text: '' }, ...first.content] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'And?' },
            { type: 'tool_result', tool_use_id: call?.id ?? '', content: [{ type: 'text', text: '7 °C' }] },
          ],
        },
      ],
    });
    expect(last.content).toEqual([{ type: 'text', text: 'It is 7 °C.' }]);
    const prompt = promptOf(thinker);
    expect(prompt.startsWith(before)).toBe(true);
    expect(prompt.slice(before.length)).toBe(
      '<think>\nThe user wants weather.\n</think>\n\n\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call><|im_end|>\n' +
        '<|im_start|>user\n<tool_response>\n7 °C\n</tool_response><|im_end|>\n<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  test('any, tool and disable_parallel_tool_use; server tools are left out; tools count as tokens', async () => {
    const client = anthropicOf(host);
    const ask = { model: 'x', max_tokens: 100, messages: user('Weather?') };
    host.engine.replies = [CALL, CALL];
    await client.messages.create({
      ...ask,
      tools: [TOOL],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
    });
    expect(lastRequest(host)?.constraint).toMatchObject({ kind: 'list', least: 1, most: 1 });
    await client.messages.create({ ...ask, tools: [TOOL], tool_choice: { type: 'tool', name: 'get_weather' } });
    expect(lastRequest(host)?.constraint).toMatchObject({ kind: 'list', least: 1 });
    await expect(
      client.messages.create({ ...ask, tools: [TOOL], tool_choice: { type: 'tool', name: 'nobody' } }),
    ).rejects.toMatchObject({ status: 400 });
    await client.messages.create({ ...ask, tools: [{ type: 'web_search_20250305', name: 'web_search' }] });
    expect(promptOf(host)).not.toContain('web_search');
    const { messages } = client;
    const bare = await messages.countTokens({ model: 'x', messages: user('Weather?') });
    const tooled = await messages.countTokens({ model: 'x', messages: user('Weather?'), tools: [TOOL] });
    expect(tooled.input_tokens).toBeGreaterThan(bare.input_tokens + 20);
  });

  test('while nothing comes, an empty piece of text is sent, also where a thought may come first', async () => {
    const slow = await testHost({ heartbeatMs: 20 }, { ...MODEL, chatTemplate: TEMPLATES.tools });
    try {
      slow.engine.delayMs = 70;
      slow.engine.replies = [CALL];
      const stream = anthropicOf(slow).messages.stream({
        model: 'x',
        max_tokens: 9,
        messages: user('Hi'),
        tools: [TOOL],
      });
      const first = new Promise((resolve) => {
        stream.on('streamEvent', (event) => {
          if (event.type === 'content_block_delta') resolve(event.delta);
        });
      });
      expect(await first).toEqual({ type: 'text_delta', text: '' });
      expect((await stream.finalMessage()).content).toMatchObject([{ type: 'text', text: '' }, { type: 'tool_use' }]);
    } finally {
      await slow.close();
    }
  });
});

describe('ollama', () => {
  test('whole calls in a chunk before the last; a whole loop without ids', async () => {
    thinker.engine.replies = [[...THOUGHT, ...CALL, ...SECOND], ['Cold.']];
    const chunks = [];
    for await (const chunk of await ollamaOf(thinker).chat({
      model: 'tiny',
      messages: user('Weather?'),
      tools: [FUNCTION],
      think: true,
      stream: true,
    }))
      chunks.push(chunk);
    expect(chunks.map((c) => c.message.thinking ?? '').join('')).toBe('The user wants weather.');
    const calls = chunks.flatMap((c) => c.message.tool_calls ?? []);
    expect(calls.map((c) => c.function.arguments)).toEqual([{ city: 'Paris' }, { city: 'Rome' }]);
    expect(chunks.at(-1)).toMatchObject({ done: true, done_reason: 'stop' });
    expect(chunks.at(-1)?.message.tool_calls).toBeUndefined();
    const whole = await ollamaOf(thinker).chat({
      model: 'tiny',
      messages: [
        ...user('Weather?'),
        { role: 'assistant', content: '', tool_calls: calls.map(({ function: f }) => ({ function: f })) },
        { role: 'tool', content: '7 °C', tool_name: 'get_weather' },
        { role: 'tool', content: '9 °C', tool_name: 'get_weather' },
      ],
      tools: [FUNCTION],
    });
    expect(whole.message).toEqual({ role: 'assistant', content: 'Cold.' });
    expect(promptOf(thinker)).toMatch(/Paris[^]*Rome[^]*7 °C[^]*9 °C/);
  });

  test('think: off reaches the template, on is refused where the model cannot', async () => {
    const off = await testHost({}, { ...MODEL, chatTemplate: TEMPLATES.thinking });
    try {
      const ask = { model: 'tiny', messages: user('Hi') };
      await ollamaOf(off).chat({ ...ask, think: false });
      expect(promptOf(off)).toMatch(/<think>\n\n<\/think>\n\n$/);
      off.engine.replies = [[...THOUGHT, 'Yes.']];
      const r = await ollamaOf(off).generate({ model: 'tiny', prompt: 'Hi', think: true });
      expect(r).toMatchObject({ response: 'Yes.', thinking: 'The user wants weather.' });
      await expect(ollamaOf(host).chat({ ...ask, think: true })).rejects.toThrow(/does not support thinking/);
      expect((await ollamaOf(off).show({ model: 'tiny' })).capabilities).toContain('thinking');
    } finally {
      await off.close();
    }
  });
});

test("llama.cpp's /props says what the template can do", async () => {
  const caps = async (h: TestHost): Promise<unknown> =>
    ((await (await fetch(`${h.url}/props`)).json()) as { chat_template_caps: unknown }).chat_template_caps;
  const common = { supports_system_role: true, supports_string_content: true, supports_typed_content: false };
  const none = { supports_tools: false, supports_tool_calls: false, supports_parallel_tool_calls: false };
  const all = { supports_tools: true, supports_tool_calls: true, supports_parallel_tool_calls: true };
  expect(await caps(host)).toEqual({ ...common, ...none });
  expect(await caps(thinker)).toEqual({ ...common, ...all });
});
