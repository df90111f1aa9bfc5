/** The folder of the bundles: where the other programs, the addons and the workers lie. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Bundles share code in `chunks/`, one folder below. */
export function distFolder(moduleUrl: string = import.meta.url): string {
  const here = path.dirname(fileURLToPath(moduleUrl));
  return path.basename(here) === 'chunks' ? path.dirname(here) : here;
}
