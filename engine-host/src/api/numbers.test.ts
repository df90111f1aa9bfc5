/** Every numeric field against every hostile number: an answer or a 400, never a 500, and never a number that the engine cannot take. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MODEL, testHost, type TestHost } from './testing.ts';

let host: TestHost;
beforeAll(async () => {
  host = await testHost();
});
afterAll(() => host.close());

const messages = [{ role: 'user', content: 'Hi' }];
const ROUTES: readonly (readonly [path: string, body: object, fields: readonly string[]])[] = [
  [
    '/v1/chat/completions',
    { messages },
    [
      'max_tokens',
      'max_completion_tokens',
      'temperature',
      'top_p',
      'top_k',
      'min_p',
      'n',
      'seed',
      'presence_penalty',
      'frequency_penalty',
      'repeat_penalty',
      'repeat_last_n',
      'top_logprobs',
      'logit_bias',
    ],
  ],
  [
    '/v1/completions',
    { prompt: 'a' },
    ['max_tokens', 'temperature', 'top_p', 'n', 'best_of', 'seed', 'logprobs', 'presence_penalty', 'prompt'],
  ],
  ['/v1/responses', { input: 'a' }, ['max_output_tokens', 'temperature', 'top_p', 'top_logprobs', 'input']],
  ['/v1/messages', { messages, max_tokens: 5 }, ['max_tokens', 'temperature', 'top_p', 'top_k']],
  [
    '/api/chat',
    { messages, stream: false },
    [
      'top_logprobs',
      'keep_alive',
      'options.num_predict',
      'options.seed',
      'options.temperature',
      'options.top_k',
      'options.top_p',
      'options.min_p',
      'options.repeat_last_n',
      'options.repeat_penalty',
      'options.num_ctx',
      'options.presence_penalty',
    ],
  ],
  ['/api/generate', { prompt: 'a', stream: false }, ['context', 'options.num_predict', 'options.seed', 'keep_alive']],
  [
    '/completion',
    { prompt: 'a' },
    [
      'n_predict',
      'temperature',
      'top_k',
      'top_p',
      'min_p',
      'repeat_penalty',
      'repeat_last_n',
      'seed',
      'n_probs',
      't_max_predict_ms',
      'prompt',
      'logit_bias',
    ],
  ],
  ['/infill', { input_prefix: 'a' }, ['n_predict', 'seed', 'top_k', 't_max_predict_ms']],
  ['/tokenize', { content: 'a' }, ['content', 'add_special']],
  ['/detokenize', { tokens: [1] }, ['tokens']],
];

const hostile = fc.oneof(
  fc.constantFrom(
    'NaN',
    'Infinity',
    '1',
    '-1',
    '',
    true,
    false,
    null,
    [],
    {},
    [null],
    [-1],
    [1e308],
    [[]],
    { '5': 'x' },
    { '-1': 1 },
    { '5': 1e308 },
    [[5]],
    [[5, null]],
  ),
  fc.constantFrom(-1, 0, 1, -0, 0.5, -(2 ** 31), 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, -1e308, 5e-324, 1.5),
  fc.double({ noNaN: true }),
  fc.integer(),
);
/** JSON that JavaScript cannot write: becomes infinite when it is read. */
const huge = fc.constant('1e999');

test.each(ROUTES)(
  '%s',
  async (path, base, fields) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fields), fc.oneof(hostile, huge), async (field, value) => {
        const before = host.engine.requests.length;
        const [outer, inner] = field.split('.');
        const written = value === '1e999' ? '@@' : value;
        const body = { ...base, [outer ?? '']: inner === undefined ? written : { [inner]: written } };
        const r = await fetch(host.url + path, { method: 'POST', body: JSON.stringify(body).replace('"@@"', '1e999') });
        const text = await r.text();
        expect([200, 400], `${field}=${JSON.stringify(value)}: ${text}`).toContain(r.status);
        if (r.status === 400) expect(text).toContain('error');
        for (const { request } of host.engine.requests.slice(before)) {
          const s = request.sampling;
          expect(s.temperature >= 0 && s.temperature <= 100).toBe(true);
          expect(s.topP > 0 && s.topP <= 1).toBe(true);
          expect(s.minP >= 0 && s.minP <= 1).toBe(true);
          expect(Number.isInteger(s.topK) && s.topK >= 0).toBe(true);
          expect(Number.isInteger(s.seed) && s.seed >= 0 && s.seed < 2 ** 32).toBe(true);
          expect(Number.isInteger(s.repeatLastN) && s.repeatLastN >= -1).toBe(true);
          expect(s.repeatPenalty > 0 && Number.isFinite(s.repeatPenalty)).toBe(true);
          const { maxTokens, logprobs } = request;
          expect(
            maxTokens === undefined ||
              (Number.isInteger(maxTokens) && maxTokens >= 0 && maxTokens <= MODEL.contextLength),
          ).toBe(true);
          expect(logprobs === undefined || (Number.isInteger(logprobs) && logprobs >= 0 && logprobs <= 20)).toBe(true);
          for (const part of request.prompt)
            if ('tokens' in part)
              expect(part.tokens.every((t) => Number.isInteger(t) && t >= 0 && t < MODEL.vocabularySize)).toBe(true);
        }
        expect(host.bugs).toEqual([]);
      }),
      { numRuns: 120 },
    );
  },
  30_000,
);
