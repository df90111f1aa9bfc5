/** The open workspace: its name for the engine, and how files are called in it. */
import { createHash } from 'node:crypto';
import * as vscode from 'vscode';

/** Hash that tells workspaces apart without naming them; undefined when no folder is open. */
export function workspaceId(): string | undefined {
  const folder = vscode.workspace.workspaceFile ?? vscode.workspace.workspaceFolders?.[0]?.uri;
  return folder && createHash('sha256').update(folder.toString()).digest('hex').slice(0, 16);
}

/** Path of a document relative to its workspace folder, with forward slashes; the base name outside of one. */
export function relativeName(uri: vscode.Uri): string {
  const relative = vscode.workspace.asRelativePath(uri, false).replaceAll('\\', '/');
  return relative.startsWith('/') || /^[a-z]:/i.test(relative) ? (relative.split('/').pop() ?? '') : relative;
}
