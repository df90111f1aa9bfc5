/** Ghost text: gathers what stands around the cursor, asks the completion service, follows what is accepted. */
import * as vscode from 'vscode';
import { CompletionService, type CompletionRequest, type Fate } from '../../core/completionService.ts';
import { cutWindow, DEFAULT_WINDOW } from '../../core/completionWindow.ts';
import { maySend } from '../../core/documents.ts';
import { TypingRhythm } from '../../core/typingRhythm.ts';
import { signalOf, wait } from '../../platform/cancellation.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';
import { describeError, type Log } from '../../platform/log.ts';
import { completionSettings, toggleInlineCompletion, type CompletionSettings } from '../../platform/settings.ts';
import { AcceptanceTracker, ACCEPTED_COMMAND } from './acceptanceTracker.ts';
import { LspCompletionEngine, type PlacedRequest } from './lspCompletionEngine.ts';

/** Lines around the cursor that are read; the window then keeps what fits into its bytes. */
const LINES_BEFORE = 1000;
const LINES_AFTER = 300;

export function registerCompletion(engine: EngineService, log: Log): vscode.Disposable {
  const provider = new GhostTextProvider(engine, log);
  engine.useCompletionProvider(provider);
  return vscode.Disposable.from(
    provider,
    vscode.commands.registerCommand('zell.toggleInlineCompletion', async () => {
      const enabled = await toggleInlineCompletion();
      vscode.window.setStatusBarMessage(`Zell: inline completion is ${enabled ? 'on' : 'off'}.`, 4000);
    }),
  );
}

class GhostTextProvider implements vscode.InlineCompletionItemProvider, vscode.Disposable {
  readonly #service: CompletionService;
  readonly #rhythm = new TypingRhythm();
  readonly #acceptance: AcceptanceTracker;
  readonly #listeners: vscode.Disposable;
  readonly #log: Log;
  #model: string | undefined;

  constructor(engine: EngineService, log: Log) {
    this.#log = log;
    this.#acceptance = new AcceptanceTracker(engine);
    this.#service = new CompletionService(
      new LspCompletionEngine(engine, (ms) => {
        this.#rhythm.answered(ms);
      }),
      {
        delay: (request) => (request as PlacedRequest).settings.debounceMs ?? this.#rhythm.delay(lastTyped(request)),
        wait,
      },
      (fate: Fate) => {
        log.trace(`Inline completion: ${fate}.`);
      },
    );
    this.#listeners = vscode.Disposable.from(
      this.#acceptance,
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document === vscode.window.activeTextEditor?.document) this.#rhythm.key(performance.now());
      }),
      engine.onDidChange((view) => {
        const model = view.kind === 'connected' ? view.status.model?.modelHash : undefined;
        if (model === undefined || model === this.#model) return;
        this.#model = model;
        this.#service.forget();
      }),
    );
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    const settings = completionSettings(document);
    if (!settings.enable || !mayComplete(document, settings)) return [];
    const cancellation = signalOf(token);
    try {
      const request = gather(document, position, context, settings);
      const text = await this.#service.complete(request, cancellation.signal);
      if (text === undefined) return [];
      return [this.#item(request, text)];
    } catch (error) {
      // Shown by the status item; a pop-up while typing would help nobody.
      this.#log.debug(`Inline completion: ${describeError(error)}`);
      return [];
    } finally {
      cancellation.dispose();
    }
  }

  dispose(): void {
    this.#listeners.dispose();
  }

  #item({ at, range, selectedText, window }: PlacedRequest, text: string): vscode.InlineCompletionItem {
    const insertText = selectedText + text;
    const item = new vscode.InlineCompletionItem(insertText, range);
    const id = this.#acceptance.offered({
      uri: at.document.uri.toString(),
      start: at.document.offsetAt(range.start),
      text: insertText,
      prefix: window.prefix,
      languageId: at.document.languageId,
    });
    item.command = { command: ACCEPTED_COMMAND, title: 'Completion accepted', arguments: [id] };
    return item;
  }
}

/** False for secret files, for documents that nobody edits, and for what the user excluded. */
function mayComplete(document: vscode.TextDocument, settings: CompletionSettings): boolean {
  if (!maySend(document.uri.scheme, document.uri.path)) return false;
  return settings.exclude.every((pattern) => vscode.languages.match({ pattern }, document) === 0);
}

function gather(
  document: vscode.TextDocument,
  position: vscode.Position,
  context: vscode.InlineCompletionContext,
  settings: CompletionSettings,
): PlacedRequest {
  const line = document.lineAt(position.line).text;
  // With an item selected in the suggest widget, ghost text is only shown when it goes on from that item.
  const selected = context.selectedCompletionInfo;
  const range = selected?.range ?? new vscode.Range(position, position);
  const selectedText = selected?.text ?? '';
  const first = new vscode.Position(Math.max(0, range.start.line - LINES_BEFORE), 0);
  const last = document.lineAt(Math.min(document.lineCount - 1, range.end.line + LINES_AFTER)).range.end;
  const before = document.getText(new vscode.Range(first, range.start)) + selectedText;
  const after = document.getText(new vscode.Range(range.end, last));
  return {
    document: document.uri.toString(),
    cursor: {
      languageId: document.languageId,
      linePrefix: line.slice(0, range.start.character) + selectedText,
      lineSuffix: line.slice(range.end.character),
      nextLine: position.line + 1 < document.lineCount ? document.lineAt(position.line + 1).text : undefined,
      automatic: context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic,
      multiLine: settings.multiLine,
    },
    window: cutWindow(before.replaceAll('\r\n', '\n'), after.replaceAll('\r\n', '\n'), DEFAULT_WINDOW),
    at: { document, position, context },
    range,
    selectedText,
    settings,
  };
}

function lastTyped({ window }: CompletionRequest): string {
  return window.prefix.slice(-1);
}
