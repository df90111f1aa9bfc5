// Programs that compare our engine with the oracle package's libraries: built on first use, read line by line.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { parallel, ROOT } from '../lib/setup.mjs';
import { peerSource } from './peer.ts';

const run = promisify(execFile);

export const ORACLE_LIBRARIES = path.join(ROOT, 'node_modules/@node-llama-cpp/linux-x64/bins/linux-x64');

/** Lines that a program prints, as they come. @throws Error when it fails */
export async function* lines(program: string, args: readonly string[]): AsyncGenerator<string> {
  const child = execFile(program, args);
  let said = '';
  child.stderr?.on('data', (data: string) => (said += data));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (child.stdout !== null) for await (const line of createInterface({ input: child.stdout })) yield line;
  const code = await ended;
  if (code !== 0) throw new Error(said.trim() || `${path.basename(program)} ended with ${code ?? 'a signal'}`);
}

/** Native tools by their targets, linked with those libraries. @returns the folder that they lie in */
export async function oracleTools(targets: readonly string[]): Promise<string> {
  const build = path.join(ROOT, 'native/build/release');
  const oracle = [`-DZELL_ORACLE_SOURCE=${await peerSource()}`, `-DZELL_ORACLE_LIBRARIES=${ORACLE_LIBRARIES}`];
  const quiet = { maxBuffer: 64 * 1024 * 1024 };
  const options = ['-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release', '-DZELL_TESTS=ON'];
  await run('cmake', ['-S', path.join(ROOT, 'native'), '-B', build, ...options, ...oracle], quiet);
  await run('cmake', ['--build', build, '--parallel', parallel(), '--target', ...targets], quiet);
  return path.join(build, 'test');
}
