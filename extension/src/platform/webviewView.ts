/** A view of ours in the side bar: page, checked requests in, events out. What it does with a request is the feature's. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { ToWebview, WebviewEvent, WebviewMethod, WebviewRequests } from '#protocol/webview.ts';
import { parseRequest, type WebviewRequest } from '../core/webviewMessages.ts';
import { explainError } from './errorText.ts';
import { describeError, type Log } from './log.ts';
import { webviewPage } from './webviewPage.ts';

/** The methods that one view answers. Others are refused. */
export type WebviewHandlers = {
  readonly [M in WebviewMethod]?: (params: WebviewRequests[M]['params']) => Promise<WebviewRequests[M]['result']>;
};

export class ZellView implements vscode.WebviewViewProvider {
  readonly #extension: vscode.Uri;
  readonly #name: string;
  readonly #title: string;
  readonly #handlers: WebviewHandlers;
  readonly #log: Log;
  #view: vscode.WebviewView | undefined;

  /** `name`: of the bundle in `dist/webview`. */
  constructor(extension: vscode.Uri, name: string, title: string, handlers: WebviewHandlers, log: Log) {
    this.#extension = extension;
    this.#name = name;
    this.#title = title;
    this.#handlers = handlers;
    this.#log = log;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    const folder = vscode.Uri.joinPath(this.#extension, 'dist', 'webview');
    webview.options = { enableScripts: true, localResourceRoots: [folder] };
    webview.onDidReceiveMessage((message: unknown) => this.#receive(view, message));
    view.onDidDispose(() => {
      if (this.#view === view) this.#view = undefined;
    });
    this.#view = view;
    const resource = (file: string): string => webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString();
    webview.html = webviewPage({
      title: this.#title,
      script: resource(`${this.#name}.js`),
      style: resource(`${this.#name}.css`),
      cspSource: webview.cspSource,
      nonce: randomBytes(16).toString('hex'),
    });
  }

  /** Dropped while the view is hidden: on its return it asks for everything. */
  emit(event: WebviewEvent): void {
    if (this.#view) this.#post(this.#view, { v: 1, event });
  }

  async #receive(view: vscode.WebviewView, message: unknown): Promise<void> {
    const request = parseRequest(message);
    if (!request) {
      this.#log.warn(`The ${this.#name} view sent a message that is not of this protocol.`);
      return;
    }
    try {
      this.#post(view, { v: 1, id: request.id, result: await this.#answer(request) });
    } catch (error) {
      this.#log.warn(`${request.method}: ${describeError(error)}`);
      this.#post(view, { v: 1, id: request.id, error: explainError(error) });
    }
  }

  async #answer({ method, params }: WebviewRequest): Promise<unknown> {
    // The table pairs each method with its own parameters, and `parseRequest` has checked them.
    const handler = this.#handlers[method] as ((params: unknown) => Promise<unknown>) | undefined;
    if (!handler) throw new Error(`The ${this.#name} view may not call ${method}.`);
    return handler(params);
  }

  #post(view: vscode.WebviewView, message: ToWebview): void {
    void view.webview.postMessage(message);
  }
}
