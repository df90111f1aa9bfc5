/** What a reply may do in the editor, each after a click: code into the document, an address into the browser. */
import * as vscode from 'vscode';
import { ZellError } from '#protocol/errors.ts';
import { openableLink } from '../../core/webviewMessages.ts';

/** Replaces the selection of the active editor; one undo step. @throws {ZellError} invalid_request without an editor. */
export async function insertAtCursor(code: string): Promise<void> {
  const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
  if (!editor) throw new ZellError('invalid_request', 'Open a file first: there is no cursor to insert at.');
  const done = await editor.edit((edit) => {
    for (const selection of editor.selections) edit.replace(selection, code);
  });
  if (!done) throw new ZellError('invalid_request', 'The file cannot be changed.');
  await vscode.window.showTextDocument(editor.document, editor.viewColumn);
}

/** Shows the whole address and opens it only when the user says so. @throws {ZellError} invalid_request for other schemes. */
export async function openLink(href: string): Promise<void> {
  const address = openableLink(href);
  if (address === undefined) throw new ZellError('invalid_request', 'Only web and mail addresses can be opened.');
  const open = 'Open';
  const copy = 'Copy';
  const choice = await vscode.window.showInformationMessage(
    'Open this address outside of the editor?',
    { modal: true, detail: address },
    open,
    copy,
  );
  if (choice === open) await vscode.env.openExternal(vscode.Uri.parse(address, true));
  else if (choice === copy) await vscode.env.clipboard.writeText(address);
}
