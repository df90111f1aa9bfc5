/** The text that is selected in the last active editor: what a question may take along. */
import * as vscode from 'vscode';
import type { Attachment } from '../core/chatService.ts';
import { maySend } from '../core/documents.ts';
import { relativeName } from './workspace.ts';

/** More than this is no selection but a file; it would only fill the context. */
const MAX_CHARS = 64 * 1024;
const SETTLE_MS = 120;

export class SelectionService implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<string | undefined>();
  /** Fires with the new label when it changes. */
  readonly onDidChange = this.#changed.event;
  readonly #listeners: vscode.Disposable;
  #editor: vscode.TextEditor | undefined = vscode.window.activeTextEditor;
  #label: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #marked = '';

  constructor() {
    this.#label = this.current()?.label;
    this.#listeners = vscode.Disposable.from(
      // Focus in a view leaves the selection as it is: the active editor stays the last one.
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        this.#editor = editor ?? vscode.window.visibleTextEditors.find((visible) => visible === this.#editor);
        this.#settle();
      }),
      vscode.window.onDidChangeTextEditorSelection(() => {
        this.#marked = '';
        this.#settle();
      }),
    );
  }

  get label(): string | undefined {
    return this.#label;
  }

  /** The selection with a label such as `src/a.ts:3-7`; undefined when nothing is selected or the file is secret. */
  current(): Attachment | undefined {
    const editor = this.#editor;
    if (!editor || editor.selection.isEmpty || !maySend(editor.document.uri.scheme, editor.document.uri.path))
      return undefined;
    const { start, end } = editor.selection;
    const text = editor.document.getText(editor.selection);
    if (text.trim() === '' || text.length > MAX_CHARS) return undefined;
    const lines = start.line === end.line ? `${start.line + 1}` : `${start.line + 1}-${end.line + 1}`;
    return { label: `${relativeName(editor.document.uri)}:${lines}`, text };
  }

  /** What is marked in a view of ours; a selection made in an editor afterwards counts instead. */
  mark(text: string): void {
    this.#marked = text;
  }

  /** What was marked last, in a view or in an editor. */
  get lastMarked(): string | undefined {
    return this.#marked.trim() === '' ? this.current()?.text : this.#marked;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#listeners.dispose();
    this.#changed.dispose();
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const label = this.current()?.label;
      if (label === this.#label) return;
      this.#label = label;
      this.#changed.fire(label);
    }, SETTLE_MS);
  }
}
