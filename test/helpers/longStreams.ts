// A long answer in each dialect, read raw, so that tests see how a stream ends.
import type { RunningHost } from './zellHost.ts';

export const STORY = [{ role: 'user', content: 'Tell a very long story about a lighthouse keeper and the sea.' }];

const REQUESTS = {
  openai: ['/v1/chat/completions', { messages: STORY, stream: true, max_tokens: 3000, ignore_eos: true }],
  anthropic: ['/v1/messages', { model: 'x', messages: STORY, stream: true, max_tokens: 3000 }],
  ollama: ['/api/chat', { model: '', messages: STORY, options: { num_predict: 3000 } }],
  llamacpp: ['/completion', { prompt: 'Once upon a time', n_predict: 3000, ignore_eos: true, stream: true }],
} as const;
export type Dialect = keyof typeof REQUESTS;

export class LongStream {
  readonly dialect: Dialect;
  /** Everything that came so far. */
  text = '';
  /** Resolves when the connection has ended; rejects when it broke off instead of ending. */
  readonly ended: Promise<void>;
  readonly #abort = new AbortController();

  constructor(host: RunningHost, dialect: Dialect) {
    this.dialect = dialect;
    this.ended = this.#read(host);
    // Whoever asks for it sees the failure.
    this.ended.catch(() => undefined);
  }

  /** Pieces of the answer so far. */
  get pieces(): number {
    const mark = { openai: '"content":"', anthropic: '"text_delta"', ollama: '"done":false', llamacpp: '"content":"' };
    return this.text.split(mark[this.dialect]).length - 1;
  }

  abort(): void {
    this.#abort.abort();
  }

  async #read(host: RunningHost): Promise<void> {
    const [route, body] = REQUESTS[this.dialect];
    const response = await fetch(host.url + route, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: this.#abort.signal,
    });
    if (!response.ok || response.body === null) throw new Error(`${route}: ${response.status}`);
    const decoder = new TextDecoder();
    for await (const bytes of response.body as AsyncIterable<Uint8Array>)
      this.text += decoder.decode(bytes, { stream: true });
  }
}

/** Milliseconds from the request to the first piece of a short answer. */
export async function timeToFirstToken(host: RunningHost): Promise<number> {
  const started = performance.now();
  const response = await host.send('/v1/chat/completions', {
    messages: [{ role: 'user', content: 'Say hello.' }],
    stream: true,
    max_tokens: 8,
    temperature: 0,
  });
  if (!response.ok || response.body === null) throw new Error(`${response.status} ${await response.text()}`);
  const decoder = new TextDecoder();
  let text = '';
  let first: number | undefined;
  for await (const bytes of response.body as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true });
    if (first === undefined && /"content":"[^"]/.test(text)) first = performance.now() - started;
  }
  if (first === undefined || !text.trimEnd().endsWith('data: [DONE]')) throw new Error(`no answer: ${text}`);
  return first;
}
