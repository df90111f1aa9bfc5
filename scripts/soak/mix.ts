// What a soak sends: requests of every dialect, right ones, wrong ones, and ones whose client goes away.
import type { Random } from '../prove/random.ts';

export interface SoakRequest {
  readonly kind: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Sent as it is. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that are right. */
  readonly status: readonly number[];
  /** How a whole answer ends. */
  readonly ending?: RegExp;
  /** The client goes away after so many milliseconds. */
  readonly leaveAfterMs?: number;
  /** It also stops in the middle of its body. */
  readonly halfABody?: boolean;
  /** Stands in the event log once the answer is complete, unless the answer was empty. */
  readonly mark?: string;
}

type Make = (random: Random, n: number) => Omit<SoakRequest, 'kind'>;

const ANSWERED = [200];
const SSE_END = /data: \[DONE\]\n\n$/;
const NDJSON_END = /"done":true[^\n]*\}\n$/;
const TOPICS = ['the sea', 'a lighthouse', 'old clocks', 'tea', 'bridges', 'snow', 'maps', 'a violin'];

const said = (random: Random, n: number): string => `soak-${n}: tell me about ${random.pick(TOPICS)}.`;
const tokens = (random: Random): number => 1 + random.below(6);
const chat = (text: string) => ({ messages: [{ role: 'user', content: text }] });
const post = (path: string, body: unknown, more: Partial<SoakRequest> = {}) => ({
  method: 'POST' as const,
  path,
  body: JSON.stringify(body),
  status: ANSWERED,
  ...more,
});

/** An answer that takes longer than its client stays. */
const left = (path: string, body: object): Make => {
  return (random) => post(path, { ...body, stream: true }, { leaveAfterMs: random.below(250) });
};
const LONG = { max_tokens: 400, n_predict: 400, ignore_eos: true, options: { num_predict: 400 } };

const KINDS: Readonly<Record<string, readonly [weight: number, make: Make]>> = {
  'openai chat': [
    10,
    (random, n) => {
      const text = said(random, n);
      return post('/v1/chat/completions', { ...chat(text), max_tokens: tokens(random) }, { mark: text });
    },
  ],
  'openai chat, streamed': [
    10,
    (random, n) => {
      const text = said(random, n);
      const body = { ...chat(text), max_tokens: tokens(random), stream: true };
      return post('/v1/chat/completions', body, { mark: text, ending: SSE_END });
    },
  ],
  'openai completion': [
    6,
    (random, n) => {
      const text = said(random, n);
      return post('/v1/completions', { prompt: text, max_tokens: tokens(random) }, { mark: text });
    },
  ],
  anthropic: [
    6,
    (random, n) => {
      const text = said(random, n);
      return post('/v1/messages', { ...chat(text), max_tokens: tokens(random) }, { mark: text });
    },
  ],
  'anthropic, streamed': [
    8,
    (random, n) => {
      const text = said(random, n);
      const body = { ...chat(text), max_tokens: tokens(random), stream: true };
      return post('/v1/messages', body, { mark: text, ending: /event: message_stop\ndata: [^\n]+\n\n$/ });
    },
  ],
  'ollama chat': [
    8,
    (random, n) => {
      const text = said(random, n);
      return post(
        '/api/chat',
        { ...chat(text), options: { num_predict: tokens(random) } },
        { mark: text, ending: NDJSON_END },
      );
    },
  ],
  'ollama generate': [
    6,
    (random, n) => {
      const text = said(random, n);
      const body = { prompt: text, stream: false, options: { num_predict: tokens(random) } };
      return post('/api/generate', body, { mark: text });
    },
  ],
  'llama.cpp completion': [
    8,
    (random, n) => {
      const text = said(random, n);
      const body = { prompt: text, n_predict: tokens(random), stream: true };
      return post('/completion', body, { mark: text, ending: /"stop":true[^\n]*\n\n$/ });
    },
  ],
  infill: [
    4,
    (random) => post('/infill', { input_prefix: `let x${random.below(50)} = `, input_suffix: ';', n_predict: 4 }),
  ],
  'a longer prompt': [
    3,
    (random) => post('/completion', { prompt: 'word '.repeat(50 + random.below(400)), n_predict: 1 }),
  ],
  tokenize: [8, (random, n) => post('/tokenize', { content: said(random, n) })],
  'count tokens': [4, (random, n) => post('/v1/messages/count_tokens', chat(said(random, n)))],
  embeddings: [3, (random, n) => post('/v1/embeddings', { input: said(random, n) })],
  health: [4, () => ({ method: 'GET', path: '/health', status: ANSWERED })],
  models: [3, () => ({ method: 'GET', path: '/v1/models', status: ANSWERED })],
  metrics: [2, () => ({ method: 'GET', path: '/metrics', status: ANSWERED })],
  'openai chat, left': [6, left('/v1/chat/completions', { ...chat('A long story.'), ...LONG })],
  'anthropic, left': [5, left('/v1/messages', { ...chat('A long story.'), ...LONG })],
  'ollama chat, left': [5, left('/api/chat', { ...chat('A long story.'), ...LONG })],
  'llama.cpp completion, left': [5, left('/completion', { prompt: 'Once', ...LONG })],
  'a plain answer, left': [
    4,
    (random) => post('/v1/chat/completions', { ...chat('A story.'), ...LONG }, { leaveAfterMs: random.below(250) }),
  ],
  'half a body': [
    3,
    (random) => post('/api/chat', chat('x'.repeat(5000)), { halfABody: true, leaveAfterMs: random.below(100) }),
  ],
  'broken JSON': [
    3,
    (random) => ({ ...post('/v1/chat/completions', ''), body: `{"messages": [{${random.below(9)}`, status: [400] }),
  ],
  'wrong types': [
    3,
    (random) => post('/v1/messages', { messages: random.below(9), max_tokens: 'x' }, { status: [400] }),
  ],
  'too long for the context': [
    1,
    (random) => post('/completion', { prompt: 'word '.repeat(20_000 + random.below(2000)) }, { status: [400] }),
  ],
  'a large useless field': [2, (random) => post('/tokenize', { content: 'a', x: 'y'.repeat(random.below(1_000_000)) })],
  'no such route': [2, () => post('/v1/nowhere', {}, { status: [404] })],
  'a foreign page': [
    2,
    () => post('/api/chat', chat('x'), { headers: { origin: 'https://evil.example' }, status: [403] }),
  ],
};

const TOTAL = Object.values(KINDS).reduce((sum, [weight]) => sum + weight, 0);

/** The `n`th request. */
export function nextRequest(random: Random, n: number): SoakRequest {
  let at = random.below(TOTAL);
  for (const [kind, [weight, make]] of Object.entries(KINDS)) {
    at -= weight;
    if (at < 0) return { kind, ...make(random, n) };
  }
  throw new Error('The weights do not add up.');
}
