/** Follows accepted ghost text for some seconds and tells the host what stayed of it; counts what was not taken. */
import * as vscode from 'vscode';
import { moveRange, type TextRange } from '../../core/trackedRange.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';
import { memoryAllowed } from '../../platform/settings.ts';
import { relativeName, workspaceId } from '../../platform/workspace.ts';

/** Run by the editor when a suggestion is accepted. */
export const ACCEPTED_COMMAND = 'zell.completion.accepted';

/** Corrections of the user fall into these seconds. */
const WATCH_MS = 6000;
/** End of the text before the suggestion that becomes the event's prompt. */
const PREFIX_TAIL = 2000;
/** Beginning of the text behind it. */
const SUFFIX_HEAD = 500;
const KEPT_OFFERS = 50;

export interface Offer {
  readonly uri: string;
  /** Offset where the suggestion begins. */
  readonly start: number;
  readonly text: string;
  readonly prefix: string;
  readonly languageId: string;
}

interface Watch {
  readonly offer: Offer;
  range: TextRange;
  readonly timer: NodeJS.Timeout;
}

export class AcceptanceTracker implements vscode.Disposable {
  readonly #engine: EngineService;
  readonly #offers = new Map<number, Offer>();
  readonly #watches = new Set<Watch>();
  readonly #listeners: vscode.Disposable;
  #newest: Offer | undefined;
  #lastId = 0;

  constructor(engine: EngineService) {
    this.#engine = engine;
    this.#listeners = vscode.Disposable.from(
      vscode.commands.registerCommand(ACCEPTED_COMMAND, (id: unknown) => {
        if (typeof id === 'number') this.#accepted(id);
      }),
      vscode.workspace.onDidChangeTextDocument((event) => {
        this.#follow(event);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        for (const watch of [...this.#watches]) if (watch.offer.uri === document.uri.toString()) this.#report(watch);
      }),
    );
  }

  /** A suggestion goes to the editor; the id belongs into its command. */
  offered(offer: Offer): number {
    const before = this.#newest;
    // Typing along a suggestion offers its rest again: that is no new one, and no rejection of the old.
    const same = before?.uri === offer.uri && before.start + before.text.length === offer.start + offer.text.length;
    if (before && !same && memoryAllowed()) this.#engine.notify('zell/completion/rejected', {});
    this.#newest = offer;
    const id = ++this.#lastId;
    this.#offers.set(id, offer);
    this.#offers.delete(id - KEPT_OFFERS);
    return id;
  }

  dispose(): void {
    for (const watch of [...this.#watches]) this.#report(watch);
    this.#listeners.dispose();
  }

  #accepted(id: number): void {
    const offer = this.#offers.get(id);
    this.#offers.delete(id);
    this.#newest = undefined;
    if (!offer) return;
    const watch: Watch = {
      offer,
      range: { start: offer.start, end: offer.start + insertedLength(offer) },
      timer: setTimeout(() => {
        this.#report(watch);
      }, WATCH_MS),
    };
    this.#watches.add(watch);
  }

  #follow({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const uri = document.uri.toString();
    for (const watch of this.#watches) {
      if (watch.offer.uri !== uri) continue;
      for (const { rangeOffset, rangeLength, text } of contentChanges)
        watch.range = moveRange(watch.range, { offset: rangeOffset, length: rangeLength, inserted: text.length });
    }
  }

  #report(watch: Watch): void {
    clearTimeout(watch.timer);
    this.#watches.delete(watch);
    const document = openDocument(watch.offer.uri);
    if (!document || !memoryAllowed(document)) return;
    const { start, end } = watch.range;
    const inserted = document.getText(new vscode.Range(document.positionAt(start), document.positionAt(end)));
    if (inserted.trim() === '') return;
    const workspace = workspaceId();
    this.#engine.notify('zell/completion/accepted', {
      prefixTail: watch.offer.prefix.slice(-PREFIX_TAIL),
      inserted,
      suffixHead: textBehind(document, end),
      languageId: watch.offer.languageId,
      fileName: relativeName(document.uri),
      ...(workspace === undefined ? {} : { workspace }),
    });
  }
}

function textBehind(document: vscode.TextDocument, end: number): string {
  return document.getText(new vscode.Range(document.positionAt(end), document.positionAt(end + SUFFIX_HEAD)));
}

/** Units that the suggestion takes in its document: a line break is two of them in a file of Windows. */
function insertedLength({ uri, text }: Offer): number {
  const crlf = openDocument(uri)?.eol === vscode.EndOfLine.CRLF;
  return crlf ? text.replaceAll('\n', '\r\n').length : text.length;
}

function openDocument(uri: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri);
}
