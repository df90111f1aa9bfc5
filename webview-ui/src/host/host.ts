/** The only door to the extension: typed requests out, events in, and what the page remembers while it is hidden. */
import type { ToExtension, ToWebview, WebviewEvent, WebviewMethod, WebviewRequests } from '#protocol/webview.ts';

interface EditorApi {
  postMessage(message: ToExtension): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): EditorApi;

export interface Host {
  /** Rejects with a sentence for people when the extension refuses. */
  request<M extends WebviewMethod>(
    method: M,
    params: WebviewRequests[M]['params'],
  ): Promise<WebviewRequests[M]['result']>;
  /** What the page kept; whatever was stored last, or undefined. */
  remembered(): unknown;
  remember(state: unknown): void;
}

/** Call once for a page: the editor hands its API out only one time. */
export function connect(onEvent: (event: WebviewEvent) => void): Host {
  const editor = acquireVsCodeApi();
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  window.addEventListener('message', ({ data }: MessageEvent<ToWebview | undefined>) => {
    if (data?.v !== 1) return;
    if ('event' in data) {
      onEvent(data.event);
      return;
    }
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if ('error' in data) call?.reject(new Error(data.error));
    else call?.resolve(data.result);
  });
  return {
    request(method, params) {
      const id = ++lastId;
      const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }));
      editor.postMessage({ v: 1, id, method, params });
      return answer as Promise<WebviewRequests[typeof method]['result']>;
    },
    remembered: () => editor.getState(),
    remember: (state) => {
      editor.setState(state);
    },
  };
}
