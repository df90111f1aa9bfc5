/** `profiles/{name}.json` in the Zell home: written whole, checked when read. Documented in docs/formats/profile.md. */
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import type { Profile } from '#protocol/profile.ts';
import { ioError, writeDurably } from '../store/durable.ts';
import { isProfile } from './checkProfile.ts';

/** A model of 128 layers with 512 experts each takes one. */
const MOST_BYTES = 4 * 1024 * 1024;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,119}\.json$/;

/** A file name for a model's name, whatever that holds. */
export function profileFile(folder: string, name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]/g, '_').replace(/^[.-]/, '_');
  return path.join(folder, `${plain.slice(0, 110) || '_'}.json`);
}

/** Undefined when there is none. @throws {ZellError} io: it cannot be read, is damaged, or was written by another version */
export async function readProfile(file: string): Promise<Profile | undefined> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) throw unusable(file);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ioError(error, file);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isProfile(value)) throw unusable(file);
  return value;
}

/** @throws {ZellError} disk_full, io */
export async function writeProfile(file: string, profile: Profile): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeDurably(file, `${JSON.stringify(profile, undefined, 1)}\n`);
}

/** The profile that was made of the file at `modelPath`; what cannot be read counts as none. */
export async function findProfile(
  folder: string,
  modelPath: string,
): Promise<{ readonly file: string; readonly profile: Profile } | undefined> {
  for (const name of (await readdir(folder).catch(() => [])).toSorted()) {
    if (!NAME.test(name)) continue;
    const file = path.join(folder, name);
    const profile = await readProfile(file).catch(() => undefined);
    if (profile?.model.path === modelPath) return { file, profile };
  }
  return undefined;
}

function unusable(file: string): ZellError {
  return new ZellError(
    'io',
    `${file} is damaged, or was written by another version of Zell. "zell build" makes it anew.`,
  );
}
