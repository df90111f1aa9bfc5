// Builds the peers once into the cache folder: llama.cpp from the oracle package's own bundle for exactly this CPU, the
// runner that drives it, and a fork when somebody names its sources.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../lib/setup.mjs';
import { peer, type PeerProgram } from './peerProcess.ts';
import { cpuFlags } from './report.ts';

const run = promisify(execFile);
export const CACHE = process.env['ZELL_CACHE'] ?? path.join(os.homedir(), '.cache', 'zell');
const BUNDLE = path.join(ROOT, 'node_modules/node-llama-cpp/llama/gitRelease.bundle');
const RUNNER = path.join(ROOT, 'native/bench/peer_runner.cc');
const PREBUILT = path.join(ROOT, 'node_modules/@node-llama-cpp/linux-x64/bins/linux-x64');
const QUIET = { maxBuffer: 256 * 1024 * 1024 };

/** What a runner is compiled against. */
interface Libraries {
  readonly includes: readonly string[];
  readonly files: readonly string[];
  readonly defines: readonly string[];
}

/**
 * llama.cpp for this CPU, proven on `model`. The first call compiles for some minutes. A build with tile instructions that
 * dies on this machine is replaced by one without.
 */
export async function builtPeer(model: string, say: (line: string) => void): Promise<PeerProgram> {
  return (await provenBuild(model, say)).program;
}

/** llama.cpp's own server with the options of the build that `builtPeer` gives. @returns its program */
export async function builtServer(model: string, say: (line: string) => void): Promise<string> {
  const { options } = await provenBuild(model, say);
  const { target } = await buildTarget('llama-server', options, say);
  return path.join(target, 'bin', 'llama-server');
}

async function provenBuild(
  model: string,
  say: (line: string) => void,
): Promise<{ readonly program: PeerProgram; readonly options: readonly string[] }> {
  for (const withTiles of cpuFlags().has('amx_int8') ? [true, false] : [false]) {
    const options = cpuOptions(withTiles);
    const program = { name: 'llama.cpp', program: await build(options, say) };
    if (await works(program, model)) {
      say(`llama.cpp is built ${withTiles ? 'with' : 'without'} tile instructions.`);
      return { program, options };
    }
  }
  throw new Error('The peer does not run on this machine.');
}

/** node-llama-cpp's own libraries with one of their back ends (`sapphirerapids`, `haswell`); undefined: not on this system. */
export async function prebuiltPeer(name: string, variant: string, model: string): Promise<PeerProgram | undefined> {
  const backend = path.join(PREBUILT, `libggml-cpu-${variant}.so`);
  if (!existsSync(backend)) return undefined;
  const source = await peerSource();
  const names = readdirSync(PREBUILT).filter((n) => /^lib(llama|ggml)\.v.*\.so$|^libggml-base\.so$/.test(n));
  const program = await compileRunner('prebuilt', {
    includes: [path.join(source, 'include'), path.join(source, 'ggml/include')],
    files: names.map((n) => path.join(PREBUILT, n)),
    defines: ['ZELL_PEER_DISPATCH'],
  });
  const found = { name, program, backend };
  return (await works(found, model)) ? found : undefined;
}

/** ik_llama.cpp from a checkout of its sources; compiles in the checkout's own `build` folder. */
export async function forkPeer(checkout: string, model: string, say: (line: string) => void): Promise<PeerProgram> {
  const folder = path.join(checkout, 'build');
  if (!existsSync(path.join(folder, 'CMakeCache.txt')))
    await run('cmake', ['-S', checkout, '-B', folder, '-DCMAKE_BUILD_TYPE=Release', '-DGGML_NATIVE=ON'], QUIET);
  say('Building ik_llama.cpp where that is needed …');
  await run('cmake', ['--build', folder, '--parallel', String(os.cpus().length), '--target', 'llama'], QUIET);
  const files = ['src/libllama.so', 'ggml/src/libggml.so'].map((file) => path.join(folder, file));
  const program = await compileRunner('fork', {
    includes: [path.join(checkout, 'include'), path.join(checkout, 'ggml/include')],
    files,
    defines: ['ZELL_PEER_IK'],
  });
  const found = { name: 'ik_llama.cpp', program };
  if (!(await works(found, model))) throw new Error('ik_llama.cpp does not run on this machine.');
  return found;
}

/** The peer's sources, cloned from the bundle into the cache folder. */
export async function peerSource(): Promise<string> {
  const folder = path.join(CACHE, 'peers', 'llama.cpp');
  if (existsSync(folder)) return folder;
  const partial = `${folder}.part`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(path.dirname(folder), { recursive: true });
  await run('git', ['clone', '--quiet', BUNDLE, partial]);
  renameSync(partial, folder);
  return folder;
}

async function build(options: readonly string[], say: (line: string) => void): Promise<string> {
  const { key, target } = await buildTarget('llama', options, say);
  const source = await peerSource();
  const files = ['libllama.so', 'libggml.so', 'libggml-cpu.so', 'libggml-base.so'];
  return compileRunner(key, {
    includes: [path.join(source, 'include'), path.join(source, 'ggml/include')],
    files: files.map((file) => path.join(target, 'bin', file)),
    defines: [],
  });
}

/** `llama`: the library. `llama-server` lies beside it in the same folder and shares its objects. */
async function buildTarget(
  what: 'llama' | 'llama-server',
  options: readonly string[],
  say: (line: string) => void,
): Promise<{ readonly key: string; readonly target: string }> {
  const key = createHash('sha256').update(options.join(' ')).digest('hex').slice(0, 12);
  const folder = path.join(CACHE, 'peers', `llama.cpp-${key}`);
  const target = path.join(folder, 'build');
  const done = path.join(folder, what === 'llama' ? '.done' : `.done-${what}`);
  const source = await peerSource();
  if (!existsSync(done)) {
    say(`Building ${what === 'llama' ? 'llama.cpp' : what}; this takes some minutes, once …`);
    mkdirSync(target, { recursive: true });
    const server = what === 'llama-server' ? 'ON' : 'OFF';
    const parts = ['COMMON', 'TOOLS', 'SERVER'].map((part) => `-DLLAMA_BUILD_${part}=${server}`);
    // The user interface would be fetched from the net.
    const off = ['TESTS', 'EXAMPLES', 'APP', 'UI'].map((part) => `-DLLAMA_BUILD_${part}=OFF`);
    const common = ['-DCMAKE_BUILD_TYPE=Release', '-DLLAMA_CURL=OFF', '-DLLAMA_OPENSSL=OFF'];
    const all = [...common, ...parts, ...off, '-DLLAMA_USE_PREBUILT_UI=OFF', ...options];
    await run('cmake', ['-S', source, '-B', target, ...all], QUIET);
    await run('cmake', ['--build', target, '--parallel', String(os.cpus().length), '--target', what], QUIET);
    writeFileSync(done, options.join('\n'));
  }
  return { key, target };
}

/** One program for each peer and each state of the runner's source. */
async function compileRunner(peerName: string, { includes, files, defines }: Libraries): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(RUNNER)).update(files.join('\n'));
  const folder = path.join(CACHE, 'peers/runners');
  const program = path.join(folder, `${peerName}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const partial = `${program}.${process.pid}.part`;
  await run('c++', [
    ...['-std=c++17', '-O2', ...defines.map((d) => `-D${d}`), ...includes.flatMap((i) => ['-isystem', i])],
    ...[RUNNER, '-o', partial, ...files, '-Wl,--allow-shlib-undefined'],
    ...[...new Set(files.map((file) => path.dirname(file)))].map((folderOfFile) => `-Wl,-rpath,${folderOfFile}`),
  ]);
  renameSync(partial, program);
  return program;
}

/** Prompt and answer, in a process of their own: a build that this CPU cannot run dies there. */
async function works(program: PeerProgram, model: string): Promise<boolean> {
  try {
    const text = path.join(ROOT, 'README.md');
    const { contestant } = await peer(program).open({ model, threads: 2, context: 256, sequences: 1, kv: 'f16', text });
    await contestant.prefill(64);
    await contestant.decode(1, 0, 1);
    await contestant.stop();
    return true;
  } catch {
    return false;
  }
}

/**
 * llama.cpp's instruction-set switches. Its own `native` trusts what the compiler reads from CPUID, which on some virtual
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
