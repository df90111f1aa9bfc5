/** What the very first run tells, once: what is written down, where, and how to switch it off. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { prepareHome, zellPaths, type ZellPaths } from '../host/paths.ts';
import { note } from './terminal.ts';

export async function tellOnFirstRun(
  paths: ZellPaths = zellPaths(),
  say: (line: string) => void = note,
): Promise<void> {
  await prepareHome(paths);
  try {
    // `wx` fails when it is there: told already, by whichever command came first.
    await writeFile(path.join(paths.home, 'first-run.json'), `${JSON.stringify({ v: 1, toldAt: Date.now() })}\n`, {
      flag: 'wx',
      mode: 0o600,
    });
  } catch {
    return;
  }
  say(
    `Zell writes your prompts and its answers, secrets removed, to ${paths.conversations} to learn from them; nothing leaves this machine.`,
  );
  say('Switch that off with "zell memory off", look with "zell memory list", erase with "zell memory clear".');
}
