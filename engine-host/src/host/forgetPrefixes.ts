/**
 * What the user erased must not live on in the KV cache: all of it goes, in memory and on the disk. Not only the prefixes whose text
 * holds what was said: others hold it in other words (an answer, a memory that was looked up, what an adapter computed), and none can
 * be shown to be free of it. What goes costs time alone: the next prompt is computed anew.
 */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { HostEngine } from './hostEngine.ts';

/** Also when the engine cannot be asked: then it holds nothing in memory, and its files go all the same. */
export async function forgetPrefixes(
  engine: Pick<HostEngine, 'call'>,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  await engine.call('forgetPrefixes', {}, signal).catch(() => undefined);
  await removePrefixFiles(folder);
}

/** For the time before the engine is started, which would be waited for. */
export async function removePrefixFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) if (/\.(?:kv|part)$/.test(name)) await rm(path.join(folder, name), { force: true });
}
