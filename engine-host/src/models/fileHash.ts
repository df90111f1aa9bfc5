/** SHA-256 of a whole file, in steps, so that it can be cancelled and shows progress. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Reads the file into `hash` (a new one by default). @returns the hash, still open for more */
export async function hashInto(
  file: string,
  signal: AbortSignal,
  hash: Hash = createHash('sha256'),
  onBytes?: (bytes: number) => void,
): Promise<Hash> {
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024, signal })) {
    hash.update(chunk as Buffer);
    onBytes?.((chunk as Buffer).length);
  }
  return hash;
}

/** Lower-case hex. */
export async function fileSha256(file: string, signal: AbortSignal): Promise<string> {
  return (await hashInto(file, signal)).digest('hex');
}
