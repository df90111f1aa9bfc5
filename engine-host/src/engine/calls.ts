/** The calls of the engine protocol, each on the model it concerns. */
import type { EmbedResult, EngineCalls, EngineMethod } from '#protocol/engine.ts';
import type { MachineLimits, MachineSpeed } from '#protocol/survey.ts';
import { ZellError } from '#protocol/errors.ts';
import { benchmarkTokens, runBenchmark } from './inference/benchmark.ts';
import { calibrate, calibrationTokens } from './inference/calibration.ts';
import { EmbedTask } from './inference/embedTask.ts';
import { NextTokensTask } from './inference/nextTokensTask.ts';
import { PrefixTask, sharedTokens } from './inference/prefixTask.ts';
import { promptTokens } from './inference/prompt.ts';
import { scoreTexts } from './inference/scoring.ts';
import { chooseKvType } from './kvChoice.ts';
import type { LoadedModel, ModelHost } from './modelHost.ts';
import type { NativeAddon } from './native/binding.ts';

export interface CallContext {
  readonly host: ModelHost;
  readonly addon: NativeAddon;
  readonly now: () => number;
  readonly onProgress: (done: number, total: number) => void;
  /** Ends nextTokens, embed, bench, quantize, measureImportance, buildDraftHead, survey and calibrate early; the others take no time that matters, or cannot be stopped (load). */
  readonly signal: AbortSignal;
}

type Handlers = {
  readonly [M in EngineMethod]: (
    params: EngineCalls[M]['params'],
    context: CallContext,
  ) => EngineCalls[M]['result'] | Promise<EngineCalls[M]['result']>;
};

/** Texts of one call that wait or run at a time. */
const EMBED_AT_ONCE = 8;

let lastJob = 0;

/** Runs a numbered job of the addon that ends when the call is cancelled. */
async function cancellable<T>(addon: NativeAddon, signal: AbortSignal, start: (job: number) => Promise<T>): Promise<T> {
  const job = ++lastJob;
  const cancel = (): void => addon.cancelJob(job);
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await start(job);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

const HANDLERS: Handlers = {
  load: ({ path, options }, { host, onProgress }) => host.load(path, options, onProgress),
  unload: async (_params, { host }) => {
    await host.unload();
    return null;
  },
  inspect: ({ path, options }, { addon }) => addon.inspect(path, options),
  quantize: ({ input, output, options }, { addon, onProgress, signal }) =>
    cancellable(addon, signal, (job) => addon.quantize(job, input, output, options, onProgress)),
  measureImportance: ({ model, texts, output, options }, { addon, onProgress, signal }) =>
    cancellable(addon, signal, (job) => addon.measureImportance(job, model, texts, output, options, onProgress)),
  buildDraftHead: ({ model, prompts, output, load, options }, { addon, onProgress, signal }) => {
    const tokens = prompts.map((prompt) => Int32Array.from(prompt));
    return cancellable(addon, signal, (job) =>
      addon.buildDraftHead(job, model, tokens, output, load, options, onProgress),
    );
  },
  tokenize: ({ text, addSpecial, parseSpecial }, { host }) => ({
    tokens: promptTokens(host.loaded.model, [{ text, special: parseSpecial }], addSpecial),
  }),
  pieces: ({ tokens }, { host }) => {
    const { model } = host.loaded;
    return { pieces: inVocabulary(tokens, host).map((t) => Buffer.from(model.piece(t, true)).toString('base64')) };
  },
  detokenize: ({ tokens }, { host }) => ({
    text: host.loaded.model.detokenize(Int32Array.from(inVocabulary(tokens, host))),
  }),
  promptTokens: ({ prompt, addBos }, { host }) => ({ tokens: promptTokens(host.loaded.model, prompt, addBos) }),
  count: ({ prompt, addBos }, { host }) => ({ tokens: promptTokens(host.loaded.model, prompt, addBos).length }),
  nextTokens: async (params, { host, signal }) => {
    const { model, scheduler, adapters } = host.loaded;
    const task = new NextTokensTask(model, params, adapters.inForce(undefined));
    signal.addEventListener('abort', () => scheduler.cancel(task), { once: true });
    scheduler.submit(task);
    return { top: await task.result };
  },
  score: ({ forModel, ...params }, { host, signal }) => {
    const { model, scheduler, adapters } = host.loaded;
    if (forModel !== undefined && forModel !== model.info.modelHash)
      throw new ZellError('busy', 'Another model was loaded meanwhile. Ask again.');
    const between = <T>(tokens: number, work: () => Promise<T>): Promise<T> => scheduler.exclusive(tokens, work);
    return scoreTexts(model, params, adapters.inForce(params.adapters), between, signal);
  },
  embed: async ({ forModel, inputs, ...options }, { host, signal }) => {
    const { model, scheduler, adapters } = host.loaded;
    if (forModel !== undefined && forModel !== model.info.modelHash)
      throw new ZellError('busy', 'Another model was loaded meanwhile. Ask again.');
    const tasks = inputs.map((input) => new EmbedTask(model, input, options, adapters.inForce(undefined)));
    return await embedAll(tasks, scheduler, signal);
  },
  loadAdapter: async (params, { host }) => {
    const { adapters } = host.loaded;
    const adapter = await adapters.load(params);
    return { adapter, adapters: adapters.list() };
  },
  unloadAdapter: ({ id }, { host }) => {
    const { adapters, scheduler } = host.loaded;
    scheduler.dropAdapter(adapters.unload(id));
    return { adapters: adapters.list() };
  },
  scaleAdapters: ({ scales }, { host }) => {
    const { adapters } = host.loaded;
    adapters.scale(scales);
    return { adapters: adapters.list() };
  },
  adapters: (_params, { host }) => ({ adapters: host.loaded.adapters.list() }),
  keepPrefix: async (params, { host, onProgress, signal }) => {
    const { model, scheduler, adapters } = host.loaded;
    if (params.forModel !== model.info.modelHash)
      throw new ZellError('busy', 'Another model was loaded meanwhile. Ask again.');
    const task = new PrefixTask(model, params, adapters.inForce(undefined), onProgress);
    const tokens = sharedTokens(model, params);
    signal.addEventListener('abort', () => scheduler.cancel(task), { once: true });
    scheduler.submit(task);
    const cachedTokens = Math.min(tokens, await task.result);
    const kept = await scheduler.onDisk(task);
    if (kept === undefined)
      throw new ZellError('invalid_request', 'Nothing is kept on the disk: its limit (ZELL_PREFIX_DISK_MB) is 0.');
    const { blockBytes, blockTokens } = model.kvUsage();
    const keptTokens = Math.min(tokens, kept.tokens);
    return { tokens, cachedTokens, keptTokens, bytes: Math.ceil(keptTokens / blockTokens) * blockBytes };
  },
  forgetPrefixes: async (_params, { host }) => {
    await host.current?.scheduler.forgetPrefixes();
    return null;
  },
  bench: async (params, { host, now, signal }) => {
    const { scheduler, weights } = host.loaded;
    // What a user has some seconds after loading.
    await weights.settled;
    return await scheduler.exclusive(benchmarkTokens(params), (model) => runBenchmark(model, params, now, signal));
  },
  limits: (_params, { host, addon }) => {
    const threads = host.current?.model.info.threads ?? addon.cpu().physicalCores;
    const measure = (): Promise<MachineLimits> => addon.measureLimits(threads);
    // Beside a loaded model it takes its turn between two steps, or both would be slow.
    return host.current === undefined ? measure() : host.current.scheduler.exclusive(0, measure);
  },
  survey: async ({ path, options, seconds }, { host, addon, onProgress, signal }) => {
    const { type, kv } = await chooseKvType(addon, path, options);
    const chosen = { ...options, kvType: type };
    const summary = await addon.inspect(path, chosen);
    const measure = (): Promise<MachineSpeed> =>
      cancellable(addon, signal, (job) => addon.measureMachine(job, path, chosen, seconds, onProgress));
    // As for the limits above.
    const { totalBytes, availableBytes } = addon.memory();
    const speed = await (host.current === undefined ? measure() : host.current.scheduler.exclusive(0, measure));
    return { speed, summary, kv, memory: { totalBytes, availableBytes }, cores: addon.cpu().physicalCores };
  },
  calibrate: async (request, { host, now, signal }) => {
    const { scheduler, weights } = host.loaded;
    await weights.settled;
    return await scheduler.exclusive(calibrationTokens(request), (model) => calibrate(model, request, now, signal));
  },
  restrain: (limits, { host }) => {
    host.restrain(limits);
    return null;
  },
  expertUses: (_params, { host }) => ({ layers: host.loaded.model.expertUses() }),
  stats: (_params, { host }) => ({ ...host.stats(), residentBytes: process.memoryUsage.rss() }),
};

/** Rejects with what the call failed with. */
export async function runCall<M extends EngineMethod>(
  method: M,
  params: EngineCalls[M]['params'],
  context: CallContext,
): Promise<EngineCalls[M]['result']> {
  return await HANDLERS[method](params, context);
}

/** A window of tasks at a time, so that a long list neither fills the queue nor keeps others out. */
async function embedAll(
  tasks: readonly EmbedTask[],
  scheduler: LoadedModel['scheduler'],
  signal: AbortSignal,
): Promise<EmbedResult> {
  const vectors: string[] = [];
  const tokens: number[] = [];
  const submitted: EmbedTask[] = [];
  const cancel = (): void => {
    for (const task of submitted) scheduler.cancel(task);
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    for (let first = 0; first < tasks.length; first += EMBED_AT_ONCE) {
      if (signal.aborted) throw new ZellError('cancelled', 'The call was cancelled.');
      const window = tasks.slice(first, first + EMBED_AT_ONCE);
      for (const task of window) {
        scheduler.submit(task);
        submitted.push(task);
      }
      for (const { vector, tokens: n } of await Promise.all(window.map((task) => task.result))) {
        vectors.push(Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64'));
        tokens.push(n);
      }
    }
    return { vectors, tokens };
  } catch (error) {
    // One text's failure is the whole call's: the others need not go on.
    cancel();
    await Promise.allSettled(submitted.map((task) => task.result));
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function inVocabulary(tokens: readonly number[], host: ModelHost): readonly number[] {
  const { vocabularySize } = host.loaded.model.info;
  for (const token of tokens)
    if (!Number.isInteger(token) || token < 0 || token >= vocabularySize)
      throw new ZellError('invalid_request', `Token ${token} is outside the vocabulary of ${vocabularySize}.`);
  return tokens;
}
