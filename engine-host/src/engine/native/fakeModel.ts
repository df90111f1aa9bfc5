/**
 * Test double of the addon that honours binding.ts: KV blocks are counted and shared as there, and a call that the binding
 * does not allow (two steps at once, a sequence touched while a step runs, an unknown sequence) throws.
 * Tokens are bytes (0–255), then BOS, EOS and one more control token. The next token depends on the whole history, so a
 * wrongly reused prefix or a neighbour's influence changes the text.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { AdapterScale } from '#protocol/generation.ts';
import type { LoadOptions, ModelInfo, ModelSummary } from '#protocol/model.ts';
import type { SamplingParams } from '#protocol/sampling.ts';
import { ZellError } from '#protocol/errors.ts';
import type {
  BlockRange,
  MemoryFigures,
  NativeAdapter,
  NativeAddon,
  NativeDecoder,
  NativeModel,
  StepItem,
  StepOutput,
} from './binding.ts';

export const FAKE_BOS = 256;
export const FAKE_EOS = 257;
export const FAKE_TURN = 258;
const SPECIAL_TEXT = new Map([
  [FAKE_BOS, '<s>'],
  [FAKE_EOS, '</s>'],
  [FAKE_TURN, '<turn>'],
]);

export interface FakeModelOptions {
  readonly contextLength?: number;
  readonly totalBlocks?: number;
  readonly blockTokens?: number;
  readonly blockBytes?: number;
  readonly addBos?: boolean;
  /** The token after a history; the default is a letter that depends on the history, the seed and the temperature. */
  readonly next?: (history: readonly number[]) => number;
  /** What a draft head guesses after a history; absent: there is no head. */
  readonly guess?: (history: readonly number[]) => readonly number[];
  /** Awaited in each step before its results appear. */
  readonly duringStep?: (items: readonly StepItem[]) => Promise<void>;
}

interface Block {
  owners: number;
}
interface Sequence {
  tokens: number[];
  blocks: Block[];
  sampler: SamplingParams | undefined;
  /** Of its tokens. */
  adapters: string;
  held: ReadonlySet<number>;
}

export class FakeModel implements NativeModel {
  readonly info: ModelInfo;
  /** Items of every step so far: sequence and tokens. */
  readonly steps: { readonly sequence: number; readonly tokens: readonly number[] }[][] = [];
  readonly cancelledSequences: number[] = [];
  /** Token history given with each `setSampler`. */
  readonly samplerHistories: number[][] = [];
  /** Constraint given with each. */
  readonly samplerConstraints: (string | undefined)[] = [];
  closed = false;
  readonly #options: FakeModelOptions;
  readonly #blockTokens: number;
  readonly #totalBlocks: number;
  readonly #sequences = new Map<number, Sequence>();
  readonly #adapters = new Set<number>();
  #nextAdapter = 0;
  #lastSequence = 0;
  #cancelled: Set<number> | undefined;

  constructor(options: FakeModelOptions = {}) {
    this.#options = options;
    this.#blockTokens = options.blockTokens ?? 4;
    this.#totalBlocks = options.totalBlocks ?? 1024;
    this.info = fakeInfo('/fake.gguf', options);
  }

  get openSequences(): number {
    return this.#sequences.size;
  }

  tokenize(text: string, parseSpecial: boolean): Int32Array {
    const tokens: number[] = [];
    const pattern = parseSpecial ? /(<s>|<\/s>|<turn>)/ : /(?!)/;
    for (const part of text.split(pattern)) {
      const special = parseSpecial ? [...SPECIAL_TEXT].find(([, name]) => name === part) : undefined;
      if (special !== undefined) tokens.push(special[0]);
      else tokens.push(...new TextEncoder().encode(part));
    }
    return Int32Array.from(tokens);
  }

  piece(token: number, special: boolean): Uint8Array {
    if (token < 256) return Uint8Array.of(token);
    return new TextEncoder().encode(special ? (SPECIAL_TEXT.get(token) ?? '') : '');
  }

  detokenize(tokens: Int32Array): string {
    return new TextDecoder().decode(Uint8Array.from(tokens.filter((t) => t < 256)));
  }

  createDecoder(): NativeDecoder {
    const decoder = new TextDecoder();
    return {
      push: (token) => decoder.decode(this.piece(token, false), { stream: true }),
      flush: () => decoder.decode(),
    };
  }

  /** `spareBytes` of the copies that were asked for. */
  readonly copies: number[] = [];

  layerReads(): undefined {
    return undefined;
  }
  expertReads(): undefined {
    return undefined;
  }

  expertUses(): [] {
    return [];
  }

  moveWeightsToMemory(spareBytes: number): Promise<void> {
    this.copies.push(spareBytes);
    return Promise.resolve();
  }

  createSequence(): number {
    this.#betweenSteps('createSequence');
    this.#sequences.set(++this.#lastSequence, {
      tokens: [],
      blocks: [],
      sampler: undefined,
      adapters: '',
      held: new Set(),
    });
    return this.#lastSequence;
  }

  /** Refuses those that name what nobody has. */
  checkConstraint(constraint: string): void {
    if (constraint.includes('impossible')) throw new ZellError('unsupported', 'The constraint is impossible.');
  }

  setSampler(sequence: number, params: SamplingParams, history: Int32Array, constraint?: string): void {
    this.#betweenSteps('setSampler');
    this.samplerConstraints.push(constraint);
    this.#get(sequence).sampler = params;
    this.samplerHistories.push([...history]);
  }

  freeSequence(sequence: number): void {
    this.#betweenSteps('freeSequence');
    for (const block of this.#get(sequence).blocks) block.owners--;
    this.#sequences.delete(sequence);
  }

  sequenceLength(sequence: number): number {
    this.#betweenSteps('sequenceLength');
    return this.#get(sequence).tokens.length;
  }

  truncateSequence(sequence: number, length: number): void {
    this.#betweenSteps('truncateSequence');
    const held = this.#get(sequence);
    if (length < 0 || length > held.tokens.length) throw new Error('truncateSequence: length out of range');
    held.tokens.length = length;
    for (const block of held.blocks.splice(Math.ceil(length / this.#blockTokens))) block.owners--;
  }

  forkSequence(sequence: number, length: number): number {
    const source = this.#get(sequence);
    if (length > source.tokens.length) throw new Error('forkSequence: length out of range');
    const fork = this.createSequence();
    this.#share(this.#get(fork), source, length);
    return fork;
  }

  adoptPrefix(sequence: number, source: number, length: number): void {
    this.#betweenSteps('adoptPrefix');
    if (this.#get(sequence).tokens.length > 0) throw new Error('adoptPrefix: the sequence holds tokens already');
    if (length > this.#get(source).tokens.length) throw new Error('adoptPrefix: length out of range');
    this.#share(this.#get(sequence), this.#get(source), length);
  }

  #share(held: Sequence, source: Sequence, length: number): void {
    held.tokens = source.tokens.slice(0, length);
    held.adapters = source.adapters;
    held.held = source.held;
    // Shares the last, partly filled block too: it is copied by the first write.
    held.blocks = source.blocks.slice(0, Math.ceil(length / this.#blockTokens));
    for (const block of held.blocks) block.owners++;
  }

  /** The file holds tokens instead of keys and values, so a wrong one changes the text. */
  async saveBlocks(
    sequence: number,
    first: number,
    path: string,
    header: Uint8Array,
    seeds: Uint8Array,
  ): Promise<void> {
    this.#betweenSteps('saveBlocks');
    const size = this.#blockTokens;
    const tokens = this.#get(sequence).tokens.slice(first * size, (first + seeds.length / 8) * size);
    if (tokens.length !== (seeds.length / 8) * size) throw new Error('saveBlocks: the sequence is shorter');
    const blocks = Array.from({ length: seeds.length / 8 }, (_, i) => ({
      seed: Buffer.from(seeds.subarray(i * 8, i * 8 + 8)).toString('hex'),
      tokens: tokens.slice(i * size, (i + 1) * size),
    }));
    // Until they are written the blocks are held, whatever happens to the sequence.
    const snapshot = this.forkSequence(sequence, (first + seeds.length / 8) * size);
    try {
      await writeFile(`${path}.part`, Buffer.concat([header, Buffer.from(JSON.stringify(blocks))]));
      await rename(`${path}.part`, path);
    } finally {
      for (const block of this.#get(snapshot).blocks) block.owners--;
      this.#sequences.delete(snapshot);
    }
  }

  async restoreBlocks(
    ranges: readonly BlockRange[],
    seeds: Uint8Array,
    adapters: readonly AdapterScale[] = [],
  ): Promise<{ sequence: number; tokens: number }> {
    const sequence = this.createSequence();
    const held = this.#get(sequence);
    held.adapters = JSON.stringify(adapters);
    held.held = new Set(adapters.map(({ id }) => id));
    if (this.#used() + seeds.length / 8 > this.#totalBlocks) {
      this.#sequences.delete(sequence);
      throw new ZellError('out_of_memory', 'The KV cache is full.');
    }
    for (let i = 0; i < seeds.length; i += 8) held.blocks.push({ owners: 1 });
    let at = 0;
    read: for (const range of ranges) {
      let blocks: { seed: string; tokens: number[] }[];
      try {
        const bytes = await readFile(range.path);
        blocks = JSON.parse(bytes.subarray(range.headerBytes).toString()) as typeof blocks;
      } catch {
        break;
      }
      for (const block of blocks.slice(range.first, range.first + range.count)) {
        if (block.seed !== Buffer.from(seeds.subarray(at, at + 8)).toString('hex')) break read;
        held.tokens.push(...block.tokens);
        at += 8;
      }
    }
    held.blocks.length = at / 8;
    return { sequence, tokens: held.tokens.length };
  }

  async loadAdapter(path: string): Promise<NativeAdapter> {
    await new Promise((resolve) => setImmediate(resolve));
    if (path.includes('missing')) throw new ZellError('not_found', 'There is no such file.');
    if (path.includes('broken')) throw new ZellError('bad_model_file', 'general.type is absent, expected `adapter`');
    const id = this.#nextAdapter++;
    this.#adapters.add(id);
    return {
      id,
      path,
      name: path,
      sha256: 'f'.repeat(64),
      rank: 8,
      alpha: 16,
      matrices: 1,
      bytes: 1,
      taskName: '',
      promptPrefix: '',
    };
  }

  unloadAdapter(id: number): void {
    if (!this.#adapters.delete(id)) throw new ZellError('not_found', `adapter ${id} is not loaded`);
  }

  kvUsage(): ReturnType<NativeModel['kvUsage']> {
    this.#betweenSteps('kvUsage');
    return { used: this.#used(), total: this.#totalBlocks, blockTokens: this.#blockTokens, blockBytes: this.#options.blockBytes ?? 1 };
  }

  async step(items: readonly StepItem[]): Promise<readonly StepOutput[]> {
    this.#betweenSteps('step');
    if (new Set(items.map((i) => i.sequence)).size !== items.length) throw new Error('step: a sequence appears twice');
    for (const item of items) {
      this.#get(item.sequence);
      if (item.tokens.length === 0) throw new Error('step: an item without tokens');
    }
    this.steps.push(items.map((i) => ({ sequence: i.sequence, tokens: [...i.tokens] })));
    this.#cancelled = new Set();
    try {
      await new Promise((resolve) => setImmediate(resolve));
      await this.#options.duringStep?.(items);
      return items.map((item) => this.#evaluate(item));
    } finally {
      this.#cancelled = undefined;
    }
  }

  cancel(sequence: number): void {
    this.cancelledSequences.push(sequence);
    this.#cancelled?.add(sequence);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  #evaluate(item: StepItem): StepOutput {
    const held = this.#get(item.sequence);
    const fail = (code: string): StepOutput => ({ sequence: item.sequence, error: { code, message: code } });
    if (this.#cancelled?.has(item.sequence) === true) return fail('cancelled');
    const length = held.tokens.length + item.tokens.length;
    if (length > this.info.contextLength) return fail('context_overflow');
    const guessed = this.#options.guess?.([...held.tokens, ...item.tokens]).slice(0, item.propose ?? 0) ?? [];
    if (guessed.length > 0)
      return { ...this.#evaluate({ ...item, tokens: Int32Array.from([...item.tokens, ...guessed]), draft: guessed.length, propose: 0 }), proposed: Int32Array.from(guessed) };
    const draft = item.draft ?? 0;
    if (draft > 0 && (draft >= item.tokens.length || item.want.sample !== true || 'logits' in item.want || 'score' in item.want))
      return fail('invalid_request');
    const uses = item.adapters ?? [];
    if (uses.some(({ id }) => !this.#adapters.has(id) && !held.held.has(id))) return fail('not_found');
    const adapters = JSON.stringify(uses);
    if (held.tokens.length > 0 && adapters !== held.adapters) return fail('invalid_request');
    held.adapters = adapters;
    held.held = new Set(uses.map(({ id }) => id));
    const last = held.blocks.at(-1);
    const copiesLast = last !== undefined && last.owners > 1 && held.tokens.length % this.#blockTokens !== 0;
    const more = Math.ceil(length / this.#blockTokens) - held.blocks.length + (copiesLast ? 1 : 0);
    if (this.#used() + more > this.#totalBlocks) return fail('out_of_memory');
    if (copiesLast) {
      last.owners--;
      held.blocks.pop();
    }
    for (let i = 0; i < more; i++) held.blocks.push({ owners: 1 });
    held.tokens.push(...item.tokens);
    const output: { -readonly [K in keyof StepOutput]: StepOutput[K] } = { sequence: item.sequence };
    if (item.want.pooled !== undefined) {
      // Of each token its id and 1.
      const ids = [...item.tokens];
      const chosen = item.want.pooled === 'mean' ? ids : item.want.pooled === 'cls' ? ids.slice(0, 1) : ids.slice(-1);
      output.pooled = Float32Array.of(chosen.reduce((sum, id) => sum + id, 0) / chosen.length, 1);
    }
    // Minus a hundredth of the id.
    if (item.want.score !== undefined) output.scores = Float32Array.from(item.want.score, (id) => (id < 0 ? 0 : -id / 100));
    if (item.want.sample === true) {
      const guesses = held.tokens.splice(held.tokens.length - draft, draft);
      output.sampled = this.#next(held);
      let accepted = 0;
      for (; output.sampled === guesses[accepted]; accepted++) {
        held.tokens.push(output.sampled);
        output.sampled = this.#next(held);
      }
      if (accepted > 0) output.accepted = accepted;
      for (const block of held.blocks.splice(Math.ceil(held.tokens.length / this.#blockTokens))) block.owners--;
    }
    if (item.want.topLogprobs !== undefined) {
      if (output.sampled !== undefined) output.sampledLogprob = -0.5;
      const count = item.want.topLogprobs;
      output.top = {
        tokens: Int32Array.from({ length: count }, (_, i) => 97 + i),
        logprobs: Float32Array.from({ length: count }, (_, i) => -1 - i),
      };
    }
    return output;
  }

  #next(held: Sequence): number {
    if (held.sampler === undefined) throw new Error('step: sampling without setSampler');
    if (this.#options.next !== undefined) return this.#options.next(held.tokens);
    let hash = held.sampler.temperature === 0 ? 17 : held.sampler.seed;
    if (held.adapters !== '[]') for (const char of held.adapters) hash = (Math.imul(hash, 37) + char.charCodeAt(0)) >>> 0;
    for (const token of held.tokens) hash = (Math.imul(hash, 31) + token) >>> 0;
    return 97 + (hash % 26);
  }

  #used(): number {
    const blocks = new Set<Block>();
    for (const held of this.#sequences.values()) for (const block of held.blocks) blocks.add(block);
    return blocks.size;
  }

  #get(sequence: number): Sequence {
    const held = this.#sequences.get(sequence);
    if (held === undefined) throw new Error(`sequence ${sequence} does not exist`);
    return held;
  }

  #betweenSteps(method: string): void {
    if (this.#cancelled !== undefined) throw new Error(`${method} while a step runs`);
    if (this.closed) throw new Error(`${method} after close`);
  }
}

export const FAKE_MEMORY: MemoryFigures = {
  totalBytes: 1e9,
  availableBytes: 1e9,
  lastLevelCacheBytes: 0,
  largePages: true,
};

/** An addon whose models are fakes; `path` decides: `missing` and `broken` in it fail as such files do, `half` only when loaded. */
export function fakeAddon(options: FakeModelOptions = {}, made: FakeModel[] = []): NativeAddon {
  const check = (path: string): void => {
    if (path.includes('missing')) throw new ZellError('model_not_found', 'There is no such file.');
    if (path.includes('broken')) throw new ZellError('bad_model_file', 'The file is no GGUF.');
  };
  const jobs = new Map<number, () => void>();
  return {
    cpu: () => ({ isa: 'fake', supported: ['fake'], physicalCores: 1 }),
    memory: () => FAKE_MEMORY,
    measureLimits: (threads) =>
      Promise.resolve({ threads, isa: 'fake', readBytesPerSecond: 1e9, int8OpsPerSecond: 1e12 }),
    measureMachine: (_job, path, _options, _seconds, onProgress) => {
      check(path);
      onProgress(1, 1);
      return Promise.resolve({
        kernels: { type: 'Q4_1', isa: 'fake', threads: 1, bytes: 1e8, decodeBytesPerSecond: 1e10, prefillOpsPerSecond: 1e12 },
        disk: {
          takesDirect: true,
          pieceBytes: 4096,
          sequentialBytesPerSecond: 1e9,
          random: [{ pastCache: true, readers: 1, bytesPerSecond: 1e9 }],
        },
      });
    },
    inspect: async (path) => {
      await Promise.resolve();
      check(path);
      return fakeInfo(path, options);
    },
    loadModel: async (path: string, load: LoadOptions, onProgress) => {
      await new Promise((resolve) => setImmediate(resolve));
      check(path);
      if (path.includes('half')) throw new ZellError('bad_model_file', 'tensor x is missing');
      onProgress(1, 2);
      onProgress(2, 2);
      const contextLength = load.contextLength ?? options.contextLength;
      const model = new FakeModel(contextLength === undefined ? options : { ...options, contextLength });
      made.push(model);
      return model;
    },
    quantize: async (job, input, _output, _options, onProgress) => {
      check(input);
      onProgress(1, 2);
      // An input with `long` in its name takes until it is cancelled.
      if (input.includes('long')) await new Promise<void>((resolve) => jobs.set(job, resolve));
      if (jobs.delete(job)) throw new ZellError('cancelled', 'the conversion was cancelled');
      return {
        weights: 2,
        bytesBefore: 8,
        bytesAfter: 1,
        types: [{ name: 'Q4_K', tensors: 1, bytes: 1 }],
        fellBack: 0,
        withoutImportance: 0,
        fromQuantised: false,
      };
    },
    measureImportance: async (job, model, _texts, _output, _options, onProgress) => {
      check(model);
      onProgress(1, 2);
      if (model.includes('long')) await new Promise<void>((resolve) => jobs.set(job, resolve));
      if (jobs.delete(job)) throw new ZellError('cancelled', 'the measurement was cancelled');
      return { tokens: 2, chunks: 1, tensors: 1, unreached: 0 };
    },
    buildDraftHead: async (job, model, prompts, _output, _load, { steps = 0 }, onProgress) => {
      check(model);
      onProgress(500, 1000);
      if (model.includes('long')) await new Promise<void>((resolve) => jobs.set(job, resolve));
      if (jobs.delete(job)) throw new ZellError('cancelled', 'cancelled');
      const tokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
      const times = { textSeconds: 1, trainingSeconds: 1 };
      const head = { exitLayer: 1, blocks: 2, parameters: 10, loss: 1, agreement: 0.5, tokensPerCheck: 1.9 };
      return { ...head, ...times, tokens, steps, kept: true };
    },
    cancelJob: (job) => jobs.get(job)?.(),
  };
}

function fakeInfo(path: string, options: FakeModelOptions): ModelInfo & ModelSummary {
  return {
    path,
    name: 'fake',
    modelHash: '0123456789abcdef',
    architecture: 'fake',
    parameters: 1,
    quantization: 'F32',
    contextLength: options.contextLength ?? 4096,
    embeddingLength: 1,
    layers: 1,
    vocabularySize: 259,
    tokenizer: { model: 'bytes', pre: 'none' },
    special: { bos: FAKE_BOS, eos: FAKE_EOS, endOfGeneration: [FAKE_EOS] },
    bosText: '<s>',
    eosText: '</s>',
    addBos: options.addBos ?? true,
    bytes: 1,
    fit: { neededBytes: 1, availableBytes: 2, fits: true, kvTokens: 1e6 },
    tokenWork: { bytes: 1, weights: 1 },
    metadata: {},
    loadMs: 0,
    threads: 1,
    isa: 'fake',
    ...(options.guess === undefined ? {} : { draftHead: { exitLayer: 1 } }),
  };
}
