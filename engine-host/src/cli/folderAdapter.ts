/** A `.lora` file in the folder of a command: it answers when the model has learnt no adapter of its own, and is said aloud. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Session } from './session.ts';
import { note } from './terminal.ts';

export interface CommandPlace {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tells people. */
  readonly say: (words: string) => void;
}

const HERE = (): CommandPlace => ({ folder: process.cwd(), env: process.env, say: note });

/**
 * The model is loaded already. A folder that an editor shows is somebody else's word as often as not: in its terminal nothing is taken
 * without being named. @returns an absolute path; undefined: none is used, and why is said where there is one
 */
export async function folderAdapter(
  session: Pick<Session, 'request'>,
  signal: AbortSignal,
  place: CommandPlace = HERE(),
): Promise<string | undefined> {
  const { folder, env, say } = place;
  const names = await readdir(folder).catch((): string[] => []);
  const [found, ...more] = names.filter((name) => name.endsWith('.lora')).toSorted();
  if (found === undefined) return undefined;
  const { active, loaded } = await session.request('zell/adapters/list', {}, signal);
  if (active !== null || loaded.length > 0) return undefined;
  if (more.length > 0) {
    say(`${more.length + 1} .lora files lie here and none is used; name one with --lora.`);
    return undefined;
  }
  if (env['TERM_PROGRAM'] === 'vscode') {
    say(`${found} lies here; in an editor's terminal it is used only with --lora ${found}.`);
    return undefined;
  }
  say(`With the adapter ${found} of this folder (--no-lora: without).`);
  return path.join(folder, found);
}
