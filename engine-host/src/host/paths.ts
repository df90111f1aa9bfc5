/** Where everything lies: the Zell home (`~/.zell`, or `ZELL_HOME`) and the user's cache folder. */
import { chmod, mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

export interface ZellPaths {
  readonly home: string;
  readonly models: string;
  readonly blobs: string;
  readonly conversations: string;
  readonly memory: string;
  /** Keys and values of long prompts; the engine child alone writes there. */
  readonly prefixes: string;
  /** What was measured and decided of each model. */
  readonly profiles: string;
  /** The adapters that models learnt, and their manifests. */
  readonly lora: string;
  readonly announcement: string;
  readonly lock: string;
  readonly log: string;
  /** Where a downloaded default model may lie besides `models`; only read. */
  readonly cache: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function zellPaths(env: Environment = process.env): ZellPaths {
  const home = path.resolve(nonEmpty(env['ZELL_HOME']) ?? path.join(os.homedir(), '.zell'));
  return {
    home,
    models: path.join(home, 'models'),
    blobs: path.join(home, 'models', 'blobs'),
    conversations: path.join(home, 'conversations'),
    memory: path.join(home, 'memory'),
    prefixes: path.join(home, 'system-prompts'),
    profiles: path.join(home, 'profiles'),
    lora: path.join(home, 'lora'),
    announcement: path.join(home, 'engine.json'),
    lock: path.join(home, 'engine.lock'),
    log: path.join(home, 'engine.log'),
    cache: cacheFolder(env),
  };
}

/** Makes the folders that are missing, readable by the user alone; tightens a home that an older umask left open. */
export async function prepareHome(paths: ZellPaths): Promise<void> {
  for (const folder of [paths.home, paths.models, paths.blobs]) await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.platform !== 'win32') await chmod(paths.home, 0o700);
}

function cacheFolder(env: Environment): string {
  const own = nonEmpty(env['ZELL_CACHE']);
  if (own !== undefined) return path.resolve(own);
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library', 'Caches', 'zell');
  const base =
    process.platform === 'win32'
      ? (nonEmpty(env['LOCALAPPDATA']) ?? path.join(os.homedir(), 'AppData', 'Local'))
      : (nonEmpty(env['XDG_CACHE_HOME']) ?? path.join(os.homedir(), '.cache'));
  return path.join(base, 'zell');
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
