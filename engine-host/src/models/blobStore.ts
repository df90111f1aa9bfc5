/** Files that clients upload by their SHA-256: kept only when the bytes are the ones that the digest promises. */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { checkSpace } from './download.ts';
import type { ModelRegistry } from './registry.ts';

/** How often the room on the disk is looked at while a file of unknown size comes. */
const CHECK_EVERY = 64 * 1024 * 1024;

export class BlobStore {
  readonly #registry: Pick<ModelRegistry, 'blobPath' | 'uploadPath'>;

  constructor(registry: Pick<ModelRegistry, 'blobPath' | 'uploadPath'>) {
    this.#registry = registry;
  }

  /** Where a blob lies: as a model, or as it was uploaded. Links are none. */
  async find(sha256: string): Promise<string | undefined> {
    for (const file of [this.#registry.blobPath(sha256), this.#registry.uploadPath(sha256)]) {
      const info = await lstat(file).catch(() => undefined);
      if (info?.isFile() === true) return file;
    }
    return undefined;
  }

  /** @throws {ZellError} invalid_request when the bytes are others, disk_full, io */
  async put(sha256: string, bytes: AsyncIterable<Uint8Array>, length: number | undefined): Promise<void> {
    const destination = this.#registry.uploadPath(sha256);
    const folder = path.dirname(destination);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await checkSpace(folder, length ?? 0);
    const temporary = path.join(folder, `${sha256}.${randomBytes(4).toString('hex')}.part`);
    try {
      const actual = await this.#write(temporary, bytes);
      if (actual !== sha256)
        throw new ZellError('invalid_request', `digest mismatch, expected "sha256:${sha256}", got "sha256:${actual}"`);
      await rename(temporary, destination);
    } catch (error) {
      await rm(temporary, { force: true });
      if (ZellError.is(error)) throw error;
      if ((error as { code?: unknown }).code === 'ENOSPC') throw new ZellError('disk_full', 'The disk is full.');
      throw new ZellError('io', 'The upload broke off.');
    }
  }

  async #write(file: string, bytes: AsyncIterable<Uint8Array>): Promise<string> {
    const hash = createHash('sha256');
    const handle = await open(file, 'wx', 0o600);
    let unchecked = 0;
    try {
      for await (const chunk of bytes) {
        unchecked += chunk.length;
        if (unchecked >= CHECK_EVERY) {
          await checkSpace(path.dirname(file), 0);
          unchecked = 0;
        }
        hash.update(chunk);
        await handle.writeFile(chunk);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    return hash.digest('hex');
  }

  /** A model is made of it: it gets a model's name. @returns its path, or undefined when there is none */
  async asModel(sha256: string): Promise<string | undefined> {
    const found = await this.find(sha256);
    const model = this.#registry.blobPath(sha256);
    if (found !== undefined && found !== model) await rename(found, model);
    return found === undefined ? undefined : model;
  }

  /** Only a plain file in the blob folder itself. */
  async remove(sha256: string): Promise<void> {
    const found = await this.find(sha256);
    if (found !== undefined) await rm(found, { force: true });
  }
}
