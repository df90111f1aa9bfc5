/** The chat view: connects the chats of this window with the page and the editor. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { ChatService, type ChatEngine } from '../../core/chatService.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';
import { explainError } from '../../platform/errorText.ts';
import { FileChatStore } from '../../platform/chatStore.ts';
import type { Log } from '../../platform/log.ts';
import type { SelectionService } from '../../platform/selection.ts';
import { chatSettings } from '../../platform/settings.ts';
import { ZellView, type WebviewHandlers } from '../../platform/webviewView.ts';
import { insertAtCursor, openLink } from './editorActions.ts';
import { forgetMemory } from './forgetMemory.ts';

export interface ChatParts {
  readonly context: vscode.ExtensionContext;
  readonly engine: EngineService;
  readonly client: ChatEngine;
  readonly selection: SelectionService;
  readonly log: Log;
}

export function registerChat({ context, engine, client, selection, log }: ChatParts): vscode.Disposable {
  const folder = vscode.Uri.joinPath(context.storageUri ?? context.globalStorageUri, 'chats');
  const chats = new ChatService(client, new FileChatStore(folder.fsPath), {
    now: Date.now,
    newId: randomUUID,
    systemPrompt: () => chatSettings().systemPrompt,
    explain: explainError,
    emit: (event) => {
      view.emit(event);
    },
  });
  const handlers: WebviewHandlers = {
    'chat/load': async () => {
      const loaded = await chats.load();
      // The page listens by now: it gets the snapshots that it missed.
      view.emit({ type: 'engine/status', status: engine.status });
      view.emit({ type: 'selection/changed', label: selection.label });
      return loaded;
    },
    'chat/send': async ({ sessionId, text, attachSelection }) => {
      const attachment = attachSelection ? selection.current() : undefined;
      return { turnId: await chats.send(sessionId, text, attachment) };
    },
    'chat/retry': async ({ sessionId }) => ({ turnId: await chats.retry(sessionId) }),
    'chat/stop': ({ sessionId }) => {
      chats.stop(sessionId);
      return Promise.resolve(null);
    },
    'chat/new': async ({ incognito }) => ({ session: await chats.startNew(incognito) }),
    'chat/open': async ({ sessionId }) => ({ session: await chats.open(sessionId) }),
    'chat/remove': async ({ sessionId }) => {
      await chats.remove(sessionId);
      return null;
    },
    'chat/memories': async ({ ids }) => {
      const { cards } = await engine.request('zell/memory/cards', { ids: [...ids] });
      return { memories: cards.map(({ id, statement }) => ({ id, statement })) };
    },
    'chat/forget': async ({ id }) => ({ forgotten: await forgetMemory(engine, id) }),
    'code/copy': async ({ code }) => {
      await vscode.env.clipboard.writeText(code);
      return null;
    },
    'code/insert': async ({ code }) => {
      await insertAtCursor(code);
      return null;
    },
    'link/open': async ({ href }) => {
      await openLink(href);
      return null;
    },
    'selection/marked': ({ text }) => {
      selection.mark(text);
      return Promise.resolve(null);
    },
    'engine/restart': async () => {
      await engine.restart();
      return null;
    },
    'engine/showLog': () => {
      log.show();
      return Promise.resolve(null);
    },
  };
  const view = new ZellView(context.extensionUri, 'chat', 'Zell Chat', handlers, log);
  const startNew = async (incognito: boolean): Promise<void> => {
    await chats.startNew(incognito);
    await vscode.commands.executeCommand('zell.chat.focus');
  };
  return vscode.Disposable.from(
    vscode.window.registerWebviewViewProvider('zell.chat', view),
    vscode.commands.registerCommand('zell.newChat', () => startNew(false)),
    vscode.commands.registerCommand('zell.startIncognitoChat', () => startNew(true)),
    engine.onDidChange(() => {
      view.emit({ type: 'engine/status', status: engine.status });
    }),
    selection.onDidChange((label) => {
      view.emit({ type: 'selection/changed', label });
    }),
    {
      dispose: () => {
        chats.stopAll();
      },
    },
  );
}
