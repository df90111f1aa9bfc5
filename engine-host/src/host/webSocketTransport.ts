/** JSON-RPC over a WebSocket: one message in one text frame. */
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Disposable,
  type Message,
} from 'vscode-jsonrpc/node';
import type { WebSocket } from 'ws';

export class WebSocketReader extends AbstractMessageReader {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
  }

  listen(callback: DataCallback): Disposable {
    const onMessage = (data: Buffer, isBinary: boolean): void => {
      const message = isBinary ? undefined : parseMessage(data.toString('utf8'));
      // A peer that speaks something else has lost its way: the connection ends, others are not touched.
      if (message === undefined) this.#socket.close(1003, 'JSON-RPC in text frames only');
      else callback(message);
    };
    this.#socket.on('message', onMessage);
    this.#socket.on('error', (error) => this.fireError(error));
    this.#socket.on('close', () => this.fireClose());
    return { dispose: () => this.#socket.off('message', onMessage) };
  }
}

export class WebSocketWriter extends AbstractMessageWriter {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    socket.on('close', () => this.fireClose());
  }

  write(message: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(JSON.stringify(message), (error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
  }

  end(): void {
    this.#socket.close();
  }
}

function parseMessage(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && (value as { jsonrpc?: unknown }).jsonrpc === '2.0'
      ? (value as Message)
      : undefined;
  } catch {
    return undefined;
  }
}
