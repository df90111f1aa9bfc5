/** `zell clear-cache [MODEL] [--old | --all]`: frees disk space; needs no running engine, and one that runs goes on. */
import { ZellError } from '#protocol/errors.ts';
import { cacheFiles, isExpired, isRemovable, removeCaches, type CacheKind } from '../../host/caches.ts';
import { zellPaths } from '../../host/paths.ts';
import { ModelRegistry } from '../../models/registry.ts';
import type { ClearCacheOptions } from '../program.ts';
import { formatBytes, print, printJson } from '../terminal.ts';

const NAMES: Readonly<Record<CacheKind, string>> = {
  prompts: 'prompts computed ahead',
  anchors: "models' own texts for training",
  profiles: 'profiles of models',
  downloads: 'unfinished downloads',
};

export async function clearCache(model: string | undefined, options: ClearCacheOptions): Promise<void> {
  if ([model !== undefined, options.old === true, options.all === true].filter(Boolean).length > 1)
    throw new ZellError('invalid_request', 'A model, --old or --all: one of them at a time.');
  const paths = zellPaths();
  const now = Date.now();
  const files = (await cacheFiles(paths)).filter((file) => isRemovable(file, now));
  const hash = model === undefined ? undefined : await hashOf(model);
  const chosen = files.filter((file) => {
    if (hash !== undefined) return file.model?.startsWith(hash) === true;
    return options.all === true || isExpired(file, now);
  });
  const cleared = await removeCaches(chosen);
  const kept = files.length - chosen.length;
  if (options.json === true) {
    printJson({ cleared, kept });
    return;
  }
  for (const { kind, files: count, bytes } of cleared)
    print(`${NAMES[kind]}: ${count} files, ${formatBytes(bytes)} freed`);
  if (cleared.length === 0) print('Nothing to clear.');
  if (kept > 0 && model === undefined && options.all !== true)
    print(`${kept} files are still of use; "zell clear-cache --all" deletes them, too.`);
}

/** A model that lies here, or the beginning of the hash of one that is gone. */
async function hashOf(model: string): Promise<string> {
  const found = await new ModelRegistry(zellPaths()).find(model);
  const hash = found === undefined && /^[0-9a-f]{6,16}$/.test(model) ? model : found?.modelHash;
  if (hash !== undefined) return hash;
  if (found === undefined)
    throw new ZellError('model_not_found', `"${model}" is no model on this disk and no beginning of a hash.`);
  throw new ZellError('model_not_found', `${found.name} was never loaded, so nothing is kept for it.`);
}
