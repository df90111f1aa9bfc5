/** Remembered conversations as pages in the editor: to read, never to save. */
import * as vscode from 'vscode';
import { conversationText } from '../../core/conversationText.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';
import { explainError } from '../../platform/errorText.ts';

const SCHEME = 'zell-memory';

export class ConversationPages implements vscode.Disposable {
  readonly #engine: EngineService;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #provider: vscode.Disposable;

  constructor(engine: EngineService) {
    this.#engine = engine;
    this.#provider = vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
      onDidChange: this.#changed.event,
      provideTextDocumentContent: (uri) => this.#read(uri.query),
    });
  }

  /** As it is now, also when it was open before. */
  async open(conversation: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: 'Conversation.md', query: conversation });
    this.#changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  dispose(): void {
    this.#provider.dispose();
    this.#changed.dispose();
  }

  async #read(conversation: string): Promise<string> {
    try {
      const { events } = await this.#engine.request('zell/memory/conversation', { id: conversation });
      return conversationText(events);
    } catch (error) {
      return explainError(error);
    }
  }
}
