/** Commands about the engine as a whole, and the message when it does not start. */
import * as vscode from 'vscode';
import { explainError } from '../../platform/errorText.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';
import type { Log } from '../../platform/log.ts';

export function registerEngineCommands(engine: EngineService, log: Log): vscode.Disposable {
  let told = false;
  return vscode.Disposable.from(
    vscode.commands.registerCommand('zell.startEngine', () => {
      told = false;
      engine.start();
    }),
    vscode.commands.registerCommand('zell.restartEngine', async () => {
      told = false;
      try {
        await engine.restart();
      } catch (error) {
        await showFailure(explainError(error), log);
      }
    }),
    vscode.commands.registerCommand('zell.showLog', () => {
      log.show();
    }),
    engine.onDidChange((view) => {
      if (view.kind === 'connected') told = false;
      if (view.kind !== 'failed' || told) return;
      // Once: the attempts that follow show in the status bar.
      told = true;
      void showFailure(view.message, log);
    }),
  );
}

async function showFailure(message: string, log: Log): Promise<void> {
  const show = 'Show Log';
  const again = 'Try Again';
  const choice = await vscode.window.showErrorMessage(`Zell: ${message}`, again, show);
  if (choice === show) log.show();
  else if (choice === again) await vscode.commands.executeCommand('zell.restartEngine');
}
