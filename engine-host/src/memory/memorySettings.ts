/** The off switch, kept beside the memory so that every client of the home sees the same one. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeDurably } from '../store/durable.ts';

export class MemorySettings {
  readonly #file: string;
  #enabled: boolean;

  private constructor(file: string, enabled: boolean) {
    this.#file = file;
    this.#enabled = enabled;
  }

  /** On unless it was switched off; a damaged file counts as off, because off is the answer that harms nobody. */
  static async open(folder: string): Promise<MemorySettings> {
    const file = path.join(folder, 'settings.json');
    let enabled = true;
    try {
      const text = await readFile(file, 'utf8');
      enabled = (JSON.parse(text) as { enabled?: unknown } | null)?.enabled === true;
    } catch (error) {
      enabled = (error as NodeJS.ErrnoException).code === 'ENOENT';
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new MemorySettings(file, enabled);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  async setEnabled(enabled: boolean): Promise<void> {
    await writeDurably(this.#file, `${JSON.stringify({ v: 1, enabled })}\n`);
    this.#enabled = enabled;
  }
}
