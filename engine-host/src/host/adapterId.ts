/** The adapter of a model that was made with one: read once, silent for requests that do not name it, let go before its file is. */
import type { HostEngine } from './hostEngine.ts';

/** @throws {ZellError} what loading it fails with */
export async function adapterId(engine: Pick<HostEngine, 'call'>, path: string, signal: AbortSignal): Promise<number> {
  const { adapters } = await engine.call('adapters', {}, signal);
  const present = adapters.find((adapter) => adapter.path === path);
  return present?.id ?? (await engine.call('loadAdapter', { path, scale: 0 }, signal)).adapter.id;
}

/** Otherwise a restarted engine would look for its file in vain. @throws {ZellError} what the engine fails with */
export async function dropAdapter(engine: Pick<HostEngine, 'call'>, path: string, signal: AbortSignal): Promise<void> {
  const { adapters } = await engine.call('adapters', {}, signal);
  const present = adapters.find((adapter) => adapter.path === path);
  if (present !== undefined) await engine.call('unloadAdapter', { id: present.id }, signal);
}
