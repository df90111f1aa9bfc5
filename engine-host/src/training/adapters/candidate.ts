/** An adapter that is measured before it may answer, and the one that answers meanwhile, as the engine knows them. */
import type { AdapterInfo } from '#protocol/generation.ts';
import type { AdapterStore } from './adapterStore.ts';
import type { AdapterEngine } from './autoAdapter.ts';

const NEVER = new AbortController().signal;

/** Loaded without a say in anybody's answer, for the time of `work`. `id`: the engine's. @throws {ZellError} the engine refuses it */
export async function withCandidate<T>(
  engine: AdapterEngine,
  file: string,
  work: (id: number) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { adapter } = await engine.call('loadAdapter', { path: file, scale: 0 }, signal);
  try {
    return await work(adapter.id);
  } finally {
    await engine.call('unloadAdapter', { id: adapter.id }, NEVER);
  }
}

/** The engine's id of the adapter in force; undefined: none is loaded. */
export async function incumbentOf(
  engine: AdapterEngine,
  store: AdapterStore,
  model: string,
): Promise<number | undefined> {
  const { active } = await store.manifest(model);
  if (active === null) return undefined;
  const file = store.versionFile(model, active);
  const { adapters } = await engine.call('adapters', {}, NEVER);
  return adapters.find((adapter: AdapterInfo) => adapter.path === file)?.id;
}
