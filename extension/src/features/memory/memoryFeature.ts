/** The memory view and its commands: what is remembered, on and off, delete. */
import * as vscode from 'vscode';
import type { EngineService } from '../../platform/engine/engineService.ts';
import type { Log } from '../../platform/log.ts';
import { reporting } from '../../platform/reporting.ts';
import { ZellView } from '../../platform/webviewView.ts';

const SHOWN_EVENTS = 200;

export function registerMemory(context: vscode.ExtensionContext, engine: EngineService, log: Log): vscode.Disposable {
  const view = new ZellView(
    context.extensionUri,
    'memory',
    'Zell Memory',
    {
      'memory/load': async () => {
        view.emit({ type: 'engine/status', status: engine.status });
        const [status, list] = await Promise.all([
          engine.request('zell/memory/status', {}),
          engine.request('zell/memory/list', { limit: SHOWN_EVENTS }),
        ]);
        return { status, ...list };
      },
      'memory/delete': async (params) => {
        await engine.request('zell/memory/delete', params);
        return null;
      },
      'memory/enable': async ({ enabled }) => {
        await engine.request('zell/memory/enable', { enabled });
        return null;
      },
      'memory/clear': async () => {
        await clearMemory(engine);
        return null;
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
    vscode.commands.registerCommand('zell.clearMemory', () => reporting(() => clearMemory(engine))),
    vscode.commands.registerCommand('zell.toggleMemory', () => reporting(() => toggleMemory(engine))),
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

async function clearMemory(engine: EngineService): Promise<void> {
  const erase = 'Erase';
  const choice = await vscode.window.showWarningMessage(
    'Erase everything that Zell remembers?',
    { modal: true, detail: 'All conversations and events of the current model are erased. This cannot be undone.' },
    erase,
  );
  if (choice !== erase) return;
  const { erased } = await engine.request('zell/memory/clear', {});
  void vscode.window.showInformationMessage(`Zell: ${erased} ${erased === 1 ? 'event' : 'events'} erased.`);
}

async function toggleMemory(engine: EngineService): Promise<void> {
  const { enabled } = await engine.request('zell/memory/status', {});
  const after = await engine.request('zell/memory/enable', { enabled: !enabled });
  vscode.window.setStatusBarMessage(`Zell: memory is ${after.enabled ? 'on' : 'off'}.`, 4000);
}
