/** Commands about the memory: sleep, wake, pause, mode, forget what is marked, erase everything. */
import * as vscode from 'vscode';
import type { MemoryMode } from '#protocol/memory.ts';
import { forgetChoices, forgetRequests, forgottenWords } from '../../core/forgetChoices.ts';
import { pauseChoices, timeOf } from '../../core/pauseChoices.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';
import { reporting } from '../../platform/reporting.ts';
import type { SelectionService } from '../../platform/selection.ts';

const NOTICE_MS = 4000;
const MODES: readonly (vscode.QuickPickItem & { readonly mode: MemoryMode })[] = [
  { mode: 'learn', label: 'Learn', detail: 'Record conversations, and learn from them while the machine is idle.' },
  { mode: 'log', label: 'Record only', detail: 'Record conversations, but do not learn from them.' },
  { mode: 'off', label: 'Off', detail: 'Record nothing and learn nothing.' },
];

export function registerMemoryCommands(engine: EngineService, selection: SelectionService): vscode.Disposable {
  const command = (name: string, work: () => Promise<void>): vscode.Disposable =>
    vscode.commands.registerCommand(`zell.${name}`, () => reporting(work));
  return vscode.Disposable.from(
    command('clearMemory', () => clearMemory(engine)),
    command('toggleMemory', () => toggleMemory(engine)),
    command('setMemoryMode', () => setMode(engine)),
    command('sleepNow', () => sleepNow(engine)),
    command('wake', async () => {
      const { sleep } = await engine.request('zell/memory/wake', {});
      notice(sleep?.reason ?? 'Nothing sleeps.');
    }),
    command('pauseLearning', () => pauseLearning(engine)),
    command('resumeLearning', async () => {
      await engine.request('zell/memory/resume', {});
      notice('Learning goes on.');
    }),
    command('forgetSelection', () => forgetSelection(engine, selection)),
  );
}

export async function clearMemory(engine: EngineService): Promise<void> {
  const erase = 'Erase';
  const choice = await vscode.window.showWarningMessage(
    'Erase everything that Zell remembers?',
    {
      modal: true,
      detail: 'All conversations, memories and what was learned from them are erased. This cannot be undone.',
    },
    erase,
  );
  if (choice !== erase) return;
  const { erased } = await engine.request('zell/memory/clear', {});
  void vscode.window.showInformationMessage(`Zell: ${erased} ${erased === 1 ? 'event' : 'events'} erased.`);
}

/** Asks for how long; nothing changes when the list is closed. A sleep that runs ends. */
export async function pauseLearning(engine: EngineService): Promise<void> {
  const now = Date.now();
  const choice = await vscode.window.showQuickPick(pauseChoices(now), { title: 'Pause Learning' });
  if (!choice) return;
  const { until } = choice;
  await engine.request('zell/memory/pause', until === undefined ? {} : { until });
  notice(until === undefined ? 'Learning is paused.' : `Learning is paused until ${timeOf(until, now)}.`);
}

async function toggleMemory(engine: EngineService): Promise<void> {
  const { enabled } = await engine.request('zell/memory/status', {});
  const after = await engine.request('zell/memory/enable', { enabled: !enabled });
  notice(`memory is ${after.enabled ? 'on' : 'off'}.`);
}

async function setMode(engine: EngineService): Promise<void> {
  const { mode: now } = await engine.request('zell/memory/status', {});
  const items = MODES.map((item) => (item.mode === now ? { ...item, description: 'now' } : item));
  const choice = await vscode.window.showQuickPick(items, { title: 'Memory Mode' });
  if (!choice) return;
  await engine.request('zell/memory/mode', { mode: choice.mode });
  notice(`memory: ${choice.label.toLowerCase()}.`);
}

async function sleepNow(engine: EngineService): Promise<void> {
  const { sleep } = await engine.request('zell/memory/sleep', {});
  notice(sleep?.reason ?? 'It will sleep as soon as the machine allows it.');
  await vscode.commands.executeCommand('zell.memory.focus');
}

/** What is marked in an editor or in the chat: shows where it is remembered, and erases what the person chooses. */
async function forgetSelection(engine: EngineService, selection: SelectionService): Promise<void> {
  const text = selection.lastMarked;
  if (text === undefined) {
    void vscode.window.showInformationMessage('Zell: Mark some text in an editor or in the chat first.');
    return;
  }
  const choices = forgetChoices(text, await engine.request('zell/memory/find', { text }));
  if (choices.length === 0) {
    void vscode.window.showInformationMessage('Zell: Nothing like this is remembered.');
    return;
  }
  const chosen = await vscode.window.showQuickPick(choices, {
    title: 'Forget Selection',
    placeHolder: 'What is chosen is erased for good, with the exchanges that a memory comes from',
    canPickMany: true,
    matchOnDescription: true,
  });
  if (!chosen || chosen.length === 0) return;
  const forget = 'Forget';
  const sure = await vscode.window.showWarningMessage(
    `Forget ${chosen.length === 1 ? 'this' : `these ${chosen.length}`}?`,
    {
      modal: true,
      detail: 'It is erased from the disk, and an adapter that learned it answers no more. This cannot be undone.',
    },
    forget,
  );
  if (sure !== forget) return;
  let [cards, exchanges] = [0, 0];
  for (const request of forgetRequests(chosen)) {
    const forgotten = await engine.request('zell/memory/forget', request);
    cards += forgotten.cards.length;
    exchanges += forgotten.events.length;
  }
  void vscode.window.showInformationMessage(`Zell: forgot ${forgottenWords(cards, exchanges)}.`);
}

function notice(text: string): void {
  vscode.window.setStatusBarMessage(`Zell: ${text}`, NOTICE_MS);
}
