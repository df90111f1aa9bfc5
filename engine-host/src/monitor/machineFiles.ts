/** Files and commands that tell about the machine, as the readers use them; tests pass a table instead. */
import { execFile } from 'node:child_process';
import { readdir, readFile, statfs } from 'node:fs/promises';

/** None of these rejects. */
export interface MachineFiles {
  /** Undefined when it cannot be read. */
  text(file: string): Promise<string | undefined>;
  names(folder: string): Promise<readonly string[]>;
  /** Standard output of a command; undefined when it fails or takes longer than two seconds. */
  run(command: string, args: readonly string[]): Promise<string | undefined>;
  freeBytes(folder: string): Promise<number | undefined>;
}

const COMMAND_MS = 2000;

export const REAL_FILES: MachineFiles = {
  text: async (file) => {
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch {
      return undefined;
    }
  },
  names: async (folder) => {
    try {
      return (await readdir(folder)).toSorted();
    } catch {
      return [];
    }
  },
  run: (command, args) =>
    new Promise((resolve) => {
      execFile(command, [...args], { timeout: COMMAND_MS, maxBuffer: 1024 * 1024 }, (error, stdout) =>
        resolve(error === null ? stdout : undefined),
      );
    }),
  freeBytes: async (folder) => {
    try {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    } catch {
      return undefined;
    }
  },
};

/** A file that holds one number. */
export async function numberIn(files: MachineFiles, file: string): Promise<number | undefined> {
  const text = await files.text(file);
  const value = Number(text);
  return text === undefined || text === '' || !Number.isFinite(value) ? undefined : value;
}
