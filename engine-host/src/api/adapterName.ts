/** `model:adapter` as the name of a model: the loaded model, answering with that adapter alone. */
import path from 'node:path';
import type { AdapterInfo, AdapterScale } from '#protocol/generation.ts';
import type { ApiDeps } from './deps.ts';

export interface NamedAdapter {
  /** What stands before the colon; may be empty or an alias, as any model name may. */
  readonly base: string;
  readonly adapters: readonly AdapterScale[];
}

/**
 * Undefined where the part behind the last colon is no loaded adapter, and the whole is a model's name (`smollm2:135m`).
 * An adapter that was loaded to be silent (scale 0) counts fully when it is named.
 */
export async function namedAdapter(
  { engine, models }: Pick<ApiDeps, 'engine' | 'models'>,
  name: string | null | undefined,
  signal: AbortSignal,
): Promise<NamedAdapter | undefined> {
  const colon = name?.lastIndexOf(':') ?? -1;
  if (name === null || name === undefined || colon < 0 || models.current() === undefined) return undefined;
  const wanted = name.slice(colon + 1).toLowerCase();
  const { adapters } = await engine.call('adapters', {}, signal);
  const found = adapters.find((adapter) => namesOf(adapter).includes(wanted));
  if (found === undefined) return undefined;
  return { base: name.slice(0, colon), adapters: [{ id: found.id, scale: found.scale === 0 ? 1 : found.scale }] };
}

/** What its file says, and what its file is called. */
function namesOf(adapter: AdapterInfo): string[] {
  return [adapter.name, path.parse(adapter.path).name].map((name) => name.toLowerCase());
}
