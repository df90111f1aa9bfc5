// The oracle (llama.cpp's prebuilt libraries and its repository) and the native programs that compare with it.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cpuFlags } from '../../scripts/bench/report.ts';
import { CACHE, ROOT } from './cache.ts';

const run = promisify(execFile);
const PACKAGES = path.join(ROOT, 'node_modules/@node-llama-cpp');
export const ORACLE_LIBRARIES = path.join(PACKAGES, 'linux-x64/bins/linux-x64');

/** Why there is no oracle here, or undefined. */
export function oracleUnavailable(): string | undefined {
  return existsSync(path.join(ORACLE_LIBRARIES, 'libggml-base.so')) ? undefined : 'no oracle libraries for this system';
}

/** The oracle's repository, cloned once into the cache folder. */
export async function oracleSource(): Promise<string> {
  const folder = path.join(CACHE, 'oracle/llama.cpp');
  if (existsSync(folder)) return folder;
  mkdirSync(path.dirname(folder), { recursive: true });
  const partial = `${folder}.${process.pid}.part`;
  const bundle = path.join(ROOT, 'node_modules/node-llama-cpp/llama/gitRelease.bundle');
  rmSync(partial, { recursive: true, force: true });
  await run('git', ['clone', '--quiet', bundle, partial]);
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
  return folder;
}

/** The oracle's CPU library for this machine; never one with tile instructions, which not every kernel permits. */
export function oracleBackend(): string {
  const name = cpuFlags().has('avx512_vnni') ? 'icelake' : cpuFlags().has('avx2') ? 'haswell' : 'x64';
  return path.join(ORACLE_LIBRARIES, `libggml-cpu-${name}.so`);
}

/** Builds native test programs in the release build (optimised, beside the addon). @returns their folder */
export async function buildNativeTools(targets: readonly string[]): Promise<string> {
  const build = path.join(ROOT, 'native/build/release');
  const oracle = [`-DZELL_ORACLE_SOURCE=${await oracleSource()}`, `-DZELL_ORACLE_LIBRARIES=${ORACLE_LIBRARIES}`];
  const quiet = { maxBuffer: 64 * 1024 * 1024 };
  await run('cmake', ['-S', path.join(ROOT, 'native'), '-B', build, '-DZELL_TESTS=ON', ...oracle], quiet);
  await run('cmake', ['--build', build, '--parallel', '2', '--target', ...targets], quiet);
  return path.join(build, 'test');
}
