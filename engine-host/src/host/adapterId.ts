/** The adapter of a model that was made with one: read once, silent for requests that do not name it. */
import type { HostEngine } from './hostEngine.ts';

/** @throws {ZellError} what loading it fails with */
export async function adapterId(engine: Pick<HostEngine, 'call'>, path: string, signal: AbortSignal): Promise<number> {
  const { adapters } = await engine.call('adapters', {}, signal);
  const present = adapters.find((adapter) => adapter.path === path);
  return present?.id ?? (await engine.call('loadAdapter', { path, scale: 0 }, signal)).adapter.id;
}
