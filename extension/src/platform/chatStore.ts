/** Chats on disk: one JSON file each in the extension's own storage of this workspace. */
import * as vscode from 'vscode';
import type { ChatHistoryEntry, ChatSession } from '#protocol/webview.ts';
import { historyEntry, parseSession } from '../core/chatSession.ts';
import type { ChatStore } from '../core/chatService.ts';

/** Older chats than the newest hundred are deleted when a new one is saved. */
const KEPT = 100;
const ID = /^[\w-]{1,64}$/;

/** Reads the folder once and then knows its list; writes of one window only. */
export class FileChatStore implements ChatStore {
  readonly #folder: vscode.Uri;
  #entries: Promise<Map<string, ChatHistoryEntry>> | undefined;

  constructor(folder: vscode.Uri) {
    this.#folder = folder;
  }

  async list(): Promise<readonly ChatHistoryEntry[]> {
    const entries = await this.#index();
    return [...entries.values()].sort((a, b) => b.updatedAt - a.updatedAt);
  }

  async load(id: string): Promise<ChatSession | undefined> {
    if (!ID.test(id)) return undefined;
    try {
      return parseSession(new TextDecoder().decode(await vscode.workspace.fs.readFile(this.#file(id))));
    } catch {
      return undefined;
    }
  }

  async save(session: ChatSession): Promise<void> {
    const entries = await this.#index();
    const draft = vscode.Uri.joinPath(this.#folder, `${session.id}.draft`);
    await vscode.workspace.fs.writeFile(draft, new TextEncoder().encode(JSON.stringify(session)));
    await vscode.workspace.fs.rename(draft, this.#file(session.id), { overwrite: true });
    entries.set(session.id, historyEntry(session));
    for (const { id } of (await this.list()).slice(KEPT)) await this.remove(id);
  }

  async remove(id: string): Promise<void> {
    const entries = await this.#index();
    if (entries.delete(id)) await vscode.workspace.fs.delete(this.#file(id));
  }

  #index(): Promise<Map<string, ChatHistoryEntry>> {
    return (this.#entries ??= this.#read());
  }

  async #read(): Promise<Map<string, ChatHistoryEntry>> {
    await vscode.workspace.fs.createDirectory(this.#folder);
    const entries = new Map<string, ChatHistoryEntry>();
    for (const [name, type] of await vscode.workspace.fs.readDirectory(this.#folder)) {
      if (type !== vscode.FileType.File || !name.endsWith('.json')) continue;
      const session = await this.load(name.slice(0, -'.json'.length));
      if (session) entries.set(session.id, historyEntry(session));
    }
    return entries;
  }

  #file(id: string): vscode.Uri {
    return vscode.Uri.joinPath(this.#folder, `${id}.json`);
  }
}
