/** The files of one folder of KV blocks: which there are, how large and how old; makes room and throws out. */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { FIXED_BYTES, headerBytes, parseHeader, type PrefixHeader } from './prefixFile.ts';

/** A file that nobody used for so long goes. */
export const EXPIRY_MS = 30 * 24 * 3600 * 1000;
/** Uses closer together than this count as one. */
const NOTED_MS = 600 * 1000;
const NAME = /^[0-9a-f]{32}\.kv$/;
/** What a writer that was killed left behind. */
const LEFTOVER = /\.part$/;

export interface PrefixFile {
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since the epoch; the file's time of modification carries it over restarts. */
  usedAt: number;
  readonly firstBlock: number;
}

export interface FoundFile {
  readonly file: PrefixFile;
  readonly header: PrefixHeader;
}

/** `maxBytes`: of all its files together. `now`: milliseconds since the epoch. */
export class PrefixFolder {
  readonly folder: string;
  readonly #maxBytes: number;
  readonly #now: () => number;
  readonly #files = new Map<string, PrefixFile>();
  #bytes = 0;

  constructor(folder: string, maxBytes: number, now: () => number) {
    this.folder = folder;
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The file of the blocks up to the one with this hash. */
  pathOf(hash: Buffer): string {
    return path.join(this.folder, `${hash.toString('hex').slice(0, 32)}.kv`);
  }

  /** Reads what is there: expired and damaged files go, those of other models stay for their own. @throws when it cannot be made or read */
  async open(): Promise<FoundFile[]> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const found: FoundFile[] = [];
    for (const name of await readdir(this.folder)) {
      const at = path.join(this.folder, name);
      if (LEFTOVER.test(name)) await rm(at, { force: true });
      if (!NAME.test(name)) continue;
      const info = await stat(at).catch(() => undefined);
      if (info === undefined) continue;
      const header = this.#now() - info.mtimeMs > EXPIRY_MS ? undefined : await readHeader(at);
      if (header === undefined) {
        await rm(at, { force: true });
        continue;
      }
      const file = { name, bytes: info.size, usedAt: info.mtimeMs, firstBlock: header.firstBlock };
      this.#put(file);
      found.push({ file, header });
    }
    await this.trim();
    return found.filter(({ file }) => this.#files.has(file.name));
  }

  /** A file that has just been written. @returns undefined when it is gone again */
  async add(at: string, firstBlock: number): Promise<PrefixFile | undefined> {
    const info = await stat(at).catch(() => undefined);
    if (info === undefined) return undefined;
    const file = { name: path.basename(at), bytes: info.size, usedAt: this.#now(), firstBlock };
    this.#put(file);
    return file;
  }

  /** Whether its time of use is so old that it should be noted again. */
  isAged(file: PrefixFile): boolean {
    return this.#now() - file.usedAt > NOTED_MS;
  }

  /** Used now: it and those that it builds on share one time, so that none of them goes before the others that need it. */
  async touch(files: Iterable<PrefixFile>): Promise<void> {
    const now = this.#now();
    for (const file of files) {
      file.usedAt = now;
      await utimes(path.join(this.folder, file.name), now / 1000, now / 1000).catch(() => undefined);
    }
  }

  /** Throws out the least recently used until the rest fits; of one age the ends of texts go first. @returns those that went */
  async trim(): Promise<PrefixFile[]> {
    const gone: PrefixFile[] = [];
    const byAge = [...this.#files.values()].sort((a, b) => a.usedAt - b.usedAt || b.firstBlock - a.firstBlock);
    for (const file of byAge) {
      if (this.#bytes <= this.#maxBytes) break;
      await this.remove(file);
      gone.push(file);
    }
    return gone;
  }

  async remove(file: PrefixFile): Promise<void> {
    if (this.#files.delete(file.name)) this.#bytes -= file.bytes;
    await rm(path.join(this.folder, file.name), { force: true }).catch(() => undefined);
  }

  async removeAll(): Promise<void> {
    for (const file of [...this.#files.values()]) await this.remove(file);
  }

  #put(file: PrefixFile): void {
    this.#bytes += file.bytes - (this.#files.get(file.name)?.bytes ?? 0);
    this.#files.set(file.name, file);
  }
}

async function readHeader(at: string): Promise<PrefixHeader | undefined> {
  const file = await open(at, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const fixed = Buffer.alloc(FIXED_BYTES);
    if ((await file.read(fixed, 0, FIXED_BYTES, 0)).bytesRead < FIXED_BYTES) return undefined;
    const length = headerBytes(fixed);
    if (length === undefined) return undefined;
    const header = Buffer.alloc(length);
    return (await file.read(header, 0, length, 0)).bytesRead < length ? undefined : parseHeader(header);
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/** SHA-256 of a file's content, 32 bytes; read in pieces. */
export async function sha256Of(at: string): Promise<Buffer> {
  const hash = createHash('sha256');
  const file = await open(at, 'r');
  try {
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 }))
      hash.update(chunk as Buffer);
  } finally {
    await file.close();
  }
  return hash.digest();
}
