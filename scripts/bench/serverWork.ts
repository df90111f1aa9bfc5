// What the server suite makes a server do: several users, a long prompt beside short ones, a prefix again and again, code as it is typed.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectHost } from '../../engine-host/src/host/hostClient.ts';
import { bareForward } from './bareForward.ts';
import { median } from './report.ts';
import { chat, post, type Answer } from './serverClient.ts';
import { cpuNanoseconds, removeHome, startOurs, type Server } from './serverProcess.ts';
import { benchText } from './text.ts';

export const USERS = 4;
const ANSWER = 128;
const SHORT_ANSWER = 8;
const LONG_PROMPT = 4096;
const PREFIX = 2000;
const CONTEXT = 1800;
const COMPLETION = 24;
/** Tokens of the answer that HTTP's cost is taken from. */
const STREAM = 512;
/** Between two pieces that a bare process forwards: about a token's time. */
const BARE_GAP_MS = 5;
/** What is typed at the end of the cached context, a few characters between two completions. */
const TYPED = '\n\n/** The sum of all values. */\nexport function sumOf(values: readonly number[]): number {\n  let ';

/** Figures of one server and one round, by measurement. */
export type Figures = Readonly<Record<string, number>>;

/** Prompts of a known number of tokens. What is called by another `name` shares no beginning with it. */
export class Prompts {
  readonly #tokens: readonly number[];
  readonly #server: Server;
  readonly #model: string;

  private constructor(server: Server, tokens: readonly number[], model: string) {
    this.#server = server;
    this.#tokens = tokens;
    this.#model = model;
  }

  /** @param server ours: it counts the tokens, once and before anything is measured */
  static async of(server: Server, model: string): Promise<Prompts> {
    const answer = await post(server, '/tokenize', { content: benchText() });
    return new Prompts(server, (JSON.parse(answer) as { tokens: number[] }).tokens, model);
  }

  /** About `count` tokens. */
  async text(name: string, count: number): Promise<string> {
    const body = { tokens: this.#tokens.slice(0, count - 8) };
    const answer = JSON.parse(await post(this.#server, '/detokenize', body)) as { content: string };
    return `${name}: notes.\n${answer.content}`;
  }

  get model(): string {
    return this.#model;
  }
}

/** Tokens a second of one user, and of four who ask at once. */
export async function users(server: Server, round: number): Promise<Figures> {
  const ask = (user: number): Promise<Answer> =>
    chat(server, { user: `${question(round * USERS + user)} Answer at length.`, tokens: ANSWER });
  const one = await ask(0);
  await sleep(100);
  const all = await Promise.all(Array.from({ length: USERS }, (_, user) => ask(user + 1)));
  return { 'users-1': decodeRate([one]), 'users-4': decodeRate(all) };
}

/** The same without HTTP, scheduler and text: the engine's own benchmark within the same process. */
export async function engineAlone(server: Server, _round: number, prompts: Prompts): Promise<Figures> {
  if (server.announcement === undefined) return {};
  const client = await connectHost(server.announcement, 'cli');
  try {
    const run = async (sequences: number): Promise<number> => {
      const request = { name: prompts.model, promptTokens: 0, decodeTokens: ANSWER, depth: 48, sequences };
      const result = await client.request('zell/engine/bench', request, new AbortController().signal);
      return result.decode.tokensPerSecond;
    };
    return { 'engine-1': await run(1), 'engine-4': await run(USERS) };
  } finally {
    client.close();
  }
}

/** Milliseconds to the first token of short prompts: alone, and of three users while a fourth's long prompt is evaluated. */
export async function busy(server: Server, round: number, prompts: Prompts): Promise<Figures> {
  const long = await prompts.text(`Long ${round}`, LONG_PROMPT);
  const short = async (n: number): Promise<number> =>
    firstMs(await chat(server, { user: question(1000 + round * 100 + n), tokens: SHORT_ANSWER }));
  const idle: number[] = [];
  for (let i = 0; i < 6; i++) {
    idle.push(await short(i));
    await sleep(30);
  }
  let evaluated = false;
  const first = chat(server, { user: long, tokens: SHORT_ANSWER, onFirst: () => (evaluated = true) });
  await sleep(50);
  const waits: number[] = [];
  const user = async (which: number): Promise<void> => {
    // Whoever is there before the long prompt is done counts.
    for (let n = 0; !evaluated && n < 8; n++) waits.push(await short(10 + which * 10 + n));
  };
  await Promise.all([...Array.from({ length: USERS - 1 }, (_, which) => user(which)), first]);
  return { 'ttft-idle': median(idle), 'ttft-busy': median(waits), 'ttft-long': firstMs(await first) };
}

/** A system prompt: computed, then met again with other questions. First token, and whole answers of 128 tokens. */
export async function prefix(server: Server, round: number, prompts: Prompts): Promise<Figures> {
  const system = await prompts.text(`Round ${round}`, PREFIX);
  const ask = (n: number, tokens: number): Promise<Answer> =>
    chat(server, { system, user: question(round * 10 + n), tokens });
  const cold = await ask(0, ANSWER);
  const whole = [await ask(1, ANSWER), await ask(2, ANSWER)];
  const warm = [...whole];
  for (let n = 3; n < 7; n++) {
    await sleep(50);
    warm.push(await ask(n, SHORT_ANSWER));
  }
  return {
    'prefix-cold': firstMs(cold),
    'prefix-warm': median(warm.map(firstMs)),
    'whole-cold': wholeMs(cold),
    'whole-warm': median(whole.map(wholeMs)),
    ...(await buildAhead(server, await prompts.text(`Built ${round}`, PREFIX))),
  };
}

/** Milliseconds to compute such a prompt ahead of use and to write it to the disk; ours only. */
async function buildAhead(server: Server, system: string): Promise<Figures> {
  if (server.announcement === undefined) return {};
  const client = await connectHost(server.announcement, 'cli');
  try {
    const { ms, keptTokens } = await client.request('zell/prefix/build', { system }, new AbortController().signal);
    return keptTokens === 0 ? {} : { 'prefix-build': ms };
  } finally {
    client.close();
  }
}

/** Two lives of a host in one home: the same system prompt is the first request of both. */
export async function restart(
  model: string,
  threads: number,
  home: string,
  round: number,
  prompts: Prompts,
): Promise<Figures> {
  const system = await prompts.text(`Restart ${round}`, PREFIX);
  try {
    const before = await startOurs(model, threads, home);
    let cold: Answer;
    try {
      cold = await chat(before, { system, user: question(0), tokens: SHORT_ANSWER });
      // Met again: whoever keeps only what is asked for twice has seen it.
      await chat(before, { system, user: question(1), tokens: SHORT_ANSWER });
      await sleep(500);
    } finally {
      await before.stop();
    }
    const after = await startOurs(model, threads, home);
    try {
      const restored = await chat(after, { system, user: question(2), tokens: SHORT_ANSWER });
      return { 'restart-cold': firstMs(cold), 'restart-disk': firstMs(restored) };
    } finally {
      await after.stop();
    }
  } finally {
    removeHome(home);
  }
}

/** Microseconds of the host process' CPU for each token of a stream: of one user, and of four at once. */
export async function overhead(server: Server, round: number): Promise<Figures> {
  const perToken = async (count: number, tokens: number): Promise<number> => {
    let before: number | undefined;
    let started = 0;
    const onFirst = (): void => {
      // When all stream: what a request costs before its first token is not a token's.
      if (++started === count) before = cpuNanoseconds(server.pid);
    };
    const ask = (user: number): Promise<Answer> =>
      chat(server, { user: `${question(round * 8 + user)} Tell a story.`, tokens, onFirst });
    const answers = await Promise.all(Array.from({ length: count }, (_, user) => ask(user)));
    const after = cpuNanoseconds(server.pid);
    if (before === undefined || after === undefined) return Number.NaN;
    return (after - before) / 1000 / answers.reduce((sum, answer) => sum + answer.tokens - 1, 0);
  };
  const one = await perToken(1, STREAM);
  if (Number.isNaN(one)) return {};
  const four = await perToken(USERS, STREAM / 2);
  return { 'overhead-1': one, 'overhead-4': four, 'overhead-bare': await bareForward(BARE_GAP_MS, STREAM / 2) };
}

/** Milliseconds of a whole completion behind 1,800 cached tokens, as somebody types on. */
export async function inline(server: Server, round: number, prompts: Prompts): Promise<Figures> {
  const file = await prompts.text(`// Round ${round}`, CONTEXT);
  // The default model knows no filling in: llama-server refuses the route, ours continues the prefix.
  const complete = async (text: string): Promise<number> => {
    const sentAt = performance.now();
    const common = { n_predict: COMPLETION, temperature: 0, ignore_eos: true, stream: false };
    if (server.name === 'ours') await post(server, '/infill', { ...common, input_prefix: text, input_suffix: '' });
    else await post(server, '/completion', { ...common, prompt: text, cache_prompt: true });
    return performance.now() - sentAt;
  };
  await complete(file);
  const times: number[] = [];
  for (let typed = 4; typed < TYPED.length; typed += 8) {
    await sleep(50);
    times.push(await complete(file + TYPED.slice(0, typed)));
  }
  return { inline: median(times) };
}

/** Tokens a second of all answers together, from the first that streams to the last that ends. */
function decodeRate(answers: readonly Answer[]): number {
  const tokens = answers.reduce((sum, answer) => sum + answer.tokens - 1, 0);
  const from = Math.min(...answers.map((answer) => answer.firstAt));
  const to = Math.max(...answers.map((answer) => answer.lastAt));
  return (1000 * tokens) / (to - from);
}

function firstMs(answer: Answer): number {
  return answer.firstAt - answer.sentAt;
}

function wholeMs(answer: Answer): number {
  return answer.lastAt - answer.sentAt;
}

const TOPICS = ['tides', 'bridges', 'bread', 'comets', 'clocks', 'rivers', 'glass', 'sails', 'maps', 'wool', 'salt'];

/** A short question; another one for each number. */
function question(n: number): string {
  const topic = (at: number): string => TOPICS[at % TOPICS.length] ?? '';
  return `${topic(n)} and ${topic(n * 7 + 3)}, number ${n}: what do they have in common, and why does it matter?`;
}
