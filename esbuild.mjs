// Bundles every program of Zell into dist/. `node esbuild.mjs [--watch] [--dev]`; scripts import `build()`.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { thirdPartyNotices } from './scripts/lib/notices.mjs';

const ROOT = path.dirname(fileURLToPath(import.meta.url));
const DIST = path.join(ROOT, 'dist');
const NOTICES = 'THIRD_PARTY_NOTICES.txt';
const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));

/** Packages in the old module format expect `require` inside an ES module. */
const REQUIRE = `import { createRequire as zellRequire } from 'node:module'; const require = zellRequire(import.meta.url);`;

/** @param {boolean} dev source maps, no minifying */
function bundles(dev) {
  const common = {
    absWorkingDir: ROOT,
    bundle: true,
    minify: !dev,
    keepNames: true,
    sourcemap: dev,
    logLevel: 'silent',
    // All licences are in one file.
    legalComments: 'none',
    metafile: true,
    define: { ZELL_VERSION: JSON.stringify(version) },
    // Shared so that output names and hashes do not depend on the machine.
    charset: 'utf8',
  };
  const node = {
    ...common,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    banner: { js: REQUIRE },
    outExtension: { '.js': '.mjs' },
    outdir: 'dist',
    external: ['*.node'],
  };
  const programs = {
    host: 'engine-host/src/main.ts',
    engine: 'engine-host/src/engine/main.ts',
    trainer: 'engine-host/src/engine/trainer/main.ts',
    templateWorker: 'engine-host/src/templates/worker.ts',
    redactionWorker: 'engine-host/src/memory/redactionWorker.ts',
  };
  return [
    // One file a program: each starts alone.
    ...Object.entries(programs).map(([name, entry]) => ({ ...node, entryPoints: { [name]: entry } })),
    // But a command's code lies in pieces beside `cli.mjs` (`cli-*.mjs`), read only when the command runs: `zell --help` is quick.
    {
      ...node,
      entryPoints: { cli: 'engine-host/src/cli/main.ts' },
      splitting: true,
      chunkNames: 'cli-[hash]',
    },
    {
      ...common,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      entryPoints: { extension: 'extension/src/main.ts' },
      outdir: 'dist',
      outExtension: { '.js': '.cjs' },
      external: ['vscode'],
    },
    {
      ...common,
      platform: 'browser',
      target: 'chrome128',
      format: 'iife',
      entryPoints: { chat: 'webview-ui/src/chat.ts', memory: 'webview-ui/src/memory.ts' },
      outdir: 'dist/webview',
      loader: { '.svg': 'text', '.ttf': 'file' },
    },
  ].map(onlyExisting);
}

/** A room that is not written yet is no failure. */
function onlyExisting(options) {
  const present = Object.entries(options.entryPoints).filter(([, file]) => existsSync(path.join(ROOT, file)));
  return { ...options, entryPoints: Object.fromEntries(present) };
}

/** Builds everything; silent when all is well. @throws with esbuild's messages as text */
export async function build({ dev = false } = {}) {
  mkdirSync(DIST, { recursive: true });
  const jobs = bundles(dev).filter((options) => Object.keys(options.entryPoints).length > 0);
  const outcomes = await Promise.allSettled(jobs.map((options) => esbuild.build(options)));
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason);
  if (failures.length > 0) {
    const errors = failures.flatMap((failure) => failure.errors ?? [{ text: String(failure) }]);
    const text = await esbuild.formatMessages(errors, { kind: 'error', color: process.stderr.isTTY });
    throw Object.assign(new Error(`Bundling failed:\n${[...new Set(text)].join('\n')}`), { expected: true });
  }
  removeStale(outcomes.flatMap((outcome) => Object.keys(outcome.value?.metafile?.outputs ?? {})));
  const inputs = outcomes.flatMap((outcome) => Object.keys(outcome.value?.metafile?.inputs ?? {}));
  writeFileSync(path.join(DIST, NOTICES), thirdPartyNotices(ROOT, inputs));
  finish();
}

/** Builds, then again after every change until the process ends. */
export async function watch() {
  finish();
  const jobs = bundles(true).filter((options) => Object.keys(options.entryPoints).length > 0);
  const after = { name: 'after', setup: (b) => b.onEnd((result) => result.errors.length === 0 && finish()) };
  for (const options of jobs) {
    const context = await esbuild.context({ ...options, logLevel: 'info', plugins: [after] });
    await context.watch();
  }
}

/** The command gets its first line and its execute bit, the addons their place beside the bundles. */
function finish() {
  const cli = path.join(DIST, 'cli.mjs');
  if (existsSync(cli)) chmodSync(cli, 0o755);
  for (const name of ['zell_engine.node', 'zell_os.node']) {
    const built = newest(path.join(ROOT, 'native/build'), name);
    const target = path.join(DIST, name);
    if (built === undefined || isSame(built, target)) continue;
    // A process may have the old one mapped: it keeps its file, the name gets the new one.
    rmSync(target, { force: true });
    copyFileSync(built, target);
  }
}

/** Pieces of earlier builds, whose names nothing uses any more. */
function removeStale(written) {
  const names = new Set(written.map((file) => path.basename(file)));
  for (const file of readdirSync(DIST)) {
    if (/^cli-.*\.mjs(\.map)?$/.test(file) && !names.has(file)) rmSync(path.join(DIST, file), { force: true });
  }
}

function newest(folder, name) {
  if (!existsSync(folder)) return undefined;
  // `asan` and coverage builds are for the native tests alone.
  const found = readdirSync(folder, { recursive: true })
    .filter((file) => path.basename(file) === name && !/(^|[/\\])(asan|coverage|fuzz)[/\\]/.test(file))
    .map((file) => path.join(folder, file))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  return found[0];
}

function isSame(a, b) {
  if (!existsSync(b)) return false;
  const left = statSync(a);
  const right = statSync(b);
  return left.size === right.size && left.mtimeMs <= right.mtimeMs;
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    if (process.argv.includes('--watch')) await watch();
    else await build({ dev: process.argv.includes('--dev') });
  } catch (error) {
    console.error(error.expected ? error.message : error);
    process.exitCode = 1;
  }
}
