/** Where Zell keeps its files. */
import os from 'node:os';
import path from 'node:path';

/** The setting, else `ZELL_HOME`, else `~/.zell`; absolute. */
export function zellHome(configured: string, env: NodeJS.ProcessEnv = process.env): string {
  const chosen = configured === '' ? (env['ZELL_HOME'] ?? '') : configured;
  if (chosen === '') return path.join(os.homedir(), '.zell');
  return path.resolve(chosen.replace(/^~(?=$|[\\/])/, os.homedir()));
}
