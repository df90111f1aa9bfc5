// Two turns of coding agents, in the shape in which they really send them: nearly all of the first turn comes from the cache in the
// second. And the cache keeps clients apart. Routes, templates and scheduler are the real ones; the model is the fake, so it takes seconds.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FastifyInstance } from 'fastify';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { ApiDeps, ApiEngine } from '../../engine-host/src/api/deps.ts';
import { createApi } from '../../engine-host/src/api/server.ts';
import { fakeModels, fixedLibrary } from '../../engine-host/src/api/testing.ts';
import { GenerateTask } from '../../engine-host/src/engine/inference/generateTask.ts';
import { FakeModel, type FakeModelOptions } from '../../engine-host/src/engine/native/fakeModel.ts';
import { Scheduler } from '../../engine-host/src/engine/scheduler/scheduler.ts';
import { ChatTemplates } from '../../engine-host/src/templates/chatTemplates.ts';
import { TEMPLATES } from '../../engine-host/src/templates/representative.ts';

const never = new AbortController().signal;
const templates = new ChatTemplates();
beforeAll(async () => {
  const source = { model: 'fake', template: TEMPLATES.chatml, bosText: '<s>', eosText: '</s>' };
  await templates.render(source, [{ role: 'user', content: 'Hello' }], {}, never);
}, 30_000);
afterAll(() => templates.close());

/** Everything from the route to the scheduler in one process. A token is a byte. */
class World {
  readonly model: FakeModel;
  readonly scheduler: Scheduler;
  readonly app: FastifyInstance;

  constructor(options: FakeModelOptions = {}) {
    this.model = new FakeModel({
      contextLength: 65_536,
      totalBlocks: 8192,
      blockTokens: 32,
      addBos: false,
      ...options,
    });
    this.scheduler = new Scheduler(this.model, { now: () => performance.now(), flush: () => undefined });
    const info: ModelInfo = { ...this.model.info, chatTemplate: TEMPLATES.chatml };
    const engine: Pick<ApiEngine, 'state' | 'generate' | 'stats'> = {
      state: 'ready',
      stats: () => this.scheduler.stats(),
      generate: (request) => this.#generate(request),
    };
    this.app = createApi({
      engine: engine as ApiEngine,
      models: fakeModels(info),
      library: fixedLibrary(info),
      recorder: { exchange: () => undefined },
      identity: { version: '0', instance: 'i', startedAt: 0 },
      token: 't',
      templates,
    } satisfies ApiDeps);
  }

  async *#generate(request: GenerateRequest): AsyncGenerator<GenerateEvent> {
    const events: GenerateEvent[] = [];
    let wake: () => void = () => undefined;
    const emit = (event: GenerateEvent): void => {
      events.push(event);
      wake();
    };
    this.scheduler.submit(new GenerateTask(this.model, request, emit, () => performance.now()));
    for (;;) {
      const event = events.shift();
      if (event === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else {
        yield event;
        if (event.type === 'done' || event.type === 'failed') return;
      }
    }
  }

  async post<T>(url: string, payload: object): Promise<T> {
    const answer = await this.app.inject({ method: 'POST', url, payload, headers: { host: 'localhost' } });
    expect(answer.statusCode, answer.body.slice(0, 300)).toBe(200);
    return answer.json<T>();
  }
}

const RULES = Array.from(
  { length: 200 },
  (_, i) => `${i + 1}. Before you change file number ${i}, read it and say what you will do; keep to its style.`,
).join('\n');
const MEMORY_FILE = '# Project\n' + 'Run the tests with npm test. Small files. No default exports.\n'.repeat(30);
const TOOLS = ['Bash', 'Read', 'Edit', 'Write', 'Grep', 'Glob', 'Task', 'TodoWrite', 'WebFetch'];
const parameters = {
  type: 'object',
  properties: { path: { type: 'string', description: 'Absolute path of the file' }, limit: { type: 'number' } },
  required: ['path'],
  additionalProperties: false,
};
const FILE = Array.from({ length: 40 }, (_, i) => `${i + 1}→export const value${i} = ${i} * 2;`).join('\n');
const EPHEMERAL = { cache_control: { type: 'ephemeral' } };

interface AnthropicAnswer {
  readonly content: readonly { readonly text: string }[];
  readonly usage: { readonly input_tokens: number; readonly cache_read_input_tokens: number };
}

/** As an agent on the Anthropic interface sends it: marks that move along, a header line with a new hash each time. */
function anthropic(turn: number, messages: readonly object[]): object {
  return {
    model: 'claude-sonnet-4-5',
    max_tokens: 40,
    temperature: 0,
    metadata: { user_id: 'user_0a1b_account__session_2c3d' },
    system: [
      {
        type: 'text',
        text: `x-anthropic-billing-header: cc_version=2.0.${turn}.a7f; cc_entrypoint=cli; cch=${turn}9f3e;`,
      },
      { type: 'text', text: "You are Claude Code, Anthropic's official CLI for Claude.", ...EPHEMERAL },
      { type: 'text', text: RULES, ...EPHEMERAL },
    ],
    tools: TOOLS.map((name) => ({ name, description: `${name}: ${RULES.slice(0, 300)}`, input_schema: parameters })),
    messages,
  };
}

describe('the second turn of an agent', () => {
  test('on the Anthropic interface', async () => {
    const world = new World();
    const reminder = { type: 'text', text: `<system-reminder>\n${MEMORY_FILE}</system-reminder>` };
    const task = { type: 'text', text: 'The test of value7 fails. Find out why and fix it.' };
    const first = await world.post<AnthropicAnswer>(
      '/v1/messages',
      anthropic(1, [{ role: 'user', content: [reminder, { ...task, ...EPHEMERAL }] }]),
    );
    const prefix = first.usage.input_tokens + first.usage.cache_read_input_tokens;
    expect(prefix).toBeGreaterThan(20_000);
    const call = { type: 'tool_use', id: 'toolu_01', name: 'Read', input: { path: '/src/values.ts' } };
    const result = { type: 'tool_result', tool_use_id: 'toolu_01', content: [{ type: 'text', text: FILE }] };
    const second = await world.post<AnthropicAnswer>(
      '/v1/messages',
      anthropic(2, [
        { role: 'user', content: [reminder, task] },
        { role: 'assistant', content: [{ type: 'text', text: first.content[0]!.text }, call] },
        { role: 'user', content: [{ ...result, ...EPHEMERAL }] },
      ]),
    );
    const reused = second.usage.cache_read_input_tokens / prefix;
    console.log(`Anthropic: ${second.usage.cache_read_input_tokens} of ${prefix} tokens of the first turn reused`);
    expect(reused).toBeGreaterThanOrEqual(0.99);
    expect(second.usage.input_tokens).toBeGreaterThan(FILE.length);
    await world.scheduler.close();
  });

  test('on the OpenAI interface', async () => {
    const world = new World();
    const tools = TOOLS.map((name) => ({ type: 'function', function: { name, description: name, parameters } }));
    const head = [
      { role: 'system', content: RULES },
      {
        role: 'user',
        content: [
          { type: 'text', text: MEMORY_FILE },
          { type: 'text', text: 'Fix value7.' },
        ],
      },
    ];
    interface Answer {
      readonly choices: readonly { readonly message: { readonly content: string } }[];
      readonly usage: {
        readonly prompt_tokens: number;
        readonly prompt_tokens_details: { readonly cached_tokens: number };
      };
    }
    const ask = (messages: readonly object[]): Promise<Answer> =>
      world.post('/v1/chat/completions', { model: 'gpt-4o', max_tokens: 40, temperature: 0, tools, messages });
    const first = await ask(head);
    const call = { id: 'call_1', type: 'function', function: { name: 'Read', arguments: '{"path":"/src/values.ts"}' } };
    const second = await ask([
      ...head,
      { role: 'assistant', content: first.choices[0]!.message.content, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: FILE },
    ]);
    const { prompt_tokens: prefix } = first.usage;
    const { cached_tokens: cached } = second.usage.prompt_tokens_details;
    console.log(`OpenAI: ${cached} of ${prefix} tokens of the first turn reused`);
    expect(prefix).toBeGreaterThan(20_000);
    expect(cached / prefix).toBeGreaterThanOrEqual(0.99);
    await world.scheduler.close();
  });
});

test("no client's text reaches another's answer through the cache", async () => {
  // A model that repeats what it has read: an answer shows every token that its sequence holds.
  const alone = async (body: object): Promise<string> => {
    const fresh = new World({ next: echo() });
    const text = await answer(fresh, body);
    await fresh.scheduler.close();
    return text;
  };
  const shared = 'Everybody has this instruction. '.repeat(20);
  const body = (client: number, system: string): object => ({
    max_tokens: 1200,
    temperature: 0,
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: `SECRET-${client}-${'abcdefgh'[client]!.repeat(24)}` },
    ],
  });
  const clients = [0, 1, 2, 3, 4, 5, 6, 7];
  const mixed = new World({ next: echo(), totalBlocks: 120 });
  // Together, twice: blocks are shared, taken from each other, used again.
  for (const round of [0, 1]) {
    const texts = await Promise.all(
      clients.map((c) => answer(mixed, body(c, c % 3 === 0 ? `${c} ${shared}` : shared))),
    );
    for (const [c, text] of texts.entries()) {
      expect(text, `round ${round}`).toContain(`SECRET-${c}-`);
      for (const other of clients) if (other !== c) expect(text).not.toContain(`SECRET-${other}`);
      if (round === 1) expect(text).toBe(await alone(body(c, c % 3 === 0 ? `${c} ${shared}` : shared)));
    }
  }
  await mixed.scheduler.close();
}, 60_000);

/** The token that stands as far behind the beginning as the answer is long. */
function echo(): NonNullable<FakeModelOptions['next']> {
  return (history) => {
    const text = String.fromCharCode(...history);
    const begin = text.lastIndexOf('assistant\n') + 'assistant\n'.length;
    return history[(history.length - begin) % begin]!;
  };
}

async function answer(world: World, body: object): Promise<string> {
  interface Answer {
    readonly choices: readonly { readonly message: { readonly content: string } }[];
  }
  return (await world.post<Answer>('/v1/chat/completions', body)).choices[0]!.message.content;
}
