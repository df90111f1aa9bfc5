// Builds the peer (llama.cpp, from the oracle package's own bundle) once into the cache folder, for exactly this CPU.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../lib/setup.mjs';
import { cpuFlags } from './report.ts';

const run = promisify(execFile);
const CACHE = process.env['ZELL_CACHE'] ?? path.join(os.homedir(), '.cache', 'zell');
const BUNDLE = path.join(ROOT, 'node_modules/node-llama-cpp/llama/gitRelease.bundle');

/**
 * Path of the peer's `llama-bench`, proven on `model`. The first call compiles for some minutes. A build with tile instructions
 * that dies on this machine is replaced by one without.
 */
export async function buildPeer(model: string, say: (line: string) => void): Promise<string> {
  const tiles = cpuFlags().has('amx_int8') && (await tilesWork());
  for (const withTiles of tiles ? [true, false] : [false]) {
    const program = await build(cpuOptions(withTiles), say);
    const works = await run(program, ['-m', model, '-p', '64', '-n', '1', '-r', '1']).then(
      () => true,
      () => false,
    );
    if (works) {
      say(`The peer is built ${withTiles ? 'with' : 'without'} tile instructions.`);
      return program;
    }
  }
  throw new Error('The peer does not run on this machine.');
}

async function build(options: readonly string[], say: (line: string) => void): Promise<string> {
  const key = createHash('sha256').update(options.join(' ')).digest('hex').slice(0, 12);
  const folder = path.join(CACHE, 'peers', `llama.cpp-${key}`);
  const program = path.join(folder, 'build/bin/llama-bench');
  if (existsSync(path.join(folder, '.done'))) return program;

  say('Building the peer (llama.cpp); this takes some minutes, once …');
  const source = await peerSource();
  const target = path.join(folder, 'build');
  mkdirSync(target, { recursive: true });
  const off = ['TESTS', 'EXAMPLES', 'SERVER'].map((part) => `-DLLAMA_BUILD_${part}=OFF`);
  const common = ['-DCMAKE_BUILD_TYPE=Release', '-DLLAMA_CURL=OFF', '-DLLAMA_OPENSSL=OFF', ...off];
  const quiet = { maxBuffer: 256 * 1024 * 1024 };
  await run('cmake', ['-S', source, '-B', target, ...common, ...options], quiet);
  await run('cmake', ['--build', target, '--parallel', String(os.cpus().length), '--target', 'llama-bench'], quiet);
  writeFileSync(path.join(folder, '.done'), options.join('\n'));
  return program;
}

/** The peer's sources, cloned from the bundle into the cache folder. */
async function peerSource(): Promise<string> {
  const folder = path.join(CACHE, 'peers', 'llama.cpp');
  if (existsSync(folder)) return folder;
  const partial = `${folder}.part`;
  rmSync(partial, { recursive: true, force: true });
  await run('git', ['clone', '--quiet', BUNDLE, partial]);
  renameSync(partial, folder);
  return folder;
}

/**
 * The peer's instruction-set switches. Its own `native` trusts what the compiler reads from CPUID, which on some virtual
 * machines lists tile instructions that do not run.
 */
function cpuOptions(tiles: boolean): string[] {
  const flags = cpuFlags();
  const table: readonly (readonly [flag: string, option: string])[] = [
    ['avx', 'AVX'],
    ['avx2', 'AVX2'],
    ['fma', 'FMA'],
    ['f16c', 'F16C'],
    ['bmi2', 'BMI2'],
    ['avx_vnni', 'AVX_VNNI'],
    ['avx512f', 'AVX512'],
    ['avx512vbmi', 'AVX512_VBMI'],
    ['avx512_vnni', 'AVX512_VNNI'],
    ['avx512_bf16', 'AVX512_BF16'],
  ];
  if (flags.size === 0) return ['-DGGML_NATIVE=ON'];
  const options = table.map(([flag, option]) => `-DGGML_${option}=${flags.has(flag) ? 'ON' : 'OFF'}`);
  for (const option of ['AMX_TILE', 'AMX_INT8', 'AMX_BF16']) options.push(`-DGGML_${option}=${tiles ? 'ON' : 'OFF'}`);
  return ['-DGGML_NATIVE=OFF', ...options];
}

/** Runs one tile instruction in a child process, after asking the kernel for permission. */
async function tilesWork(): Promise<boolean> {
  const folder = path.join(CACHE, 'peers');
  mkdirSync(folder, { recursive: true });
  const program = path.join(folder, `tile-probe-${process.pid}`);
  const source = `
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
__attribute__((target("amx-tile,amx-int8"))) static void use() {
  alignas(64) unsigned char config[64] = {1};
  config[48] = 16; config[16] = 64;
  asm volatile("" : : "r"(config) : "memory");
  _tile_loadconfig(config);
  _tile_zero(0);
  _tile_release();
}
int main() {
  if (syscall(SYS_arch_prctl, 0x1023, 18) != 0) return 1;
  use();
  return 0;
}
`;
  try {
    writeFileSync(`${program}.cc`, source);
    await run('c++', ['-O1', '-o', program, `${program}.cc`]);
    await run(program, []);
    return true;
  } catch {
    return false;
  } finally {
    for (const file of [program, `${program}.cc`]) rmSync(file, { force: true });
  }
}
