/** Opens the native addon: the only place that does. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ZellError } from '#protocol/errors.ts';
import type { NativeAddon } from './binding.ts';
import type { TrainerAddon } from './trainerBinding.ts';

/** Where the addon lies: `ZELL_ADDON`, else `zell_engine.node` in the folder of the running bundle. */
export function addonPath(env: NodeJS.ProcessEnv, bundleUrl: string): string {
  return env['ZELL_ADDON'] ?? fileURLToPath(new URL('./zell_engine.node', bundleUrl));
}

/** @throws {ZellError} not_found when there is no such file; incompatible when this system cannot load it. */
export function loadAddon(path: string): NativeAddon & TrainerAddon {
  if (!existsSync(path)) throw new ZellError('not_found', `The engine's native part is missing: ${path}`);
  try {
    return createRequire(import.meta.url)(path) as NativeAddon & TrainerAddon;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ZellError('incompatible', `The engine's native part does not load here: ${reason}`, { cause: error });
  }
}
