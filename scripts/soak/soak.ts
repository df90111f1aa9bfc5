// Runs a soak against a host of its own: many clients, a sample now and then, and at the end the questions whether all is as before.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOurs } from '../bench/serverProcess.ts';
import { Random } from '../prove/random.ts';
import { send } from './client.ts';
import { slopes, windows, type Timed, type Window } from './judge.ts';
import { nextRequest } from './mix.ts';
import { engineOf, sample, type Sample } from './samples.ts';

/** More than the engine's slots, fewer than its queue: some wait, nobody is refused. */
const CLIENTS = 24;
const SAMPLE_MS = 250;
const WINDOWS = 10;
/** In fewer, buffers still grow to the size that they keep. */
const LEAST_FOR_SLOPES = 3000;
/** For slots of clients that have gone, and for the log. */
const SETTLE_MS = 15_000;

export interface SoakOptions {
  readonly model: string;
  readonly home: string;
  readonly requests: number;
  readonly seed: number;
  readonly threads: number;
  readonly say: (line: string) => void;
}

export interface SoakReport {
  readonly requests: number;
  readonly seconds: number;
  /** Number of requests by kind and outcome. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Events that the log must hold, and holds. */
  readonly events: { readonly expected: number; readonly found: number };
  readonly windows: readonly Window[];
  /** Empty when everything held. */
  readonly failures: readonly string[];
}

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { model, home, requests, seed, threads, say } = options;
  const server = await startOurs(model, threads, home);
  const failures: string[] = [];
  try {
    const engine = engineOf(server.pid);
    const run = new Run(server.port, seed, requests);
    const began = performance.now();
    const samples: Sample[] = [];
    const timer = setInterval(() => {
      samples.push(sample(run.ended, server.pid, engine));
      if (samples.length % 40 === 0) say(`${run.ended} of ${requests} requests …`);
    }, SAMPLE_MS);
    await run.all().finally(() => {
      clearInterval(timer);
    });
    const seconds = (performance.now() - began) / 1000;
    samples.push(sample(run.ended, server.pid, engine));
    failures.push(...run.wrong, ...(await stuck(server.port)));
    if (engineOf(server.pid) !== engine) failures.push('The engine was restarted.');
    const curves = windows(samples, run.times, WINDOWS);
    if (requests >= LEAST_FOR_SLOPES) failures.push(...slopes(curves));
    await server.stop();
    const logged = prompts(home);
    const lost = run.marks.filter(({ mark }) => !logged.has(mark));
    for (const { kind, mark } of lost.slice(0, 10)) failures.push(`Not in the log: ${kind}, "${mark}".`);
    const events = { expected: run.marks.length, found: run.marks.length - lost.length };
    return { requests, seconds, outcomes: run.outcomes, events, windows: curves, failures };
  } finally {
    await server.stop();
  }
}

/** Clients that send one request after another until all are sent. */
class Run {
  ended = 0;
  readonly outcomes: Record<string, Record<string, number>> = {};
  readonly times: Timed[] = [];
  /** What the log must hold. */
  readonly marks: { readonly kind: string; readonly mark: string }[] = [];
  readonly wrong: string[] = [];
  readonly #port: number;
  readonly #random: Random;
  readonly #requests: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
  #sent = 0;

  constructor(port: number, seed: number, requests: number) {
    this.#port = port;
    this.#random = new Random(seed, 'soak');
    this.#requests = requests;
  }

  async all(): Promise<void> {
    await Promise.all(Array.from({ length: CLIENTS }, () => this.#client()));
    this.#agent.destroy();
  }

  async #client(): Promise<void> {
    while (this.#sent < this.#requests) {
      const request = nextRequest(this.#random, this.#sent++);
      const { what, ms, detail, kept } = await send(this.#port, this.#agent, request);
      this.ended++;
      const counts = (this.outcomes[request.kind] ??= {});
      counts[what] = (counts[what] ?? 0) + 1;
      if (what === 'answered') this.times.push({ requests: this.ended, ms });
      if (kept && request.mark !== undefined) this.marks.push({ kind: request.kind, mark: request.mark });
      if (what === 'wrong' && this.wrong.length < 20) this.wrong.push(`${request.kind}: ${detail ?? ''}`);
    }
  }
}

/** Whether somebody's slot is still taken although everybody has gone. */
async function stuck(port: number): Promise<string[]> {
  const url = `http://127.0.0.1:${port}`;
  let queue = { running: 1, waiting: 1 };
  const until = performance.now() + SETTLE_MS;
  while (performance.now() < until) {
    ({ queue } = (await (await fetch(`${url}/health`)).json()) as { queue: typeof queue });
    if (queue.running + queue.waiting === 0) break;
    await sleep(50);
  }
  if (queue.running + queue.waiting > 0) return [`${queue.running} slots and ${queue.waiting} places are still taken.`];
  const body = JSON.stringify({ prompt: 'Hello', n_predict: 2 });
  const last = await fetch(`${url}/completion`, { method: 'POST', body, signal: AbortSignal.timeout(SETTLE_MS) });
  return last.status === 200 ? [] : [`Afterwards a request is answered with ${last.status}.`];
}

/** What users said, of every line in the event log. */
function prompts(home: string): ReadonlySet<string> {
  const folder = path.join(home, 'conversations');
  const found = new Set<string>();
  if (!existsSync(folder)) return found;
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.jsonl')) continue;
    for (const line of readFileSync(path.join(folder, file), 'utf8').trimEnd().split('\n')) {
      const { prompt } = JSON.parse(line) as { prompt?: unknown };
      if (typeof prompt === 'string') found.add(prompt);
    }
  }
  return found;
}
