/** What the user chose for the memory, kept beside it so that every client of the home sees the same. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { MEMORY_MODES, type MemoryMode } from '#protocol/memory.ts';
import { writeDurably } from '../store/durable.ts';

/** Most tokens that recalled memories take of a prompt, unless it is set. */
const RECALL_TOKENS = 256;
export const MOST_RECALL_TOKENS = 4096;

export interface MemoryChoice {
  readonly mode: MemoryMode;
  /** Whether memories are looked up for our own chats. */
  readonly recall: boolean;
  /** Most tokens that they may take of a prompt. */
  readonly recallTokens: number;
  /** No learning by itself before `until`; without it, until it is resumed. */
  readonly paused: { readonly until?: number } | undefined;
}

const NOTHING: MemoryChoice = { mode: 'off', recall: false, recallTokens: RECALL_TOKENS, paused: undefined };

export class MemorySettings {
  readonly #file: string;
  #choice: MemoryChoice;

  private constructor(file: string, choice: MemoryChoice) {
    this.#file = file;
    this.#choice = choice;
  }

  /** Learning unless it was switched off; a damaged file counts as off, because off is the answer that harms nobody. */
  static async open(folder: string): Promise<MemorySettings> {
    const file = path.join(folder, 'settings.json');
    let choice: MemoryChoice;
    try {
      choice = readChoice(JSON.parse(await readFile(file, 'utf8')));
    } catch (error) {
      const isNew = (error as NodeJS.ErrnoException).code === 'ENOENT';
      choice = isNew ? { ...NOTHING, mode: 'learn', recall: true } : NOTHING;
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new MemorySettings(file, choice);
  }

  get enabled(): boolean {
    return this.#choice.mode !== 'off';
  }

  get mode(): MemoryMode {
    return this.#choice.mode;
  }

  get recall(): boolean {
    return this.#choice.recall;
  }

  get recallTokens(): number {
    return this.#choice.recallTokens;
  }

  /** Undefined when nothing is paused at this time. */
  paused(now: number): MemoryChoice['paused'] {
    const { paused } = this.#choice;
    return (paused?.until ?? Number.POSITIVE_INFINITY) > now ? paused : undefined;
  }

  /** @throws {ZellError} disk_full, io: then everything is as before */
  async choose(change: Partial<MemoryChoice>): Promise<void> {
    const choice = { ...this.#choice, ...change };
    const { mode, paused, ...rest } = choice;
    const stored = { v: 1, enabled: mode !== 'off', mode, ...rest, ...(paused === undefined ? {} : { paused }) };
    await writeDurably(this.#file, `${JSON.stringify(stored)}\n`);
    this.#choice = choice;
  }
}

/** Files of earlier versions know `enabled` and `recall` only. */
function readChoice(value: unknown): MemoryChoice {
  if (typeof value !== 'object' || value === null) return NOTHING;
  const { enabled, mode, recall, recallTokens, paused } = value as Readonly<Record<string, unknown>>;
  if (enabled !== true) return { ...NOTHING, recall: recall !== false };
  const known = MEMORY_MODES.find((one) => one === mode);
  const until = (paused as { until?: unknown } | null | undefined)?.until;
  return {
    mode: mode === undefined ? 'learn' : (known ?? 'off'),
    recall: recall !== false,
    recallTokens: isBudget(recallTokens) ? recallTokens : RECALL_TOKENS,
    paused: typeof paused !== 'object' || paused === null ? undefined : typeof until === 'number' ? { until } : {},
  };
}

function isBudget(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST_RECALL_TOKENS;
}
