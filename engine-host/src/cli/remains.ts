/** What an engine leaves that is ended while it writes a file. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ProgressLine } from './terminal.ts';

/** Runs `work`, which writes `target`, and ends `line`; unfinished files beside the target are gone afterwards. */
export async function withoutRemains(target: string, line: ProgressLine, work: () => Promise<void>): Promise<void> {
  const before = new Set(unfinished(target));
  try {
    await work();
  } finally {
    line.end();
    for (const rest of unfinished(target)) if (!before.has(rest)) rmSync(rest, { force: true });
  }
}

/** Files beside the target, named after it. */
function unfinished(target: string): readonly string[] {
  const folder = path.dirname(target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${path.basename(target)}.`) && /\.\d+-\d+\.part$/.test(name))
    .map((name) => path.join(folder, name));
}
