/** One client on the editor socket: LSP initialize and inline completion, the `zell/*` methods, status pushes, one lease. */
import {
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  type CancellationToken,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import type { InitializeResult, InlineCompletionList, InlineCompletionParams } from 'vscode-languageserver-protocol';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { toWireError, ZellError } from '#protocol/errors.ts';
import type { EditorMethod, HostNotifications } from '#protocol/editor.ts';
import { completeInline, parseWindow } from '../completion/inlineCompletion.ts';
import { editorMethods, editorNotices, type EditorParts } from './editorMethods.ts';
import { WebSocketReader, WebSocketWriter } from './webSocketTransport.ts';

/** LSP 3.18: the request was cancelled by its sender. */
const REQUEST_CANCELLED = -32800;
/** LSP 3.18: the request failed; `data` holds the `WireError`. */
const REQUEST_FAILED = -32803;

/** Runs until the socket closes; everything that the client asked for and did not get is cancelled then. */
export function serveEditor(socket: WebSocket, parts: EditorParts, log: Logger): void {
  const connection = createMessageConnection(new WebSocketReader(socket), new WebSocketWriter(socket), {
    error: (message) => log.warn({ message }, 'editor socket'),
    warn: () => undefined,
    info: () => undefined,
    log: () => undefined,
  });
  const gone = new AbortController();
  registerLsp(connection, parts, gone.signal);
  registerZell(connection, parts, gone.signal);
  const notify = (method: keyof HostNotifications, params: HostNotifications[keyof HostNotifications]): void => {
    connection.sendNotification(method, params).catch(() => undefined);
  };
  const endStatus = parts.status.subscribe((status) => notify('zell/status', status));
  const endMemory = parts.onMemoryChanged((lastEventId) => notify('zell/memory/changed', { lastEventId }));
  connection.onClose(() => {
    endStatus();
    endMemory();
    gone.abort();
    connection.dispose();
  });
  connection.listen();
}

function registerLsp(connection: MessageConnection, parts: EditorParts, gone: AbortSignal): void {
  connection.onRequest('initialize', (): InitializeResult => {
    // The first status goes out once the client is ready to take it.
    parts.status.touch();
    return {
      capabilities: { inlineCompletionProvider: true },
      serverInfo: { name: 'zell', version: parts.version },
    };
  });
  connection.onNotification('initialized', () => {
    connection.sendNotification('zell/status', parts.status.get()).catch(() => undefined);
  });
  connection.onRequest('shutdown', () => null);
  connection.onNotification('exit', () => connection.end());
  connection.onRequest(
    'textDocument/inlineCompletion',
    (params: InlineCompletionParams & { zell?: unknown }, token: CancellationToken) =>
      answer(token, gone, async (signal): Promise<InlineCompletionList> => {
        const window = parseWindow(params.zell);
        if (window === undefined) {
          if (params.zell === undefined) return { items: [] };
          throw new ZellError('invalid_request', 'The field "zell" is not a completion window.');
        }
        // Held: another client's wish for another model waits for it.
        const { model, release } = await parts.models.acquire(undefined, signal);
        try {
          const insertText = await completeInline(parts.engine, model, window, signal);
          return { items: insertText === '' ? [] : [{ insertText }] };
        } finally {
          release();
        }
      }),
  );
}

function registerZell(connection: MessageConnection, parts: EditorParts, gone: AbortSignal): void {
  const methods = editorMethods(parts);
  for (const method of Object.keys(methods) as EditorMethod[]) {
    const handler = methods[method] as (params: unknown, signal: AbortSignal) => Promise<unknown>;
    connection.onRequest(method, (params: unknown, token: CancellationToken) =>
      answer(token, gone, (signal) => handler(asObject(params), signal)),
    );
  }
  for (const [name, notice] of Object.entries(editorNotices(parts))) {
    connection.onNotification(name, (params: unknown) => (notice as (params: unknown) => void)(asObject(params)));
  }
}

/** Runs a handler with a signal that `$/cancelRequest` and a closed socket abort; failures keep their wire error in `data`. */
async function answer<T>(
  token: CancellationToken,
  gone: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | ResponseError<unknown>> {
  const controller = new AbortController();
  const subscription = token.onCancellationRequested(() => controller.abort());
  try {
    return await work(AbortSignal.any([controller.signal, gone]));
  } catch (error) {
    const wire = toWireError(error);
    if (wire.code === 'cancelled' || controller.signal.aborted)
      return new ResponseError(REQUEST_CANCELLED, 'cancelled', wire);
    return new ResponseError(
      wire.code === 'invalid_request' ? ErrorCodes.InvalidParams : REQUEST_FAILED,
      wire.message,
      wire,
    );
  } finally {
    subscription.dispose();
  }
}

function asObject(params: unknown): object {
  return typeof params === 'object' && params !== null && !Array.isArray(params) ? params : {};
}
