/** Measures an adapter for the gate: each question without it and with it, on the engine that answers requests. */
import type { AdapterScale, PromptPart } from '#protocol/generation.ts';
import type { Probe, TrainingMessage } from '../../memory/dreaming/trainingItem.ts';
import { several } from '../../memory/several.ts';
import type { StepHooks } from '../sleep/sleepCycle.ts';
import { abstains } from './abstains.ts';
import type { Measured, Paired } from './gate.ts';
import { CHAT_PROMPTS, CODE, PROSE, UNKNOWN_TOPICS } from './slices.ts';

/** Longest answer, in tokens: all that are asked for fit into a sentence. */
const ANSWER_TOKENS = 48;
const CHAT_TOKENS = 64;
/** Questions at a time: what is computed together reads the weights once, and no answer depends on its company. */
const AT_ONCE = 6;

/** The engine and the model's template, as measuring needs them. Adapters: those that answer, and no others. */
export interface GateEngine {
  /** Sum and number of the log-probabilities of each continuation's tokens. */
  score(
    prompt: readonly PromptPart[],
    continuations: readonly string[],
    adapters: readonly AdapterScale[],
    signal: AbortSignal,
  ): Promise<readonly { readonly sum: number; readonly tokens: number }[]>;
  /** Greedy. `ended`: it came to its end by itself. */
  answer(
    prompt: readonly PromptPart[],
    maxTokens: number,
    adapters: readonly AdapterScale[],
    signal: AbortSignal,
  ): Promise<{ readonly text: string; readonly ended: boolean }>;
  /** Up to where the assistant begins to speak. */
  render(messages: readonly TrainingMessage[], signal: AbortSignal): Promise<readonly PromptPart[]>;
}

export interface GateQuestions {
  readonly fresh: readonly Probe[];
  readonly old: readonly Probe[];
  /** Subjects of all cards: what was said about is no unknown topic. */
  readonly subjects: readonly string[];
}

/** Answers with one set of adapters. */
interface Arm {
  readonly choice: readonly boolean[];
  readonly recall: readonly boolean[];
  readonly old: readonly boolean[];
  readonly claims: readonly boolean[];
  readonly ended: readonly boolean[];
  readonly drift: Readonly<Record<string, number>>;
}

/** `onProgress`: told after each piece; another dose makes the whole longer. */
export type GateHooks = Pick<StepHooks, 'valve' | 'signal'> & Partial<Pick<StepHooks, 'onProgress'>>;

export class GateMeasurement {
  readonly #engine: GateEngine;
  readonly #questions: GateQuestions;
  readonly #hooks: GateHooks;
  #bare: Promise<Arm> | undefined;
  #incumbent: Promise<boolean[]> | undefined;
  #chat: Promise<{ prompt: readonly PromptPart[]; text: string }[]> | undefined;
  /** Pieces of work: those that are done, and those of everything that was begun. */
  #done = 0;
  #begun = 0;
  readonly #recalled = new Map<number, readonly boolean[]>();

  constructor(engine: GateEngine, questions: GateQuestions, hooks: GateHooks) {
    this.#engine = engine;
    this.#questions = questions;
    this.#hooks = hooks;
  }

  /** `candidate` and `incumbent`: ids of loaded adapters. What does not depend on the scale is measured once. */
  async measure(candidate: number, scale: number, incumbent: number | undefined): Promise<Measured> {
    const { fresh, old: earlier } = this.#questions;
    const arm =
      2 * fresh.length + earlier.length + UNKNOWN_TOPICS.length + PROSE.length + CODE.length + CHAT_PROMPTS.length;
    this.#begun += this.#bare === undefined ? 2 * arm + CHAT_PROMPTS.length : arm;
    this.#bare ??= this.#arm([]);
    const bare = await this.#bare;
    const old = incumbent === undefined ? bare.old : await this.#oldWith([{ id: incumbent, scale: 1 }]);
    const after = await this.#arm([{ id: candidate, scale }]);
    this.#recalled.set(scale, after.recall);
    const drift = Object.fromEntries(
      Object.entries(after.drift).map(([slice, nll]) => [slice, { before: bare.drift[slice] ?? NaN, after: nll }]),
    );
    const pair = (before: readonly boolean[], later: readonly boolean[]): Paired => ({ before, after: later });
    return {
      newChoice: pair(bare.choice, after.choice),
      newRecall: pair(bare.recall, after.recall),
      oldChoice: pair(old, after.old),
      claims: pair(bare.claims, after.claims),
      ended: pair(bare.ended, after.ended),
      recalledEnded: after.ended.filter((_ended, i) => after.recall[i] === true),
      drift,
    };
  }

  /** Whether each answer, with these adapters alone, holds the value. */
  async recalls(probes: readonly Probe[], adapters: readonly AdapterScale[]): Promise<boolean[]> {
    const answers = await several(probes, AT_ONCE, ({ messages }) => this.#ask(messages, adapters));
    return probes.map(({ answer }, i) => holds(answers[i]?.text, answer));
  }

  /** Cards of this night whose value the answer does not hold: they are taught again. `scale`: one that was measured. */
  missed(scale: number): string[] {
    const recall = this.#recalled.get(scale) ?? [];
    return [...new Set(this.#questions.fresh.filter((_probe, i) => recall[i] !== true).map(({ card }) => card))];
  }

  async #arm(adapters: readonly AdapterScale[]): Promise<Arm> {
    const { fresh, old, subjects } = this.#questions;
    const said = subjects.map(normal);
    const unknown = UNKNOWN_TOPICS.filter((topic) => !said.some((subject) => subject.includes(topic)));
    const choice = await several(fresh, AT_ONCE, (probe) => this.#chooses(probe, adapters));
    const answers = await several(fresh, AT_ONCE, ({ messages }) => this.#ask(messages, adapters));
    const known = await several(old, AT_ONCE, (probe) => this.#chooses(probe, adapters));
    const inventions = await several(unknown, AT_ONCE, (topic) =>
      this.#ask([{ role: 'user', content: `What is my ${topic}?` }], adapters),
    );
    return {
      choice,
      recall: fresh.map(({ answer }, i) => holds(answers[i]?.text, answer)),
      old: known,
      claims: inventions.map(({ text }) => !abstains(text)),
      ended: [...answers, ...inventions].map(({ ended }) => ended),
      drift: {
        prose: await this.#nll(PROSE, adapters),
        code: await this.#nll(CODE, adapters),
        conversation: await this.#chatNll(adapters),
      },
    };
  }

  #oldWith(adapters: readonly AdapterScale[]): Promise<boolean[]> {
    this.#incumbent ??= several(this.#questions.old, AT_ONCE, (probe) => this.#chooses(probe, adapters));
    return this.#incumbent;
  }

  /** The right one of the whole answers is the likeliest by the mean over its tokens. */
  async #chooses(probe: Probe, adapters: readonly AdapterScale[]): Promise<boolean> {
    const { signal } = this.#hooks;
    const prompt = await this.#engine.render(probe.messages, signal);
    const scores = await this.#one(() => this.#engine.score(prompt, probe.choices, adapters, signal));
    const means = scores.map(({ sum, tokens }) => sum / tokens);
    const right = means[probe.right] ?? NaN;
    return means.every((mean, i) => i === probe.right || mean < right);
  }

  async #ask(
    messages: readonly TrainingMessage[],
    adapters: readonly AdapterScale[],
  ): Promise<{ readonly text: string; readonly ended: boolean }> {
    const { signal } = this.#hooks;
    const prompt = await this.#engine.render(messages, signal);
    return this.#one(() => this.#engine.answer(prompt, ANSWER_TOKENS, adapters, signal));
  }

  #nll(texts: readonly string[], adapters: readonly AdapterScale[]): Promise<number> {
    return this.#mean(
      texts.map((text) => {
        // A few words in front, so that the first score has something before it.
        const cut = text.indexOf(' ', 20);
        return { prompt: [{ text: text.slice(0, cut), special: false }], text: text.slice(cut) };
      }),
      adapters,
    );
  }

  /** What the bare model says by itself, which no adapter should make less likely. */
  async #chatNll(adapters: readonly AdapterScale[]): Promise<number> {
    const { signal } = this.#hooks;
    this.#chat ??= several(CHAT_PROMPTS, AT_ONCE, async (content) => {
      const prompt = await this.#engine.render([{ role: 'user', content }], signal);
      const { text } = await this.#one(() => this.#engine.answer(prompt, CHAT_TOKENS, [], signal));
      return { prompt, text };
    });
    return this.#mean(
      (await this.#chat).filter(({ text }) => text !== ''),
      adapters,
    );
  }

  /** Mean negative log-likelihood per token. */
  async #mean(
    texts: readonly { readonly prompt: readonly PromptPart[]; readonly text: string }[],
    adapters: readonly AdapterScale[],
  ): Promise<number> {
    const scores = await several(texts, AT_ONCE, ({ prompt, text }) =>
      this.#one(() => this.#engine.score(prompt, [text], adapters, this.#hooks.signal)),
    );
    let sum = 0;
    let tokens = 0;
    for (const [score] of scores) {
      sum -= score?.sum ?? NaN;
      tokens += score?.tokens ?? 0;
    }
    return tokens === 0 ? NaN : sum / tokens;
  }

  /** One piece of work: afterwards the machine may want a rest. */
  async #one<T>(work: () => Promise<T>): Promise<T> {
    const { valve, signal, onProgress } = this.#hooks;
    await valve.pass(0, signal);
    const started = performance.now();
    const result = await work();
    this.#done += 1;
    onProgress?.({ done: Math.min(1, this.#done / Math.max(1, this.#begun)) });
    await valve.pass(performance.now() - started, signal);
    return result;
  }
}

function holds(text: string | undefined, value: string): boolean {
  return normal(text ?? '').includes(normal(value));
}

/** Letters and digits only, so that case and punctuation do not count. */
function normal(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
