/** The off switches, kept beside the memory so that every client of the home sees the same one. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeDurably } from '../store/durable.ts';

export class MemorySettings {
  readonly #file: string;
  #enabled: boolean;
  #recall: boolean;

  private constructor(file: string, enabled: boolean, recall: boolean) {
    this.#file = file;
    this.#enabled = enabled;
    this.#recall = recall;
  }

  /** On unless it was switched off; a damaged file counts as off, because off is the answer that harms nobody. */
  static async open(folder: string): Promise<MemorySettings> {
    const file = path.join(folder, 'settings.json');
    let enabled = true;
    let recall = true;
    try {
      const stored = JSON.parse(await readFile(file, 'utf8')) as { enabled?: unknown; recall?: unknown } | null;
      enabled = stored?.enabled === true;
      recall = stored?.recall !== false;
    } catch (error) {
      enabled = (error as NodeJS.ErrnoException).code === 'ENOENT';
      recall = enabled;
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new MemorySettings(file, enabled, recall);
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  async setEnabled(enabled: boolean): Promise<void> {
    await this.#write({ enabled, recall: this.#recall });
    this.#enabled = enabled;
  }

  /** Whether memories are looked up for our own chats. */
  get recall(): boolean {
    return this.#recall;
  }

  async setRecall(recall: boolean): Promise<void> {
    await this.#write({ enabled: this.#enabled, recall });
    this.#recall = recall;
  }

  #write(settings: { enabled: boolean; recall: boolean }): Promise<void> {
    return writeDurably(this.#file, `${JSON.stringify({ v: 1, ...settings })}\n`);
  }
}
