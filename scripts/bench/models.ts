// The files that the engine suite measures, made once into the cache folder by `zell_synthesize`. Seeds are the bench's own.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { configure, parallel, ROOT } from '../lib/setup.mjs';
import { CACHE, peerSource } from './peer.ts';

const run = promisify(execFile);
/** Raised when the generator gives other bytes for the same arguments. */
const VERSION = 2;

export interface BenchModel {
  /** Short, as rows name it. */
  readonly name: string;
  /** Decode only: a prompt would take too long, or would say nothing new. */
  readonly decodeOnly?: boolean;
  /** Steps of decoding that one measurement takes; 128 where absent. */
  readonly steps?: number;
  readonly quick?: boolean;
  /** Rows with AVX2 forced on both sides are made for it. */
  readonly avx2?: boolean;
  /** Arguments of `zell_synthesize` after the file; undefined is the default model itself. */
  readonly make?: (from: { model: string; vocabulary: string }) => string[];
}

export const requantised =
  (type: string) =>
  ({ model }: { model: string }): string[] => ['--convert', model, '--type', type];

/** `type` alone, or a mix with a better one. Rows repeat after `rows`: speed does not depend on what the weights are. */
export const synthesised =
  (seed: number, rows: number, shape: string, type: string, better?: string) =>
  ({ vocabulary }: { vocabulary: string }): string[] => [
    ...['--vocab-from', vocabulary, '--seed', String(seed), '--distinct-rows', String(rows), '--type', type],
    ...(better === undefined ? [] : ['--better-type', better]),
    ...shape.split(' '),
  ];

const QWEN_1_5B = '--model qwen2 --layers 28 --width 1536 --heads 12 --kv-heads 2 --ffn 8960 --context 8192 --tied';
const LLAMA_7B = '--model llama --layers 32 --width 4096 --heads 32 --kv-heads 32 --ffn 11008 --context 4096 --untied';
const QWEN_30B_A3B =
  '--model qwen3moe --layers 4 --width 2048 --heads 32 --kv-heads 4 --head-dim 128 --ffn 6144 --context 8192 --untied ' +
  '--experts 128 --experts-used 8 --expert-ffn 768';

export const DEFAULT = 'default';

export const MODELS: readonly BenchModel[] = [
  { name: DEFAULT, quick: true, avx2: true },
  { name: '135M-Q8_0', avx2: true, make: requantised('Q8_0') },
  { name: '135M-Q4_0', avx2: true, make: requantised('Q4_0') },
  { name: '135M-Q5_K', make: requantised('Q5_K') },
  { name: '135M-Q6_K', quick: true, make: requantised('Q6_K') },
  { name: '135M-IQ4_XS', make: requantised('IQ4_XS') },
  { name: '1.5B-Q4_K_M', quick: true, avx2: true, steps: 32, make: synthesised(9101, 64, QWEN_1_5B, 'Q4_K', 'Q6_K') },
  { name: '1.5B-Q6_K', steps: 32, make: synthesised(9102, 64, QWEN_1_5B, 'Q6_K') },
  { name: '1.5B-IQ4_XS', steps: 32, make: synthesised(9103, 64, QWEN_1_5B, 'IQ4_XS', 'Q6_K') },
  { name: '30B-A3B-4layers-Q4_K_M', steps: 48, make: synthesised(9105, 16, QWEN_30B_A3B, 'Q4_K', 'Q6_K') },
  { name: '7B-Q4_K_M', decodeOnly: true, steps: 16, make: synthesised(9104, 32, LLAMA_7B, 'Q4_K', 'Q6_K') },
];

/** The file's path, or why there is none. */
export type Made = { readonly path: string; readonly bytes: number } | { readonly missing: string };

/** Makes what is not there yet. `defaultModel`: a path. */
export class ModelFiles {
  readonly #default: string;
  readonly #say: (line: string) => void;
  #tool: Promise<string> | undefined;

  constructor(defaultModel: string, say: (line: string) => void) {
    this.#default = defaultModel;
    this.#say = say;
  }

  async get(model: BenchModel): Promise<Made> {
    if (model.make === undefined) return { path: this.#default, bytes: statSync(this.#default).size };
    const folder = path.join(CACHE, 'bench');
    const file = path.join(folder, `${model.name}.v${VERSION}.gguf`);
    if (!existsSync(file)) {
      this.#say(`Making ${model.name} …`);
      mkdirSync(folder, { recursive: true });
      const partial = `${file}.part`;
      try {
        this.#tool ??= buildTool('zell_synthesize');
        const vocabulary = path.join(await peerSource(), 'models/ggml-vocab-qwen2.gguf');
        await run(await this.#tool, [partial, ...model.make({ model: this.#default, vocabulary })], {
          maxBuffer: 16 * 1024 * 1024,
        });
        renameSync(partial, file);
      } catch (error) {
        rmSync(partial, { force: true });
        const said = (error as { stderr?: string }).stderr ?? String(error);
        return { missing: said.trim().split('\n')[0] ?? 'it could not be made' };
      }
    }
    return { path: file, bytes: statSync(file).size };
  }
}

/** A native program for tests, in the release build. @returns its path */
export async function buildTool(name: string, folder: 'test' | 'bench' = 'test'): Promise<string> {
  const build = path.join(ROOT, 'native/build/release');
  await configure(build, ['-DZELL_TESTS=ON']);
  await run('cmake', ['--build', build, '--parallel', parallel(), '--target', name], { maxBuffer: 64 * 1024 * 1024 });
  return path.join(build, folder, name);
}
