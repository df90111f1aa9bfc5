/** The client's end of the editor socket, for the command line and for a newer host that replaces an older one. */
import { CancellationTokenSource, createMessageConnection, ResponseError } from 'vscode-jsonrpc/node';
import { WebSocket } from 'ws';
import type { Announcement } from '#protocol/announcement.ts';
import { isErrorCode, ZellError, type WireError } from '#protocol/errors.ts';
import {
  CLIENT_HEADER,
  EDITOR_SOCKET_PATH,
  type ClientKind,
  type EditorMethod,
  type EditorNotifications,
  type EditorRequests,
  type HostStatus,
} from '#protocol/editor.ts';
import { urlHost } from './announcement.ts';
import { WebSocketReader, WebSocketWriter } from './webSocketTransport.ts';

/** An open connection is a lease: the host stays as long as it is open. */
export interface HostClient {
  /** @throws {ZellError} the host's own errors; `engine_crashed` when the connection breaks first */
  readonly request: <M extends EditorMethod>(
    method: M,
    params: EditorRequests[M]['params'],
    signal: AbortSignal,
  ) => Promise<EditorRequests[M]['result']>;
  /** Nobody answers; what is sent before a request is dealt with before it. */
  readonly notify: <N extends keyof EditorNotifications>(name: N, params: EditorNotifications[N]) => Promise<void>;
  readonly onStatus: (listener: (status: HostStatus) => void) => void;
  readonly close: () => void;
}

/** @throws {ZellError} io when nobody answers, unauthorized when the token is not the host's */
export async function connectHost(announcement: Announcement, kind: ClientKind): Promise<HostClient> {
  const socket = await open(announcement, kind);
  const connection = createMessageConnection(new WebSocketReader(socket), new WebSocketWriter(socket));
  const lost = new AbortController();
  connection.onClose(() => lost.abort());
  // Failures show in the requests that they hit.
  connection.onError(() => undefined);
  connection.listen();
  return {
    async request<M extends EditorMethod>(method: M, params: EditorRequests[M]['params'], signal: AbortSignal) {
      const source = new CancellationTokenSource();
      const cancel = (): void => source.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      const answered = new AbortController();
      try {
        const result = connection.sendRequest<EditorRequests[M]['result']>(method, params, source.token);
        return await Promise.race([result, rejectWhen(lost.signal, connectionLost, answered.signal)]);
      } catch (error) {
        throw asZellError(error);
      } finally {
        answered.abort();
        signal.removeEventListener('abort', cancel);
        source.dispose();
      }
    },
    notify: (name, params) => connection.sendNotification(name, params),
    onStatus: (listener) => {
      connection.onNotification('zell/status', listener);
    },
    close: () => {
      socket.close();
    },
  };
}

function open(announcement: Announcement, kind: ClientKind): Promise<WebSocket> {
  const url = `ws://${urlHost(announcement.host)}:${announcement.port}${EDITOR_SOCKET_PATH}`;
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${announcement.token}`, [CLIENT_HEADER]: kind },
    handshakeTimeout: 5000,
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.off('error', failed);
      resolve(socket);
    });
    const failed = (error: Error): void => {
      const unauthorized = error.message.includes('401');
      reject(
        unauthorized
          ? new ZellError('unauthorized', 'The engine does not know this token.')
          : new ZellError('io', `The engine does not answer (${error.message}).`),
      );
    };
    socket.once('error', failed);
  });
}

/** Listens until `over`, so that a connection of many requests does not gather listeners. */
function rejectWhen(signal: AbortSignal, reason: () => Error, over: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(reason());
    else signal.addEventListener('abort', () => reject(reason()), { once: true, signal: over });
  });
}

function connectionLost(): ZellError {
  return new ZellError('engine_crashed', 'The engine ended before it answered. See engine.log in the Zell home.');
}

function asZellError(error: unknown): unknown {
  if (!(error instanceof ResponseError)) return error;
  const wire = error.data as Partial<WireError> | undefined;
  if (wire !== undefined && isErrorCode(wire.code) && typeof wire.message === 'string')
    return ZellError.fromWire({ ...wire, code: wire.code, message: wire.message });
  return new ZellError('internal', error.message);
}
