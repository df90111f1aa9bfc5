/** A random key of this Zell home: marks of redacted secrets and conversation chains are keyed with it. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeDurably } from '../store/durable.ts';

export async function machineKey(folder: string): Promise<Uint8Array> {
  const file = path.join(folder, 'key');
  const stored = await readFile(file).catch(() => undefined);
  if (stored?.length === 32) return stored;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const key = randomBytes(32);
  await writeDurably(file, key);
  return key;
}
