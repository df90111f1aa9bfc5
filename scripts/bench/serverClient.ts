// A client that costs little: sends one request and notes when its answer's pieces arrived.
import http from 'node:http';
import type { Server } from './serverProcess.ts';

// A connection for each request: llama-server closes one that was idle for seconds, now and then under a new request's hands.
const agent = new http.Agent({ keepAlive: false });

export interface Answer {
  /** Of the answer, as the server counts them. */
  readonly tokens: number;
  /** Moments of `performance.now()`. */
  readonly sentAt: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Speeds are of single steps, on both sides: drafted tokens hang on the text and have a suite of their own. */
export const NO_DRAFTS = { 'speculative.n_max': 0 } as const;

export interface ChatOptions {
  readonly system?: string;
  readonly user: string;
  /** So many tokens come: the end mark is ignored. */
  readonly tokens: number;
  /** The first piece of text is there. */
  readonly onFirst?: () => void;
}

/** `POST /v1/chat/completions`, streamed, greedy. @throws {Error} anything but a complete answer */
export async function chat(server: Server, options: ChatOptions): Promise<Answer> {
  const { system, user, tokens, onFirst } = options;
  const body = {
    messages: [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content: user }],
    max_tokens: tokens,
    temperature: 0,
    ignore_eos: true,
    ...NO_DRAFTS,
    stream: true,
    stream_options: { include_usage: true },
  };
  let firstAt = 0;
  let lastAt = 0;
  const sentAt = performance.now();
  const text = await post(server, '/v1/chat/completions', body, (piece) => {
    if (!/"content":"[^"]/.test(piece)) return;
    lastAt = performance.now();
    if (firstAt !== 0) return;
    firstAt = lastAt;
    onFirst?.();
  });
  const counted = /"completion_tokens":(\d+)/.exec(text)?.[1];
  if (firstAt === 0 || counted === undefined)
    throw new Error(`${server.name} gave no complete answer: ${text.slice(-300)}`);
  return { tokens: Number(counted), sentAt, firstAt, lastAt };
}

/** `POST route`. @returns the whole body; @throws {Error} a status other than 200 */
export function post(
  server: Server,
  route: string,
  body: object,
  onPiece: (piece: string) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const payload = JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const request = http.request(
      { host: '127.0.0.1', port: server.port, path: route, method: 'POST', agent, headers, signal },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
          onPiece(piece);
        });
        response.on('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${server.name} ${route}: ${response.statusCode ?? 0} ${text.slice(0, 300)}`));
        });
      },
    );
    request.setNoDelay(true);
    request.on('error', reject);
    request.end(payload);
  });
}
