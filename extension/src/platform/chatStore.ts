/** Chats on disk: one JSON file each in the extension's own storage of this workspace. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ChatHistoryEntry, ChatSession } from '#protocol/webview.ts';
import { historyEntry, parseSession, serializeSession } from '../core/chatSession.ts';
import type { ChatStore } from '../core/chatService.ts';

/** Older chats than the newest hundred are deleted when a new one is saved. */
const KEPT = 100;
const ID = /^[\w-]{1,64}$/;

/**
 * Reads the folder once and then knows its list; writes of one window only. It uses Node and not the editor's file service:
 * that one answers only after every extension host has started, and the chat must be there before.
 */
export class FileChatStore implements ChatStore {
  readonly #folder: string;
  #entries: Promise<Map<string, ChatHistoryEntry>> | undefined;

  /** `folder` is made when it is missing. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async list(): Promise<readonly ChatHistoryEntry[]> {
    const entries = await this.#index();
    return [...entries.values()].sort((a, b) => b.updatedAt - a.updatedAt);
  }

  /** Undefined when there is no such chat, or its file is damaged. */
  async load(id: string): Promise<ChatSession | undefined> {
    if (!ID.test(id)) return undefined;
    try {
      return parseSession(await readFile(this.#file(id), 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** A crash in the middle leaves the chat as it was. */
  async save(session: ChatSession): Promise<void> {
    const entries = await this.#index();
    const draft = path.join(this.#folder, `${session.id}.draft`);
    await writeFile(draft, serializeSession(session), { mode: 0o600 });
    await rename(draft, this.#file(session.id));
    entries.set(session.id, historyEntry(session));
    for (const { id } of (await this.list()).slice(KEPT)) await this.remove(id);
  }

  async remove(id: string): Promise<void> {
    const entries = await this.#index();
    if (entries.delete(id)) await rm(this.#file(id), { force: true });
  }

  #index(): Promise<Map<string, ChatHistoryEntry>> {
    return (this.#entries ??= this.#read());
  }

  async #read(): Promise<Map<string, ChatHistoryEntry>> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const entries = new Map<string, ChatHistoryEntry>();
    for (const name of await readdir(this.#folder)) {
      const session = name.endsWith('.json') ? await this.load(name.slice(0, -'.json'.length)) : undefined;
      if (session) entries.set(session.id, historyEntry(session));
    }
    return entries;
  }

  #file(id: string): string {
    return path.join(this.#folder, `${id}.json`);
  }
}
