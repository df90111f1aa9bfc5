// Our engine as a contestant: the product's own child process, spoken to as the host does.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as protocol from '#protocol/engine.ts';
import { GREEDY } from '#protocol/sampling.ts';
import type { LoadOptions, ModelInfo } from '#protocol/model.ts';
import type { MachineLimits } from '#protocol/survey.ts';
import { ZellError } from '#protocol/errors.ts';
import { EngineClient } from '../../engine-host/src/engineClient/engineClient.ts';
import { ROOT } from '../lib/setup.mjs';
import { residentBytesOf, type Entrant, type Load } from './contestant.ts';

const NEVER = new AbortController().signal;
const SCRIPT = path.join(ROOT, 'dist/engine.mjs');

/** `isa`: forced through ZELL_ISA. */
export function ours(isa?: string): Entrant {
  const name = isa === undefined ? 'ours' : `ours ${isa}`;
  return {
    name,
    open: async (load) => {
      // Never an f16 figure under another name.
      if (load.kv !== 'f16' && !('KV_TYPES' in protocol))
        throw new ZellError('unsupported', `this engine has no ${load.kv} KV cache.`);
      const engine = await start(isa);
      let text = readFileSync(load.text, 'utf8');
      const forced = load.confine !== undefined;
      if (engine.pid !== undefined) load.confine?.(engine.pid);
      const bench = async (promptTokens: number, decodeTokens: number, depth = 0, sequences = 1) =>
        engine.call('bench', { promptTokens, decodeTokens, depth, sequences, text, forced, keep: true }, NEVER);
      const started = performance.now();
      const info = await loaded(engine, load);
      const loadMs = performance.now() - started;
      if (isa !== undefined && info.isa !== isa)
        throw new ZellError('unsupported', `${isa} was asked for and ${info.isa} runs.`);
      return {
        loadMs,
        info,
        stats: () => engine.call('stats', {}, NEVER),
        contestant: {
          name,
          prefill: async (tokens) => (await bench(tokens, 0)).prefill.tokensPerSecond,
          decode: async (steps, depth, sequences) => (await bench(0, steps, depth, sequences)).decode.tokensPerSecond,
          first: (tokens) => first(engine, text, tokens),
          read: (file) => {
            text = readFileSync(file, 'utf8');
            return Promise.resolve();
          },
          greedy: (prompt, steps) => greedy(engine, prompt, steps),
          residentBytes: () => residentBytesOf(engine.pid),
          stop: () => engine.stop(),
        },
      };
    },
  };
}

/** The instruction set in force, those that can be forced, and what the machine can do with `threads`. */
export async function ourMachine(model: string, threads: number): Promise<MachineLimits & { tokenBytes: number }> {
  const engine = await start(undefined);
  try {
    const info = await engine.load(model, { threads }, () => undefined, NEVER);
    return { ...(await engine.call('limits', {}, NEVER)), tokenBytes: info.tokenWork.bytes };
  } finally {
    await engine.stop();
  }
}

/** What decoding one token of a file reads and multiplies. */
export async function tokenWork(model: string): Promise<ModelInfo['tokenWork']> {
  const engine = await start(undefined);
  try {
    return (await engine.call('inspect', { path: model, options: {} }, NEVER)).tokenWork;
  } finally {
    await engine.stop();
  }
}

/** Texts as a model's tokens, special ones by their names. */
export async function tokenize(model: string, texts: readonly string[]): Promise<(readonly number[])[]> {
  const engine = await start(undefined);
  try {
    await engine.load(model, {}, () => undefined, NEVER);
    const params = { addSpecial: false, parseSpecial: true };
    return await Promise.all(
      texts.map(async (text) => (await engine.call('tokenize', { text, ...params }, NEVER)).tokens),
    );
  } finally {
    await engine.stop();
  }
}

/** A process without a model is of no use to anybody. */
async function loaded(engine: EngineClient, load: Load): Promise<ModelInfo> {
  try {
    return await engine.load(load.model, options(load), () => undefined, NEVER);
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

function options(load: Load): LoadOptions {
  return {
    threads: load.threads,
    maxSequences: load.sequences,
    ...(load.context === 0 ? {} : { contextLength: load.context }),
    ...(load.kv === 'f16' ? {} : { kvType: load.kv }),
  };
}

async function start(isa: string | undefined): Promise<EngineClient> {
  const engine = new EngineClient({ script: SCRIPT, ...(isa === undefined ? {} : { env: { ZELL_ISA: isa } }) });
  await engine.start();
  return engine;
}

/** Through the request path that every client takes. */
async function first(engine: EngineClient, text: string, tokens: number): Promise<number> {
  const started = performance.now();
  const ids = await engine.call(
    'tokenize',
    { text: text.slice(0, tokens * 16), addSpecial: false, parseSpecial: false },
    NEVER,
  );
  const answer = generated(engine, ids.tokens.slice(0, tokens), 1);
  await answer.next();
  const ms = performance.now() - started;
  await answer.return(undefined);
  return ms;
}

async function greedy(engine: EngineClient, prompt: readonly number[], steps: number): Promise<number> {
  let [started, tokens] = [0, 0];
  for await (const count of generated(engine, prompt, steps + 1)) {
    if (started === 0) started = performance.now();
    else tokens += count;
  }
  return (tokens * 1000) / (performance.now() - started);
}

/** How many tokens came, each time that some did. */
async function* generated(engine: EngineClient, prompt: readonly number[], maxTokens: number): AsyncGenerator<number> {
  const events = engine.generate(
    {
      prompt: [{ tokens: [...prompt] }],
      addBos: false,
      maxTokens,
      stop: [],
      sampling: GREEDY,
      priority: 'chat',
      ignoreEos: true,
    },
    NEVER,
  );
  for await (const event of events) {
    if (event.type === 'failed') throw ZellError.fromWire(event.error);
    if (event.type === 'delta' && event.tokens.length > 0) yield event.tokens.length;
  }
}
