// What the oversized suite runs: files, and how much memory each gets. Seeds are the bench's own; no test uses them.
import { MODELS, requantised, synthesised, type BenchModel } from '../models.ts';

/** Bytes a second that both sides may read. */
export const DISK_RATE = 500e6;
export const PROMPT = 256;

interface Amount {
  readonly warm: number;
  readonly steps: number;
  /** Of each answer to a prompt of code to be edited; such prompts are measured where this is given. */
  readonly edits?: number;
}

export interface Scenario {
  /** As measurements and rows name it. */
  readonly id: string;
  readonly kind: 'mixture' | 'dense';
  readonly model: BenchModel;
  /** Of the file, or so many bytes. */
  readonly memory: { readonly share: number } | { readonly bytes: number };
  /** Tokens that are decoded before what counts, and those that count; of a peer fewer where it is slow. */
  readonly ours: Amount;
  readonly peers: Amount;
  /** Most rounds. */
  readonly rounds?: number;
  readonly quick?: true;
  /** What `zell build` says is asked for, which takes a minute. */
  readonly predict?: true;
  /** Only with `--big`. */
  readonly big?: true;
}

const MIXTRAL_HEADS = '--heads 32 --kv-heads 8 --experts 8 --experts-used 2 --context 4096 --untied';

/** Each expert is the default model's, with noise; routers are random, hidden states are those of real text. */
const upcycled: BenchModel = {
  name: '135M-8-experts',
  make: ({ model }) => [
    '--upcycle',
    model,
    '--experts',
    '8',
    '--experts-used',
    '2',
    '--noise',
    '0.1',
    '--seed',
    '9201',
  ],
};
// So many rows are random that experts differ and tokens do: else the same few would be used all the time.
const mixtral3: BenchModel = {
  name: 'mixtral-3.2GB-Q4_K_M',
  make: synthesised(
    9211,
    1000,
    `--model mixtral --layers 16 --width 2048 --ffn 5632 --expert-ffn 5632 ${MIXTRAL_HEADS}`,
    'Q4_K',
    'Q6_K',
  ),
};
const mixtral26: BenchModel = {
  name: 'mixtral-8x7B-Q4_K_M',
  make: synthesised(
    9212,
    1000,
    `--model mixtral --layers 32 --width 4096 --ffn 14336 --expert-ffn 14336 ${MIXTRAL_HEADS}`,
    'Q4_K',
    'Q6_K',
  ),
};
const f32: BenchModel = { name: '135M-F32', make: requantised('F32') };
const dense7 = MODELS.find(({ name }) => name === '7B-Q4_K_M');

const SMALL = { ours: { warm: 48, steps: 96 }, peers: { warm: 2, steps: 16 } } as const;

export const SCENARIOS: readonly Scenario[] = [
  { id: 'moe-45', kind: 'mixture', model: upcycled, memory: { share: 0.45 }, ...SMALL, quick: true, predict: true },
  { id: 'moe-33', kind: 'mixture', model: upcycled, memory: { share: 1 / 3 }, ...SMALL, rounds: 1, quick: true },
  { id: 'moe-65', kind: 'mixture', model: upcycled, memory: { share: 0.65 }, ...SMALL },
  {
    id: 'mixtral-3GB',
    kind: 'mixture',
    model: mixtral3,
    memory: { bytes: 1.6e9 },
    ours: { warm: 24, steps: 48 },
    peers: { warm: 1, steps: 6 },
    rounds: 2,
    predict: true,
  },
  {
    id: 'mixtral-26GB',
    kind: 'mixture',
    model: mixtral26,
    memory: { bytes: 12e9 },
    ours: { warm: 8, steps: 24 },
    peers: { warm: 1, steps: 2 },
    rounds: 1,
    big: true,
  },
  {
    id: 'dense-50',
    kind: 'dense',
    model: f32,
    memory: { share: 0.5 },
    ours: { warm: 4, steps: 16, edits: 64 },
    peers: { warm: 2, steps: 8, edits: 4 },
    quick: true,
    predict: true,
  },
  {
    id: 'dense-33',
    kind: 'dense',
    model: f32,
    memory: { share: 1 / 3 },
    ours: { warm: 2, steps: 8 },
    peers: { warm: 1, steps: 4 },
    rounds: 1,
    quick: true,
  },
  ...(dense7 === undefined
    ? []
    : [
        {
          id: 'dense-7B',
          kind: 'dense' as const,
          model: dense7,
          memory: { bytes: 2e9 },
          ours: { warm: 1, steps: 6 },
          peers: { warm: 1, steps: 3 },
          rounds: 1,
        },
      ]),
];

export function memoryOf(scenario: Scenario, fileBytes: number): number {
  return 'bytes' in scenario.memory ? scenario.memory.bytes : scenario.memory.share * fileBytes;
}
