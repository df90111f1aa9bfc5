// A model under examination: a process of its own with an empty context, and no host that could look anything up for it.
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AdapterScale, GenerateResult, PromptPart } from '#protocol/generation.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { GREEDY, type SamplingParams } from '#protocol/sampling.ts';
import { ZellError } from '#protocol/errors.ts';
import { EngineClient } from '../../engine-host/src/engineClient/engineClient.ts';
import { ChatTemplates } from '../../engine-host/src/templates/chatTemplates.ts';
import { ROOT } from '../lib/setup.mjs';
import type { SentMessage } from './persona.ts';

const NEVER = new AbortController().signal;
/** Side by side in one batch; answers do not depend on it. */
const AT_ONCE = 16;
export interface Answer {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly finish: GenerateResult['finish'];
}

export interface Question {
  readonly messages: readonly SentMessage[];
  /** Most tokens of the answer. */
  readonly tokens: number;
}

export class Subject {
  readonly info: ModelInfo;
  readonly #engine: EngineClient;
  readonly #templates = new ChatTemplates({ workerUrl: pathToFileURL(path.join(ROOT, 'dist/templateWorker.mjs')) });
  /** What answers and scores are made with. */
  readonly #adapters: readonly AdapterScale[];
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  private constructor(engine: EngineClient, info: ModelInfo, adapters: readonly AdapterScale[]) {
    this.#engine = engine;
    this.info = info;
    this.#adapters = adapters;
  }

  /** @param adapter a GGUF file that counts `scale` times; without one the base model answers. */
  static async open(model: string, adapter?: { readonly path: string; readonly scale: number }): Promise<Subject> {
    const engine = new EngineClient({ script: path.join(ROOT, 'dist/engine.mjs') });
    await engine.start();
    const options = { maxSequences: AT_ONCE, threads: Math.max(1, availableParallelism()) };
    const info = await engine.load(model, options, () => undefined, NEVER);
    if (adapter === undefined) return new Subject(engine, info, []);
    const loaded = await engine.call('loadAdapter', { path: adapter.path, scale: 0 }, NEVER);
    return new Subject(engine, info, [{ id: loaded.adapter.id, scale: adapter.scale }]);
  }

  get adapted(): boolean {
    return this.#adapters.length > 0;
  }

  async close(): Promise<void> {
    this.#templates.close();
    await this.#engine.stop();
  }

  /** Greedy answers, in the order of the questions. */
  async answers(questions: readonly Question[], done: (count: number) => void = () => undefined): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let first = 0; first < questions.length; first += AT_ONCE) {
      const some = questions.slice(first, first + AT_ONCE);
      answers.push(...(await Promise.all(some.map((question) => this.#answer(question)))));
      done(answers.length);
    }
    return answers;
  }

  /** How likely each whole answer is, its end of turn included: natural logarithms. */
  async likelihoods(messages: readonly SentMessage[], answers: readonly string[]): Promise<number[]> {
    const prompt = await this.render(messages);
    const end: PromptPart = { text: this.info.eosText, special: true };
    const continuations = answers.map((text): PromptPart[] => [{ text, special: false }, end]);
    const { scores } = await this.#score(prompt, continuations);
    return scores.map(({ logprobs }) => logprobs.reduce((sum, value) => sum + value, 0));
  }

  /** Sum of the negative log-likelihoods of a text's tokens after `prompt`, and their number. */
  async surprise(
    prompt: readonly PromptPart[],
    text: readonly PromptPart[],
  ): Promise<{ nats: number; tokens: number }> {
    const [score] = (await this.#score(prompt, [text])).scores;
    if (score === undefined) throw new ZellError('internal', 'A text was not scored.');
    return { nats: -score.logprobs.reduce((sum, value) => sum + value, 0), tokens: score.tokens.length };
  }

  async render(messages: readonly SentMessage[]): Promise<readonly PromptPart[]> {
    const { name, chatTemplate, bosText, eosText } = this.info;
    const source = { model: name, template: chatTemplate, bosText, eosText };
    return (await this.#templates.render(source, messages, {}, NEVER)).parts;
  }

  async tokenize(text: string): Promise<number[]> {
    return (await this.#engine.call('tokenize', { text, addSpecial: false, parseSpecial: false }, NEVER)).tokens;
  }

  /** Tokens a second of one answer of `tokens` tokens. */
  async decodeSpeed(tokens: number, adapted: boolean): Promise<number> {
    const prompt = await this.render([{ role: 'user', content: 'Tell me a long story about a lighthouse.' }]);
    const result = await this.#generate(prompt, tokens, adapted ? this.#adapters : [], true);
    return ((result.tokens.length - 1) * 1000) / result.timings.decodeMs;
  }

  /** Sampled text of the bare model; the same seed gives the same. Waits for its turn. */
  async write(
    prompt: readonly PromptPart[],
    options: { readonly temperature: number; readonly maxTokens: number; readonly seed: number },
  ): Promise<string> {
    const { temperature, maxTokens, seed } = options;
    if (this.#running === AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      return (await this.#generate(prompt, maxTokens, [], false, { ...GREEDY, temperature, seed })).text;
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /** As training items want it: parts in a row, adjacent ones of a kind as one text. */
  async tokens(parts: readonly PromptPart[], addBos: boolean): Promise<number[]> {
    const tokens: number[] = [];
    let text = '';
    let special = false;
    let first = addBos;
    const flush = async (): Promise<void> => {
      if (text === '' && !first) return;
      const asked = { text, addSpecial: first, parseSpecial: special };
      tokens.push(...(await this.#engine.call('tokenize', asked, NEVER)).tokens);
      [text, first] = ['', false];
    };
    for (const part of parts) {
      if ('tokens' in part || part.special !== special) await flush();
      if ('tokens' in part) tokens.push(...part.tokens);
      else {
        special = part.special;
        text += part.text;
      }
    }
    await flush();
    return tokens;
  }

  #score(
    prompt: readonly PromptPart[],
    continuations: readonly (readonly PromptPart[])[],
  ): Promise<{ scores: readonly { tokens: readonly number[]; logprobs: readonly number[] }[] }> {
    return this.#engine.call('score', { prompt, addBos: true, continuations, adapters: this.#adapters }, NEVER);
  }

  async #answer({ messages, tokens }: Question): Promise<Answer> {
    return this.#generate(await this.render(messages), tokens, this.#adapters, false);
  }

  async #generate(
    prompt: readonly PromptPart[],
    maxTokens: number,
    adapters: readonly AdapterScale[],
    ignoreEos: boolean,
    sampling: SamplingParams = GREEDY,
  ): Promise<Answer & Pick<GenerateResult, 'timings'>> {
    const request = {
      prompt,
      addBos: true,
      maxTokens,
      stop: [],
      sampling,
      priority: 'batch',
      adapters,
    } as const;
    let text = '';
    const tokens: number[] = [];
    for await (const event of this.#engine.generate({ ...request, ignoreEos }, NEVER)) {
      if (event.type === 'failed') throw ZellError.fromWire(event.error);
      if (event.type === 'delta') {
        text += event.text;
        tokens.push(...event.tokens);
      }
      if (event.type === 'done') return { text, tokens, finish: event.finish, timings: event.timings };
    }
    throw new ZellError('internal', 'An answer had no end.');
  }
}
