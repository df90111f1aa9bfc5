/** A host made of plain objects, for the tests of this room: a model, an engine that answers from a script, a recorder that keeps. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { EngineStats } from '#protocol/engine.ts';
import type { GenerateEvent, GenerateRequest, PromptPart } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import { ChatTemplates } from '../templates/chatTemplates.ts';
import { TEMPLATES } from '../templates/representative.ts';
import type { ServedModel } from '../models/modelService.ts';
import type { ApiDeps, ApiEngine, ApiLibrary, ApiModels, Exchange } from './deps.ts';
import { toBase64 } from './embedding.ts';
import { createApi } from './server.ts';

export const MODEL: ModelInfo = {
  path: '/models/tiny.gguf',
  name: 'tiny',
  modelHash: '0123456789abcdef',
  architecture: 'llama',
  parameters: 135_000_000,
  quantization: 'Q4_1',
  contextLength: 512,
  embeddingLength: 64,
  layers: 2,
  vocabularySize: 1000,
  tokenizer: { model: 'gpt2', pre: 'smollm' },
  special: { bos: 1, eos: 2, endOfGeneration: [2] },
  bosText: '<|im_start|>',
  eosText: '<|im_end|>',
  addBos: false,
  chatTemplate: TEMPLATES.chatml,
  bytes: 1000,
  fit: { neededBytes: 1, availableBytes: 2, fits: true, kvTokens: 1e6 },
  tokenWork: { bytes: 1, weights: 1 },
  metadata: { 'general.name': 'Tiny' },
  loadMs: 1,
  threads: 1,
  isa: 'scalar',
};

export const WORDS = ['Paris', ' is', ' the', ' capital', ' é', '.'];

/** A word a token; one token of prompt for every four characters. Ends after its words, at a stop text, or when told to. */
export class FakeEngine implements ApiEngine {
  state: ApiEngine['state'] = 'ready';
  readonly requests: { request: GenerateRequest; signal: AbortSignal }[] = [];
  /** Names of the other calls. */
  readonly calls: string[] = [];
  words: readonly string[] = WORDS;
  /** Words of the next answers, one after the other; then `words` again. */
  replies: (readonly string[])[] = [];
  /** Fails instead of accepting. */
  refuse: ZellError | undefined;
  /** Constraints are refused, as by an engine that cannot honour them. */
  refusesConstraints = false;
  /** Fails after this many words. */
  crashAfter: number | undefined;
  /** Waits this long before each event. */
  delayMs = 0;
  cached = 0;

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent> {
    this.requests.push({ request, signal });
    await pause(this.delayMs);
    if (this.refusesConstraints && request.constraint !== undefined) {
      yield { type: 'failed', error: { code: 'unsupported', message: 'Constraints are not supported.' } };
      return;
    }
    if (this.refuse !== undefined) {
      yield { type: 'failed', error: this.refuse.toWire() };
      return;
    }
    const promptTokens = count(request.prompt);
    if (promptTokens > MODEL.contextLength && request.truncate !== true) {
      const details = { promptTokens, contextLength: MODEL.contextLength };
      yield { type: 'failed', error: { code: 'context_overflow', message: 'The prompt does not fit.', details } };
      return;
    }
    yield { type: 'accepted', promptTokens, cachedTokens: this.cached };
    let text = '';
    let n = 0;
    let finish: 'eos' | 'stop' | 'length' | 'cancelled' = 'eos';
    let stopText: string | undefined;
    for (const word of this.replies.shift() ?? this.words) {
      await pause(this.delayMs);
      if (signal.aborted) {
        finish = 'cancelled';
        break;
      }
      if (n === this.crashAfter) {
        yield { type: 'failed', error: { code: 'engine_crashed', message: 'The engine ended unexpectedly.' } };
        return;
      }
      if (request.maxTokens !== undefined && n >= request.maxTokens) {
        finish = 'length';
        break;
      }
      stopText = request.stop.find((s) => (text + word).includes(s));
      if (stopText !== undefined) {
        finish = 'stop';
        break;
      }
      text += word;
      const token = { token: 10 + n, text: word, logprob: -0.5 };
      n += 1;
      const top = Array.from({ length: request.logprobs ?? 0 }, (_, i) => ({
        token: i,
        text: `t${i}`,
        logprob: i === 0 ? -1 : -Infinity,
      }));
      yield {
        type: 'delta',
        text: word,
        tokens: [token.token],
        ...(request.logprobs === undefined ? {} : { logprobs: [{ chosen: token, top }] }),
      };
    }
    yield {
      type: 'done',
      finish,
      ...(stopText === undefined ? {} : { stopText }),
      promptTokens,
      cachedTokens: this.cached,
      completionTokens: n,
      truncatedTokens: 0,
      ...((request.draftTokens ?? 0) > 0 ? { draftTokens: 7, draftAccepted: 5 } : {}),
      timings: { queuedMs: 1, promptMs: 2, decodeMs: 3 },
    };
  }

  call: ApiEngine['call'] = (method, given) => {
    this.calls.push(method);
    const params: unknown = given;
    const answers: Record<string, () => unknown> = {
      count: () => ({ tokens: count((params as { prompt: PromptPart[] }).prompt) }),
      tokenize: () => ({
        tokens: Array.from((params as { text: string }).text, (c) => (c.codePointAt(0) ?? 0) % 1000),
      }),
      detokenize: () => ({
        text: (params as { tokens: number[] }).tokens.map((t) => String.fromCodePoint(t)).join(''),
      }),
      // Of each text its length and 1.
      embed: () => {
        const { inputs } = params as { inputs: PromptPart[][] };
        return {
          vectors: inputs.map((parts) => toBase64(Float32Array.of(count(parts), 1))),
          tokens: inputs.map(count),
        };
      },
      adapters: () => ({ adapters: [] }),
      inspect: () => ({ ...MODEL, path: (params as { path: string }).path }),
      // One for every four characters, as it counts them.
      promptTokens: () => ({
        tokens: Array.from({ length: count((params as { prompt: PromptPart[] }).prompt) }, (_, i) => i),
      }),
      pieces: () => ({
        pieces: (params as { tokens: number[] }).tokens.map((t) => Buffer.from([t % 256]).toString('base64')),
      }),
    };
    const answer = answers[method];
    if (answer === undefined) return Promise.reject(new ZellError('unsupported', method));
    return Promise.resolve(answer() as never);
  };

  stats(): EngineStats {
    return {
      queue: { running: 1, waiting: 2, slots: 8, maxWaiting: 64 },
      promptTokens: 10,
      promptMs: 1000,
      completionTokens: 20,
      decodeMs: 2000,
      steps: 5,
      stepSequences: 10,
      kvBlocksUsed: 1,
      kvBlocksTotal: 4,
      draftTokens: 12,
      draftAccepted: 9,
      lastTokensPerSecond: 10,
    };
  }
}

/** Models of a disk with one loaded model. Names that begin with `nope` are unknown. */
export function fakeModels(model: ServedModel): ApiModels {
  const ensure: ApiModels['ensure'] = (name) =>
    name?.startsWith('nope') === true
      ? Promise.reject(new ZellError('model_not_found', `model '${name}' not found`))
      : Promise.resolve(model);
  return {
    current: () => model,
    ensure,
    acquire: async (name, signal) => ({ model: await ensure(name, signal), release: () => undefined }),
    release: () => Promise.resolve(),
    expiresAt: undefined,
    list: () =>
      Promise.resolve([
        {
          name: 'tiny',
          title: 'Tiny',
          path: model.path,
          bytes: 1000,
          note: '',
          installed: true,
          fits: true,
          loaded: true,
        },
        { name: 'absent', title: 'Absent', bytes: 5, note: '', installed: false, fits: true, loaded: false },
      ]),
  };
}

/** Nothing can be added, and nothing taken away. */
export function fixedLibrary(model: ModelInfo): ApiLibrary {
  const missing = (): Promise<never> => Promise.reject(new ZellError('model_not_found', 'model not found'));
  return {
    find: (name) =>
      Promise.resolve(name.startsWith('nope') ? undefined : { name: model.name, path: model.path, bytes: model.bytes }),
    checkPullable: () => undefined,
    pull: missing,
    create: missing,
    copy: missing,
    remove: missing,
    blobs: { find: () => Promise.resolve(undefined), put: missing },
  };
}

export interface TestHost {
  readonly app: FastifyInstance;
  readonly engine: FakeEngine;
  readonly recorded: Exchange[];
  /** What memories were asked for. */
  readonly recalls: unknown[];
  readonly bugs: unknown[];
  readonly url: string;
  close(): Promise<void>;
}

/** Listens on a free port. `prepare`: before it listens. */
export async function testHost(
  overrides: Partial<ApiDeps> = {},
  model: ServedModel = MODEL,
  prepare: (server: Server) => void = () => undefined,
): Promise<TestHost> {
  const engine = new FakeEngine();
  const recorded: Exchange[] = [];
  const recalls: unknown[] = [];
  const bugs: unknown[] = [];
  const templates = new ChatTemplates({ limits: { renderMs: 5000, parseMs: 10_000 } });
  const app = createApi({
    engine,
    models: fakeModels(model),
    library: fixedLibrary(model),
    recorder: {
      exchange: (e) => recorded.push(e),
      recall: (asked) => {
        recalls.push(asked);
        const found = { text: 'MEMORY', cards: [{ id: 'a1' }, { id: 'b2' }] };
        return Promise.resolve(asked.question.includes('manager') ? found : undefined);
      },
      mayKeep: (texts) => Promise.resolve(texts.every((t) => !t.includes('AKIA'))),
    },
    identity: { version: '0.1.0', instance: 'i-1', startedAt: 1_700_000_000_000 },
    token: 'host-token',
    templates,
    onBug: (error) => bugs.push(error),
    ...overrides,
  });
  await app.ready();
  prepare(app.server);
  await new Promise<void>((resolve) => void app.server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    app.server.closeAllConnections();
    await app.close();
    templates.close();
  };
  return { app, engine, recorded, recalls, bugs, url, close };
}

function count(prompt: readonly PromptPart[]): number {
  return prompt.reduce((sum, p) => sum + ('text' in p ? Math.ceil(p.text.length / 4) : p.tokens.length), 0);
}

function pause(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
