// Takes a clone from any state to built: packages, native addon, bundles. Does only what changed since the last time.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { missingPrerequisites } from './prerequisites.mjs';
import { run, versionOf } from './run.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** @param {{ dev?: boolean, say?: (line: string) => void }} options `dev`: also the packages that only tests and checks need. */
export async function setup({ dev = false, say = (line) => console.error(line) } = {}) {
  const missing = await missingPrerequisites();
  if (missing.length > 0) throw Object.assign(new Error(missing.join('\n')), { expected: true });
  await installPackages(dev, say);
  await buildNative(say);
  await bundle(say);
}

/**
 * Installs when the lockfile is not the one installed. `npm ci` refuses a lockfile that lacks another platform's optional binary
 * (docs/decisions/0002-install-without-ci.md); this takes exactly the locked versions, checks their integrity and writes nothing.
 * Install scripts never run: nothing of ours needs one.
 */
export async function installPackages(dev, say) {
  const stamp = path.join(ROOT, 'node_modules/.zell-installed');
  const lock = createHash('sha256')
    .update(readFileSync(path.join(ROOT, 'package-lock.json')))
    .digest('hex');
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
  if (installed === `${lock} dev` || (!dev && installed === `${lock} runtime`)) return;
  const started = Date.now();
  say(`Installing packages${dev ? '' : ' (what running needs; tests fetch the rest)'} …`);
  await run(
    'npm',
    [
      'install',
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...(dev ? [] : ['--omit=dev']),
    ],
    { cwd: ROOT },
  );
  // A new file: in a copy of this folder made of hard links, writing into the old one would speak for all copies.
  rmSync(stamp, { force: true });
  writeFileSync(stamp, `${lock} ${dev ? 'dev' : 'runtime'}`);
  say(`  ${seconds(started)}`);
}

/** The two addons, by CMake: its own dependency tracking decides what is compiled. */
export async function buildNative(say) {
  const build = path.join(ROOT, 'native/build/release');
  const cache = path.join(build, 'CMakeCache.txt');
  // Measuring the tokenizer alone configures the same folder without the addons.
  if (!existsSync(cache) || /^ZELL_ADDON:BOOL=OFF$/m.test(readFileSync(cache, 'utf8'))) {
    mkdirSync(build, { recursive: true });
    await configure(build, ['-DCMAKE_BUILD_TYPE=Release', '-DZELL_ADDON=ON']);
  }
  const started = Date.now();
  const timer = setTimeout(() => say('Building the engine (C++) …'), 1500);
  try {
    await run('cmake', ['--build', build, '--parallel', parallel(), '--target', 'zell_engine', 'zell_os'], {
      cwd: ROOT,
    });
  } finally {
    clearTimeout(timer);
  }
  if (Date.now() - started > 1500) say(`  ${seconds(started)}`);
}

/** Configures a CMake build folder, with ninja and ccache when there are any. */
export async function configure(build, options) {
  const ninja = (await versionOf('ninja')) !== undefined ? ['-G', 'Ninja'] : [];
  const ccache = (await versionOf('ccache')) !== undefined ? ['-DCMAKE_CXX_COMPILER_LAUNCHER=ccache'] : [];
  await run('cmake', ['-S', path.join(ROOT, 'native'), '-B', build, ...ninja, ...ccache, ...options], { cwd: ROOT });
}

export function parallel() {
  return process.env.ZELL_JOBS ?? String(Math.max(1, Math.min(8, globalThis.navigator?.hardwareConcurrency ?? 2)));
}

async function bundle(say) {
  const started = Date.now();
  const { build } = await import(pathToFileURL(path.join(ROOT, 'esbuild.mjs')).href);
  await build();
  if (Date.now() - started > 4000) say(`Bundled in ${seconds(started)}`);
}

export function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
