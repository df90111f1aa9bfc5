/** The models to choose from: what is on this disk first, then what the catalogue could fetch. */
import type { ModelChoice } from '#protocol/editor.ts';
import { availableMemory } from '../monitor/availableMemory.ts';
import { CATALOGUE } from './catalogue.ts';
import type { ModelRegistry } from './registry.ts';

/** `loadedPath`: the file that the engine has loaded, if any. */
export async function modelChoices(registry: ModelRegistry, loadedPath?: string): Promise<ModelChoice[]> {
  const memory = await availableMemory();
  const installed = await registry.installed();
  const choices = installed.map((model): ModelChoice => {
    const loaded = model.path === loadedPath;
    return {
      name: model.name,
      title: model.entry?.title ?? model.name,
      path: model.path,
      bytes: model.bytes,
      ...(model.entry === undefined ? {} : { license: model.entry.license }),
      note: model.entry?.note ?? '',
      installed: true,
      fits: loaded || fits(model.bytes, memory),
      loaded,
    };
  });
  for (const entry of CATALOGUE) {
    if (installed.some((model) => model.entry === entry)) continue;
    const { name, title, bytes, license, note } = entry;
    choices.push({ name, title, bytes, license, note, installed: false, fits: fits(bytes, memory), loaded: false });
  }
  return choices;
}

/** Weights, and a tenth more for context and buffers. */
function fits(bytes: number, memory: number): boolean {
  return bytes * 1.1 + 256 * 1024 * 1024 < memory;
}
