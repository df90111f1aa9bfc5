// What a loaded server does to those whom it answers already: a long prompt beside a stream, a full queue, cancellations.
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAddon } from '../../engine-host/src/engine/native/loadAddon.ts';
import { ROOT } from '../lib/setup.mjs';
import { THREADS } from './engine.ts';
import { chat, NO_DRAFTS, post } from './serverClient.ts';
import type { Server } from './serverProcess.ts';
import type { Figures, Prompts } from './serverWork.ts';

const LONG_PROMPT = 4096;
const STREAM = 4000;
/** More than slots and places to wait. */
const CROWD = 100;
const REFUSALS = 40;
/** From one refused request to the next: more often than any client that heeds `Retry-After`. */
const REFUSED_EVERY_MS = 100;
const CANCELS = 1000;
/** Tokens of the steps that are cancelled: a whole slice. */
const SLICE = 512;

/** A stream of llama.cpp's route, whose events are one token each. */
class TokenStream {
  /** When pieces arrived, and how many tokens had by then. */
  readonly arrivals: { readonly at: number; readonly tokens: number }[] = [];
  readonly #abort = new AbortController();
  readonly ended: Promise<unknown>;
  #tokens = 0;

  constructor(server: Server, prompt: string, tokens: number) {
    const body = { prompt, n_predict: tokens, temperature: 0, ignore_eos: true, ...NO_DRAFTS, stream: true };
    this.ended = post(
      server,
      '/completion',
      body,
      (piece) => {
        this.#tokens += piece.split('data: ').length - 1;
        this.arrivals.push({ at: performance.now(), tokens: this.#tokens });
      },
      this.#abort.signal,
    ).catch(() => undefined);
  }

  get tokens(): number {
    return this.#tokens;
  }

  async until(tokens: number): Promise<void> {
    while (this.#tokens < tokens) await sleep(5);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.ended;
  }
}

/** Milliseconds between two pieces of a running stream while another request's long prompt is evaluated, and of its plain step before. */
export async function gap(server: Server, round: number, prompts: Prompts): Promise<Figures> {
  const long = await prompts.text(`Beside ${round}`, LONG_PROMPT);
  const stream = new TokenStream(server, `Round ${round}: the sea`, STREAM);
  await stream.until(16);
  const [before, from] = [stream.tokens, performance.now()];
  await stream.until(before + 64);
  const step = (performance.now() - from) / (stream.tokens - before);
  const answer = await chat(server, { user: long, tokens: 2 });
  const during = stream.arrivals.map((a) => a.at).filter((at) => at >= answer.sentAt && at <= answer.firstAt);
  await stream.stop();
  const gaps = during.slice(1).map((at, i) => at - (during[i] ?? at));
  // Nothing came at all: the stream stood still all the time.
  if (gaps.length === 0) gaps.push(answer.firstAt - answer.sentAt);
  return { 'gap-beside': quantile(gaps, 0.95), 'gap-step': step };
}

/** Milliseconds to the refusal of one request too many, ten a second, and the rate of all running streams meanwhile as part of that without. */
export async function full(server: Server, round: number): Promise<Figures> {
  const streams = Array.from({ length: CROWD }, (_, i) => new TokenStream(server, `${round} ${i}: the river`, STREAM));
  const tokens = (): number => streams.reduce((sum, stream) => sum + stream.tokens, 0);
  const rate = async (during: () => Promise<unknown>): Promise<number> => {
    const [before, from] = [tokens(), performance.now()];
    await during();
    return (tokens() - before) / (performance.now() - from);
  };
  const quiet = (): Promise<number> => rate(() => sleep((REFUSALS * REFUSED_EVERY_MS) / 2));
  try {
    await sleep(1500);
    const waits: number[] = [];
    const refuse = async (i: number): Promise<void> => {
      const sentAt = performance.now();
      if ((await status(server, `one more, ${i}`)) !== 503) throw new Error('The queue is not full.');
      waits.push(performance.now() - sentAt);
      await sleep(Math.max(0, sentAt + REFUSED_EVERY_MS - performance.now()));
    };
    // Streams become slower with their length: measured before and after.
    const before = await quiet();
    const meanwhile = await rate(async () => {
      for (let i = 0; i < REFUSALS; i++) await refuse(i);
    });
    const after = await quiet();
    return { 'full-refusal': quantile(waits, 0.95), 'full-rate': (2 * meanwhile) / (before + after) };
  } finally {
    await Promise.all(streams.map((stream) => stream.stop()));
  }
}

/** Milliseconds from a cancellation to the end of the step that worked for the cancelled request alone; in the engine itself, once. */
export async function cancels(model: string, round: number): Promise<Figures> {
  if (round > 0) return {};
  const addon = loadAddon(path.join(ROOT, 'dist/zell_engine.node'));
  const engine = await addon.loadModel(model, { threads: THREADS }, () => undefined);
  const tokens = Int32Array.from({ length: SLICE }, (_, i) => 1000 + i);
  const sequence = engine.createSequence();
  const times: number[] = [];
  // Work may end before its cancellation comes: more attempts than are counted.
  for (let i = 0; times.length < CANCELS && i < 3 * CANCELS; i++) {
    const step = engine.step([{ sequence, tokens, want: {} }]);
    await sleep(1 + (i % 20));
    const at = performance.now();
    engine.cancel(sequence);
    const [output] = await step;
    // Otherwise it had ended before.
    if (output?.error?.code === 'cancelled') times.push(performance.now() - at);
    engine.truncateSequence(sequence, 0);
  }
  await engine.close();
  return { cancel: quantile(times, 0.99) };
}

/** The status of a request that is not read further. */
function status(server: Server, prompt: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const payload = JSON.stringify({ prompt, n_predict: 1 });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const options = {
      host: '127.0.0.1',
      port: server.port,
      path: '/completion',
      method: 'POST',
      headers,
      agent: false,
    };
    const request = http.request(options, (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    request.on('error', reject);
    request.end(payload);
  });
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
