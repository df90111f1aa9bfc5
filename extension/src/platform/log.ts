/** Zell's output channel. Prompts, replies and file texts are never written to it. */
import * as vscode from 'vscode';

export type Log = vscode.LogOutputChannel;

export function createLog(): Log {
  return vscode.window.createOutputChannel('Zell', { log: true });
}

/** Code and message of a failure, for one log line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? `[${error.code}] ` : '';
  return `${code}${error.message}`;
}
