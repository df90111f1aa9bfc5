/** llama.cpp's sampler fields on every route that takes them, and what the answers say of them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SamplingParams } from '#protocol/sampling.ts';
import { samplerNames, wantedSamplers } from './samplers.ts';
import { testHost, type TestHost } from './testing.ts';

let host: TestHost;
beforeEach(async () => {
  host = await testHost();
});
afterEach(() => host.close());

async function post(route: string, body: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${host.url}${route}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const sampled = (): SamplingParams | undefined => host.engine.requests.at(-1)?.request.sampling;

const ALL = {
  samplers: ['dry', 'top-k', 'typ_p', 'temp', 'nonsense'],
  dynatemp_range: 0.5,
  dynatemp_exponent: 2,
  typical_p: 0.9,
  top_n_sigma: 1.5,
  xtc_probability: 0.4,
  xtc_threshold: 0.2,
  dry_multiplier: 0.8,
  dry_base: 2,
  dry_allowed_length: 3,
  dry_penalty_last_n: 100,
  dry_sequence_breakers: ['\n', '---'],
  mirostat: 2,
  mirostat_tau: 4,
  mirostat_eta: 0.2,
  adaptive_target: 0.3,
  adaptive_decay: 0.8,
  min_keep: 2,
};
const WANTED = {
  samplers: ['dry', 'top_k', 'typ_p', 'temperature'],
  dynamicTemperature: { range: 0.5, exponent: 2 },
  typicalP: 0.9,
  topNSigma: 1.5,
  xtc: { probability: 0.4, threshold: 0.2 },
  dry: { multiplier: 0.8, base: 2, allowedLength: 3, lastN: 100, breakers: ['\n', '---'] },
  mirostat: { version: 2, tau: 4, eta: 0.2 },
  adaptive: { target: 0.3, decay: 0.8 },
  minKeep: 2,
};

describe('fields', () => {
  test('what is at its default is off', () => {
    expect(wantedSamplers({})).toEqual({});
    expect(wantedSamplers({ xtc_probability: 0.5, xtc_threshold: 0.6, typical_p: 1, top_n_sigma: 0 })).toEqual({});
    expect(wantedSamplers({ dry_multiplier: 1 }).dry?.breakers).toEqual(['\n', ':', '"', '*']);
    expect(wantedSamplers({ dry_multiplier: 1, dry_base: 0.5 }).dry?.base).toBe(1.75);
  });
  test('numbers out of range are clamped', () => {
    expect(wantedSamplers({ typical_p: -1, mirostat: 7, adaptive_target: 9, xtc_probability: 3 })).toEqual({
      typicalP: 0,
      mirostat: { version: 2, tau: 5, eta: 0.1 },
      adaptive: { target: 1, decay: 0.9 },
      xtc: { probability: 1, threshold: 0.1 },
    });
  });
  test('samplers by names as one writes them, or by letters', () => {
    expect(samplerNames(['Top-K', 'topp', 'nucleus', 'typical_p', 'temp', 'infill', 'no such'])).toEqual([
      'top_k',
      'top_p',
      'top_p',
      'typ_p',
      'temperature',
      'infill',
    ]);
    expect(samplerNames('edskypmxt?')).toEqual([
      'penalties',
      'dry',
      'top_n_sigma',
      'top_k',
      'typ_p',
      'top_p',
      'min_p',
      'xtc',
      'temperature',
    ]);
  });
});

test.each([
  ['/completion', { prompt: 'a' }],
  ['/infill', { input_prefix: 'a', input_suffix: 'b' }],
  ['/v1/completions', { prompt: 'a' }],
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'a' }] }],
])('%s hands them to the engine', async (route, body) => {
  expect((await post(route, { ...body, ...ALL })).status).toBe(200);
  expect(sampled()).toMatchObject(WANTED);
  expect((await post(route, body)).status).toBe(200);
  for (const key of Object.keys(WANTED)) expect(sampled()).not.toHaveProperty(key);
  expect((await post(route, { ...body, dry_sequence_breakers: [] })).status).toBe(400);
  expect((await post(route, { ...body, mirostat: 'two' })).status).toBe(400);
  expect((await post(route, { ...body, samplers: [1] })).status).toBe(400);
});

test("Ollama's options", async () => {
  const options = { typical_p: 0.7, mirostat: 1, mirostat_tau: 3, mirostat_eta: 0.3, repeat_last_n: -1 };
  expect((await post('/api/generate', { prompt: 'a', stream: false, options })).status).toBe(200);
  expect(sampled()).toMatchObject({ typicalP: 0.7, mirostat: { version: 1, tau: 3, eta: 0.3 }, repeatLastN: -1 });
});

test('the answer says what was set', async () => {
  const { body } = await post('/completion', { prompt: 'a', ...ALL, ignore_eos: true, n_probs: 2 });
  expect(body['generation_settings']).toMatchObject({
    ...ALL,
    samplers: WANTED.samplers,
    n_probs: 2,
    ignore_eos: true,
    // What is ignored does not come at all.
    logit_bias: [{ token: 2, bias: null }],
  });
  expect(body['has_new_line']).toBe(false);
});

test('probabilities after sampling', async () => {
  const { body } = await post('/completion', { prompt: 'a', n_predict: 1, n_probs: 1, post_sampling_probs: true });
  expect(host.engine.requests.at(-1)?.request).toMatchObject({ logprobs: 1, postSampling: true });
  expect(body['completion_probabilities']).toEqual([
    {
      id: 10,
      token: 'Paris',
      bytes: [...Buffer.from('Paris')],
      prob: Math.exp(-0.5),
      top_probs: [{ id: 0, token: 't0', bytes: [116, 48], prob: Math.exp(-1) }],
    },
  ]);
});

test('a bias may be given for a text', async () => {
  for (const logit_bias of [
    { ab: -100, 7: 2 },
    [
      ['ab', false],
      [7, 2],
    ],
  ]) {
    expect((await post('/completion', { prompt: 'a', logit_bias })).status).toBe(200);
    expect(new Map(sampled()?.logitBias)).toEqual(
      new Map([
        [97, null],
        [98, null],
        [7, 2],
      ]),
    );
  }
  for (const logit_bias of [[['a', 'b']], [[-1, 2]], { 1000: 1 }, 'a', [[1.5, 1]]])
    expect((await post('/completion', { prompt: 'a', logit_bias })).status).toBe(400);
});

test('several answers to one prompt, each with its own seed', async () => {
  const { body } = await post('/completion', { prompt: 'a', n: 3, seed: 5 });
  expect(body).toHaveLength(3);
  expect(host.engine.requests.map(({ request }) => request.sampling.seed)).toEqual([5, 6, 7]);
  expect((await post('/completion', { prompt: ['a', 'b'], n_cmpl: 2 })).body).toHaveLength(4);
});

test('a file beside an infill needs its text', async () => {
  for (const extra of [{}, { filename: 'ok' }, { filename: 1, text: 'a' }, { filename: 'a', text: 1 }])
    expect((await post('/infill', { input_prefix: 'a', input_suffix: 'b', input_extra: [extra] })).status).toBe(400);
});
