// The default model for tests: fetched once into the cache folder by the product's own fetcher.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { CACHE, ROOT } from './cache.ts';

const run = promisify(execFile);

/** Its path. @throws when it can be had neither from the cache nor by a download */
export async function defaultModel(): Promise<string> {
  const home = path.join(CACHE, 'test-home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const cli = path.join(ROOT, 'dist/cli.mjs');
  const { stdout } = await run(process.execPath, [cli, 'models', 'fetch', 'smollm2-135m', '--json'], {
    env: { ...process.env, ZELL_HOME: home },
  });
  const file = (JSON.parse(stdout) as { path: string }).path;
  if (!existsSync(file)) throw new Error(`the fetcher named ${file}, which is not there`);
  return file;
}
