/**
 * One live connection to the host: the language client on the editor socket. It syncs no documents (the host asks for no
 * `textDocumentSync`), and every completion request is built by the provider that was passed in.
 */
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  ResponseError,
  RevealOutputChannelOn,
  type LanguageClientOptions,
} from 'vscode-languageclient/node';
import type { WebSocket } from 'ws';
import { isErrorCode, ZellError } from '#protocol/errors.ts';
import { socketTransports } from './socketTransport.ts';

/** Code of JSON-RPC for a request that was cancelled by `$/cancelRequest`. */
const REQUEST_CANCELLED = -32_800;

/** Documents that people edit; the completion feature decides about each of them again. */
const DOCUMENTS = ['file', 'untitled', 'vscode-remote', 'vscode-vfs', 'vscode-notebook-cell'].map((scheme) => ({
  scheme,
}));

export class EditorConnection {
  /** Resolves once with the socket's close code. */
  readonly closed: Promise<number>;
  readonly #client: LanguageClient;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, log: vscode.LogOutputChannel, provider: vscode.InlineCompletionItemProvider) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', resolve);
    });
    const options: LanguageClientOptions = {
      documentSelector: DOCUMENTS,
      outputChannel: log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      // The engine service watches the socket and reconnects; the client must stay silent.
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
      },
      initializationFailedHandler: () => false,
      middleware: {
        provideInlineCompletionItems: (document, position, context, token) =>
          provider.provideInlineCompletionItems(document, position, context, token),
      },
    };
    this.#client = new LanguageClient('zell', 'Zell', () => Promise.resolve(socketTransports(socket)), options);
  }

  async start(): Promise<void> {
    await this.#client.start();
  }

  onNotification(method: string, handler: (params: unknown) => void): void {
    this.#client.onNotification(method, handler);
  }

  /** @throws {ZellError} with the host's code; cancelled when the signal aborts. */
  async request(method: string, params: unknown, signal?: AbortSignal): Promise<unknown> {
    const source = new vscode.CancellationTokenSource();
    const cancel = (): void => {
      source.cancel();
    };
    if (signal?.aborted === true) source.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await this.#client.sendRequest<unknown>(method, params, source.token);
    } catch (error) {
      throw asZellError(error);
    } finally {
      signal?.removeEventListener('abort', cancel);
      source.dispose();
    }
  }

  async notify(method: string, params: unknown): Promise<void> {
    await this.#client.sendNotification(method, params);
  }

  async dispose(): Promise<void> {
    try {
      if (this.#client.isRunning()) await this.#client.dispose(1000);
    } finally {
      this.#socket.terminate();
    }
  }
}

/** The host puts the wire error into `data`; JSON-RPC's own failures become `cancelled`, `io` or `internal`. */
function asZellError(error: unknown): ZellError {
  if (error instanceof ResponseError) {
    if (error.code === REQUEST_CANCELLED) return new ZellError('cancelled', 'Cancelled.');
    const data = error.data as { code?: unknown } | undefined;
    return new ZellError(isErrorCode(data?.code) ? data.code : 'internal', error.message);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ZellError('io', `The connection to the engine failed: ${message}`, { cause: error });
}
