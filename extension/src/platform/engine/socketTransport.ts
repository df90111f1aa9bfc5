/** JSON-RPC over a WebSocket: one message of the protocol is one text message of the socket. */
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageReader,
  type MessageTransports,
  type MessageWriter,
} from 'vscode-languageclient/node';
import { WebSocket, type RawData } from 'ws';
import type { Announcement } from '#protocol/announcement.ts';
import { EDITOR_SOCKET_PATH } from '#protocol/editor.ts';
import { ZellError } from '#protocol/errors.ts';
import { addressOf } from './runningHost.ts';

const HANDSHAKE_MS = 5000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** @throws {ZellError} unauthorized, io */
export function openEditorSocket(announcement: Announcement, signal: AbortSignal): Promise<WebSocket> {
  signal.throwIfAborted();
  const socket = new WebSocket(`ws://${addressOf(announcement)}${EDITOR_SOCKET_PATH}`, {
    headers: { authorization: `Bearer ${announcement.token}` },
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      socket.terminate();
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('open', () => {
      signal.removeEventListener('abort', abort);
      resolve(socket);
    });
    socket.once('unexpected-response', (_request, response) => {
      const status = response.statusCode ?? 0;
      socket.terminate();
      reject(
        new ZellError(status === 401 ? 'unauthorized' : 'io', `The engine refused the connection (HTTP ${status}).`),
      );
    });
    // Stays: an error without a listener would end the extension host; `close` follows it.
    socket.on('error', (cause) => {
      signal.removeEventListener('abort', abort);
      reject(new ZellError('io', `No connection to the engine: ${cause.message}.`, { cause }));
    });
  });
}

export function socketTransports(socket: WebSocket): MessageTransports {
  return { reader: new SocketReader(socket), writer: new SocketWriter(socket) };
}

class SocketReader extends AbstractMessageReader implements MessageReader {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    socket.on('error', (error) => {
      this.fireError(error);
    });
    socket.on('close', () => {
      this.fireClose();
    });
  }

  listen(callback: DataCallback): Disposable {
    const receive = (data: RawData): void => {
      try {
        callback(JSON.parse(textOf(data)) as Message);
      } catch (error) {
        this.fireError(error);
      }
    };
    this.#socket.on('message', receive);
    return {
      dispose: () => {
        this.#socket.off('message', receive);
      },
    };
  }
}

class SocketWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #socket: WebSocket;
  #errors = 0;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    socket.on('close', () => {
      this.fireClose();
    });
  }

  write(message: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(JSON.stringify(message), (error) => {
        if (!error) {
          resolve();
          return;
        }
        this.fireError(error, message, ++this.#errors);
        reject(error);
      });
    });
  }

  end(): void {
    this.#socket.close(1000);
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}
