/** The memory view: what Zell remembers and learns, shown and steered. */
import * as vscode from 'vscode';
import type { ChatClient } from '../../platform/engine/chatClient.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';
import type { Log } from '../../platform/log.ts';
import type { SelectionService } from '../../platform/selection.ts';
import { ZellView, type WebviewHandlers } from '../../platform/webviewView.ts';
import { ConversationPages } from './conversationPages.ts';
import { clearMemory, pauseLearning, registerMemoryCommands } from './memoryCommands.ts';

const SHOWN_EVENTS = 200;
const ANSWER_MS = 120_000;

export interface MemoryParts {
  readonly context: vscode.ExtensionContext;
  readonly engine: EngineService;
  readonly client: ChatClient;
  readonly selection: SelectionService;
  readonly log: Log;
}

export function registerMemory({ context, engine, client, selection, log }: MemoryParts): vscode.Disposable {
  const pages = new ConversationPages(engine);
  const view = new ZellView(
    context.extensionUri,
    'memory',
    'Zell Memory',
    {
      'memory/load': async () => {
        view.emit({ type: 'engine/status', status: engine.status });
        const [status, curve, list, { cards }, adapters] = await Promise.all([
          engine.request('zell/memory/status', {}),
          engine.request('zell/memory/curve', {}),
          engine.request('zell/memory/list', { limit: SHOWN_EVENTS }),
          engine.request('zell/memory/cards', {}),
          // No model, no adapters; everything else is there all the same.
          engine.request('zell/adapters/list', {}).catch(() => undefined),
        ]);
        return { status, curve, ...list, cards, ...(adapters === undefined ? {} : { adapters }) };
      },
      ...memoryHandlers(engine, pages),
      'adapters/rollback': async () => {
        await engine.request('zell/adapters/rollback', {});
        return null;
      },
      'adapters/answer': async ({ prompt, adapter }) => {
        const { loaded } = await engine.request('zell/adapters/list', {});
        const without = loaded.map(({ id }) => ({ id, scale: 0 }));
        return { text: await client.answer(prompt, adapter ? [] : without, AbortSignal.timeout(ANSWER_MS)) };
      },
      'engine/restart': async () => {
        await engine.restart();
        return null;
      },
    },
    log,
  );
  let connected = false;
  return vscode.Disposable.from(
    vscode.window.registerWebviewViewProvider('zell.memory', view),
    pages,
    registerMemoryCommands(engine, selection),
    engine.onDidChangeMemory(() => {
      view.emit({ type: 'memory/changed' });
    }),
    engine.onDidChange(({ kind }) => {
      view.emit({ type: 'engine/status', status: engine.status });
      const now = kind === 'connected';
      if (now && !connected) view.emit({ type: 'memory/changed' });
      connected = now;
    }),
  );
}

function memoryHandlers(engine: EngineService, pages: ConversationPages): WebviewHandlers {
  return {
    'memory/delete': async (params) => {
      await engine.request('zell/memory/delete', params);
      return null;
    },
    'memory/mode': async ({ mode }) => {
      await engine.request('zell/memory/mode', { mode });
      return null;
    },
    'memory/sleep': async () => {
      await engine.request('zell/memory/sleep', {});
      return null;
    },
    'memory/wake': async () => {
      await engine.request('zell/memory/wake', {});
      return null;
    },
    'memory/pause': async () => {
      await pauseLearning(engine);
      return null;
    },
    'memory/resume': async () => {
      await engine.request('zell/memory/resume', {});
      return null;
    },
    'memory/sources': async ({ id }) => {
      const { events } = await engine.request('zell/memory/card', { id });
      return { events };
    },
    'memory/editCard': async (edit) => {
      await engine.request('zell/memory/editCard', edit);
      return null;
    },
    'memory/forgetCard': async ({ id }) => {
      await engine.request('zell/memory/forget', { cards: [id] });
      return null;
    },
    'memory/openConversation': async ({ conversation }) => {
      await pages.open(conversation);
      return null;
    },
    'memory/clear': async () => {
      await clearMemory(engine);
      return null;
    },
  };
}
