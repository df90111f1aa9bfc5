/** Forgets a memory that an answer used, after the user confirmed it. */
import * as vscode from 'vscode';
import type { EngineService } from '../../platform/engine/engineService.ts';

/** @returns false when the user kept it */
export async function forgetMemory(engine: EngineService, id: string): Promise<boolean> {
  const { cards } = await engine.request('zell/memory/cards', { ids: [id] });
  const forget = 'Forget';
  const choice = await vscode.window.showWarningMessage(
    'Forget this for good?',
    {
      modal: true,
      detail:
        `${cards[0]?.statement ?? ''}\n\nThe memory goes, with what you said of it, and an adapter that learnt it.`.trim(),
    },
    forget,
  );
  if (choice !== forget) return false;
  await engine.request('zell/memory/forget', { cards: [id] });
  return true;
}
