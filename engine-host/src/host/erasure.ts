/** What was forgotten goes from everything that was made of it: a night under way, adapters, keys and values. Noted when it is done. */
import type { Forgotten } from '../memory/forget.ts';
import type { AdapterStore } from '../training/adapters/adapterStore.ts';
import type { AutoAdapter } from '../training/adapters/autoAdapter.ts';
import type { Learning } from './learning.ts';
import type { MemoryPort } from './memoryPort.ts';

export interface ErasureParts {
  readonly memory: Pick<MemoryPort, 'erasedIds' | 'note' | 'unfinishedErasures'>;
  readonly store: AdapterStore;
  readonly auto: Pick<AutoAdapter, 'changed'>;
  /** Absent: nothing is learnt here. */
  readonly learning: () => Pick<Learning, 'forgot' | 'rebuild'> | undefined;
  readonly forgetPrefixes: () => Promise<void>;
}

/** Everything may be done twice: after a crash it is. */
export async function eraseEverywhere(forgotten: Forgotten, parts: ErasureParts): Promise<void> {
  const { memory, store, auto, learning } = parts;
  await learning()?.forgot(forgotten);
  for (const model of await store.withdraw(forgotten)) await auto.changed(model);
  await parts.forgetPrefixes();
  const rebuild = await store.withdrawnFrom(forgotten);
  // On a full disk the next start does it once more.
  await memory.note?.('', 'erasure.done', { of: forgotten.of, rebuild }).catch(() => undefined);
  learning()?.rebuild(rebuild, forgotten.texts);
}

/** At the start: what a crash left behind goes before anything answers. */
export async function finishErasures(parts: ErasureParts): Promise<void> {
  const { memory, store } = parts;
  // Also what an older version erased: no adapter with it may answer.
  await store.withdraw({ ids: memory.erasedIds?.() ?? [], cards: [] });
  const unfinished = memory.unfinishedErasures?.();
  if (unfinished !== undefined) await eraseEverywhere(unfinished, parts);
}
