/** Ghost text through the editor's own commands: asked for, shown, taken; and not for a secret file. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';

const NUMBERS = 'one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\nsix =';
/** Loading the model included. */
const PATIENCE_MS = 45_000;

export function completionSuite(): void {
  describe('inline completion', () => {
    afterEach(async () => {
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    });

    it('answers in a file of code', async () => {
      const editor = await openWith('numbers.py', NUMBERS);
      const end = Date.now() + PATIENCE_MS;
      while (!editor.document.getText().endsWith('six = 6') && Date.now() < end) await trigger(1000);
      assert.equal(editor.document.getText().endsWith('six = 6'), true, editor.document.getText());
    });

    it('answers nothing in a file that holds secrets', async () => {
      const editor = await openWith('.env', NUMBERS);
      for (let i = 0; i < 3; i++) await trigger(700);
      assert.equal(editor.document.getText(), NUMBERS);
    });

    it('answers nothing where the user excluded the file', async () => {
      const settings = vscode.workspace.getConfiguration('zell.inlineCompletion');
      await settings.update('exclude', ['**/private-*'], vscode.ConfigurationTarget.Global);
      try {
        const editor = await openWith('private-numbers.py', NUMBERS);
        for (let i = 0; i < 2; i++) await trigger(700);
        assert.equal(editor.document.getText(), NUMBERS);
      } finally {
        await settings.update('exclude', undefined, vscode.ConfigurationTarget.Global);
      }
    });
  });
}

/** Asks for a suggestion, waits, and takes it if there is one. */
async function trigger(waitMs: number): Promise<void> {
  await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
}

async function openWith(name: string, text: string): Promise<vscode.TextEditor> {
  const uri = vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, name);
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
  const editor = await vscode.window.showTextDocument(uri);
  const at = editor.document.positionAt(text.length);
  editor.selection = new vscode.Selection(at, at);
  return editor;
}
