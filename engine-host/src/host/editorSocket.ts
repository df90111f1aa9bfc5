/** The WebSocket end of the HTTP server: upgrades are guarded, each connection is a lease and a session. */
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { CLIENT_HEADER } from '#protocol/editor.ts';
import type { EditorParts } from './editorMethods.ts';
import { serveEditor } from './editorSession.ts';
import type { Leases } from './leases.ts';
import { refuseUpgrade, type Refusal } from './upgradeGuard.ts';

/** Two sides of a completion window in escaped JSON, with room to spare. */
const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

export interface EditorSocket {
  /** Says goodbye (1001) to everybody. */
  close(): void;
}

export function attachEditorSocket(
  server: Server,
  token: string,
  leases: Leases,
  parts: EditorParts,
  log: Logger,
): EditorSocket {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = refuseUpgrade(request, token);
    if (refusal !== undefined) {
      refuse(socket, refusal);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const release = leases.acquire(request.headers[CLIENT_HEADER] === 'cli' ? 'cli' : 'editor');
      webSocket.once('close', release);
      webSocket.on('error', (error) => log.warn({ message: error.message }, 'editor socket'));
      serveEditor(webSocket, parts, log);
    });
  });
  return {
    close: () => {
      for (const client of sockets.clients) client.close(1001, 'the engine ends');
      sockets.close();
    },
  };
}

function refuse(socket: Duplex, refusal: Refusal): void {
  socket.end(`HTTP/1.1 ${refusal.status} ${refusal.reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
