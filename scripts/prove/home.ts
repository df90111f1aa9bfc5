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

/** What the nights so far left: nothing is made anew. */
export function remembered(home: string, model: string): Promise<Remembered> {
  return withMemory(home, async (memory) => {
    const log = memory.forModel(model);
    const events = [...(await log.fetchUnconsolidated(MOST_EVENTS)), ...(await log.sampleConsolidated(MOST_EVENTS))];
    return { cards: memory.cards(), events };
  });
}

/** Files of a folder that contain any of the texts; models and what the engine computed apart. */
export function filesWith(
  folder: string,
  texts: readonly string[],
): { readonly file: string; readonly text: string }[] {
  const found: { file: string; text: string }[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || /[/\\](models|system-prompts|kv)[/\\]/.test(file)) continue;
    const bytes = readFileSync(file);
    for (const text of texts) if (bytes.includes(text)) found.push({ file, text });
  }
  return found;
}
