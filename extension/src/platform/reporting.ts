/** Failures of commands, told to the person who ran them. */
import * as vscode from 'vscode';
import { ZellError } from '#protocol/errors.ts';
import { explainError } from './errorText.ts';

/** Runs the work of a command; a failure becomes a message, a cancellation does not. Never rejects. */
export async function reporting(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!ZellError.is(error, 'cancelled')) void vscode.window.showErrorMessage(`Zell: ${explainError(error)}`);
  }
}
