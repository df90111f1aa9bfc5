// What lies in a Zell home after a night: read while no host runs, through the memory's own door.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { MemoryEvent } from '#protocol/memory.ts';
import type { HeldCard } from '../../engine-host/src/memory/cards/cardProjection.ts';
import { loadOsLock } from '../../engine-host/src/host/osLock.ts';
import { Memory } from '../../engine-host/src/memory/memory.ts';
import { ROOT } from '../lib/setup.mjs';

const MOST_EVENTS = 100_000;

/** Opens the memory, works with it, closes it. The host has ended. */
export async function withMemory<T>(home: string, work: (memory: Memory) => Promise<T>): Promise<T> {
  const memory = await Memory.open({
    conversations: path.join(home, 'conversations'),
    memory: path.join(home, 'memory'),
    lock: loadOsLock({ ZELL_OS_ADDON: path.join(ROOT, 'dist/zell_os.node') }),
    redaction: { workerEntry: path.join(ROOT, 'dist/redactionWorker.mjs') },
    onProblem: (error) => {
      throw error;
    },
  });
  try {
    return await work(memory);
  } finally {
    await memory.close();
  }
}

export interface Remembered {
  /** Those that hold. */
  readonly cards: readonly HeldCard[];
  readonly events: readonly MemoryEvent[];
}

/** Cards from what was told so far, and the log. */
export function dreamt(home: string, model: string): Promise<Remembered> {
  return withMemory(home, async (memory) => {
    await memory.dream(new AbortController().signal);
    const log = memory.forModel(model);
    const events = [...(await log.fetchUnconsolidated(MOST_EVENTS)), ...(await log.sampleConsolidated(MOST_EVENTS))];
    return { cards: memory.cards(), events };
  });
}

/** Those of the texts that stand in any file of the home, models and keys and values apart. */
export function foundInFiles(home: string, texts: readonly string[]): string[] {
  const found = new Set<string>();
  for (const entry of readdirSync(home, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || /[/\\](models|system-prompts|kv)[/\\]/.test(file)) continue;
    const bytes = readFileSync(file);
    for (const text of texts) if (bytes.includes(text)) found.add(text);
  }
  return [...found];
}
