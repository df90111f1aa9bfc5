/** The one status-bar item: what the engine does, and what can be done about it. */
import * as vscode from 'vscode';
import { statusLine } from '../../core/engineView.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';

const COMMANDS = { start: 'zell.startEngine', restart: 'zell.restartEngine', menu: 'zell.showMenu' } as const;

/** Commands offered by a click while all is well. */
const MENU: readonly { readonly label: string; readonly command: string }[] = [
  { label: '$(comment-discussion) New Chat', command: 'zell.newChat' },
  { label: '$(sparkle) Choose Model', command: 'zell.chooseModel' },
  { label: '$(dashboard) Show Model Profile', command: 'zell.showProfile' },
  { label: '$(lightbulb) Toggle Inline Completion', command: 'zell.toggleInlineCompletion' },
  { label: '$(database) Set Memory Mode', command: 'zell.setMemoryMode' },
  { label: '$(mortar-board) Sleep Now', command: 'zell.sleepNow' },
  { label: '$(debug-restart) Restart Engine', command: 'zell.restartEngine' },
  { label: '$(output) Show Log', command: 'zell.showLog' },
];

export function registerStatus(engine: EngineService): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('zell.status', vscode.StatusBarAlignment.Right, 100);
  item.name = 'Zell Engine';
  const update = (): void => {
    const line = statusLine(engine.view);
    item.text = line.text;
    item.tooltip = line.tooltip;
    item.command = COMMANDS[line.action];
    item.accessibilityInformation = { label: `${line.label}. ${line.tooltip}`, role: 'button' };
    item.backgroundColor =
      line.severity === 'error' ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
  };
  update();
  item.show();
  return vscode.Disposable.from(
    item,
    engine.onDidChange(update),
    vscode.commands.registerCommand(COMMANDS.menu, async () => {
      const choice = await vscode.window.showQuickPick(MENU, { title: 'Zell' });
      if (choice) await vscode.commands.executeCommand(choice.command);
    }),
  );
}
