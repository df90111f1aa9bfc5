/** Entry of the extension. */
import type * as vscode from 'vscode';
import { compose } from './composition.ts';

export function activate(context: vscode.ExtensionContext): void {
  compose(context);
}

/** Everything is disposed through the context's subscriptions; the host outlives the window. */
export function deactivate(): void {
  // Nothing is left to do.
}
