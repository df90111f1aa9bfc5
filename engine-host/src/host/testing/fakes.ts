/** Hand-made parts for the host's tests: a lock in memory, an engine that answers what it is told to. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { ZellError } from '#protocol/errors.ts';
import type { EngineStats } from '#protocol/engine.ts';
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { HostEngine } from '../hostEngine.ts';
import type { OsLock } from '../osLock.ts';
import { zellPaths, type ZellPaths } from '../paths.ts';

/** A home of the test's own, removed afterwards. */
export async function temporaryHome(): Promise<ZellPaths> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'zell-test-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return zellPaths({ ZELL_HOME: path.join(home, 'home'), ZELL_CACHE: path.join(home, 'cache') });
}

/** Locks as the operating system does, for one process: whoever holds a path keeps everybody else out. */
export function memoryLock(): OsLock & { readonly held: ReadonlySet<string> } {
  const byHandle = new Map<number, string>();
  let next = 1;
  return {
    get held() {
      return new Set(byHandle.values());
    },
    tryLock(file) {
      if ([...byHandle.values()].includes(file)) return null;
      byHandle.set(next, file);
      return next++;
    },
    unlock(handle) {
      byHandle.delete(handle);
    },
  };
}

export const MODEL: ModelInfo = {
  path: '/models/tiny.gguf',
  name: 'tiny',
  modelHash: '0123456789abcdef',
  architecture: 'llama',
  parameters: 1000,
  quantization: 'F32',
  contextLength: 512,
  embeddingLength: 8,
  layers: 1,
  vocabularySize: 32,
  tokenizer: { model: 'gpt2', pre: 'smollm' },
  special: { endOfGeneration: [0] },
  bosText: '',
  eosText: '',
  addBos: false,
  bytes: 4000,
  fit: { neededBytes: 5000, availableBytes: 1e9, fits: true, kvTokens: 1e6 },
  tokenWork: { bytes: 1, weights: 1 },
  metadata: {},
  loadMs: 1,
  threads: 1,
  isa: 'scalar',
};

const NO_STATS: EngineStats = {
  queue: { running: 0, waiting: 0, slots: 8, maxWaiting: 64 },
  promptTokens: 0,
  promptMs: 0,
  completionTokens: 0,
  decodeMs: 0,
  steps: 0,
  stepSequences: 0,
  kvBlocksUsed: 0,
  kvBlocksTotal: 0,
  draftTokens: 0,
  draftAccepted: 0,
  lastTokensPerSecond: 0,
};

export interface FakeEngine extends HostEngine {
  readonly loads: string[];
  readonly requests: GenerateRequest[];
  readonly stopped: boolean;
  /** What `generate` gives; `undefined` holds the request until it is cancelled. */
  answer: readonly GenerateEvent[] | undefined;
}

export function fakeEngine(): FakeEngine {
  const loads: string[] = [];
  const requests: GenerateRequest[] = [];
  let stopped = false;
  const engine: FakeEngine = {
    state: 'ready',
    condition: { queue: NO_STATS.queue },
    loads,
    requests,
    answer: [],
    get stopped() {
      return stopped;
    },
    start: () => Promise.resolve(),
    stop() {
      stopped = true;
      return Promise.resolve();
    },
    restart: () => Promise.resolve(),
    onStatus: () => undefined,
    stats: () => NO_STATS,
    async load(file) {
      loads.push(file);
      await Promise.resolve();
      return { ...MODEL, path: file, name: path.basename(file, '.gguf') };
    },
    async *generate(request, signal) {
      requests.push(request);
      if (engine.answer === undefined) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        yield { type: 'failed', error: new ZellError('cancelled', 'Cancelled.').toWire() };
        return;
      }
      yield* engine.answer;
    },
    // Only `tokenize` is asked in these tests.
    call: ((_method: string, params: { text: string }) =>
      Promise.resolve({ tokens: Array.from(params.text, (_, i) => i) })) as unknown as HostEngine['call'],
  };
  return engine;
}
