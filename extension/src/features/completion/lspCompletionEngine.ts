/** Asks the host by LSP's `textDocument/inlineCompletion`; the window around the cursor travels in `params.zell`. */
import type * as vscode from 'vscode';
import type { CompletionWindow } from '#protocol/editor.ts';
import type { CompletionShape } from '../../core/completionPolicy.ts';
import type { CompletionEngine, CompletionRequest } from '../../core/completionService.ts';
import type { EngineService } from '../../platform/engine/engineService.ts';
import type { CompletionSettings } from '../../platform/settings.ts';
import { relativeName, workspaceId } from '../../platform/workspace.ts';

/** A request with its place in the editor. */
export interface PlacedRequest extends CompletionRequest {
  readonly at: {
    readonly document: vscode.TextDocument;
    readonly position: vscode.Position;
    readonly context: vscode.InlineCompletionContext;
  };
  /** What the suggestion replaces. */
  readonly range: vscode.Range;
  /** Text of the item that is selected in the suggest widget, else empty. */
  readonly selectedText: string;
  readonly settings: CompletionSettings;
}

/** LSP: invoked by the user is 1 and automatic is 2; the editor counts from 0. */
const INVOKED = 1;
const AUTOMATIC = 2;

export class LspCompletionEngine implements CompletionEngine {
  readonly #engine: EngineService;
  readonly #answered: (ms: number) => void;

  constructor(engine: EngineService, answered: (ms: number) => void) {
    this.#engine = engine;
    this.#answered = answered;
  }

  /** The first suggestion's text, or an empty one. @throws {ZellError} */
  async complete(request: CompletionRequest, shape: CompletionShape, signal: AbortSignal): Promise<string> {
    const { at, settings } = request as PlacedRequest;
    const workspace = workspaceId();
    const zell: CompletionWindow = {
      ...request.window,
      languageId: at.document.languageId,
      fileName: relativeName(at.document.uri),
      shape,
      maxTokens: shape === 'line' ? Math.min(settings.maxTokens, 48) : settings.maxTokens,
      ...(workspace === undefined ? {} : { workspace }),
    };
    const startedAt = performance.now();
    const result = await this.#engine.requestRaw(
      'textDocument/inlineCompletion',
      {
        textDocument: { uri: at.document.uri.toString() },
        position: { line: at.position.line, character: at.position.character },
        context: { triggerKind: request.cursor.automatic ? AUTOMATIC : INVOKED },
        zell,
      },
      signal,
    );
    this.#answered(performance.now() - startedAt);
    return firstText(result);
  }
}

/** LSP allows a list object or an array, and snippets as well as strings. */
function firstText(result: unknown): string {
  const items: unknown = Array.isArray(result) ? result : (result as { items?: unknown } | null)?.items;
  const first = Array.isArray(items) ? (items[0] as { insertText?: unknown } | undefined) : undefined;
  return typeof first?.insertText === 'string' ? first.insertText : '';
}
