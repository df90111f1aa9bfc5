/** Measures an adapter for the gate: each question without it and with it, on the engine that answers requests. */
import type { AdapterScale, PromptPart } from '#protocol/engine.ts';
import type { Probe, TrainingMessage } from '../../memory/dreaming/trainingItem.ts';
import type { StepHooks } from '../sleep/sleepCycle.ts';
import type { Measured, Paired } from './gate.ts';
import { CHAT_PROMPTS, CODE, PROSE, UNKNOWN_TOPICS } from './slices.ts';

/** Longest answer, in tokens: all that are asked for fit into a sentence. */
const ANSWER_TOKENS = 48;
const CHAT_TOKENS = 64;

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
  readonly choice: boolean[];
  readonly recall: boolean[];
  readonly old: boolean[];
  readonly claims: boolean[];
  readonly ended: boolean[];
  readonly drift: Record<string, number>;
}

export class GateMeasurement {
  readonly #engine: GateEngine;
  readonly #questions: GateQuestions;
  readonly #hooks: Pick<StepHooks, 'valve' | 'signal'>;
  #bare: Promise<Arm> | undefined;
  #incumbent: Promise<boolean[]> | undefined;
  #chat: Promise<{ prompt: readonly PromptPart[]; text: string }[]> | undefined;

  constructor(engine: GateEngine, questions: GateQuestions, hooks: Pick<StepHooks, 'valve' | 'signal'>) {
    this.#engine = engine;
    this.#questions = questions;
    this.#hooks = hooks;
  }

  /** `candidate` and `incumbent`: ids of loaded adapters. What does not depend on the scale is measured once. */
  async measure(candidate: number, scale: number, incumbent: number | undefined): Promise<Measured> {
    this.#bare ??= this.#arm([]);
    const bare = await this.#bare;
    const old = incumbent === undefined ? bare.old : await this.#oldWith([{ id: incumbent, scale: 1 }]);
    const after = await this.#arm([{ id: candidate, scale }]);
    const drift = Object.fromEntries(
      Object.entries(after.drift).map(([slice, nll]) => [slice, { before: bare.drift[slice] ?? NaN, after: nll }]),
    );
    const pair = (before: readonly boolean[], later: readonly boolean[]): Paired => ({ before, after: later });
    return {
      newChoice: pair(bare.choice, after.choice),
      newRecall: pair(bare.recall, after.recall),
      oldChoice: pair(old, after.old),
      claims: pair(bare.claims, after.claims),
      ended: after.ended,
      drift,
    };
  }

  /** Cards of this night whose value the answer does not hold: they are taught again. */
  async missed(candidate: number, scale: number): Promise<string[]> {
    const cards = new Set<string>();
    for (const probe of this.#questions.fresh) {
      const { text } = await this.#ask(probe.messages, [{ id: candidate, scale }]);
      if (!normal(text).includes(normal(probe.answer))) cards.add(probe.card);
    }
    return [...cards];
  }

  async #arm(adapters: readonly AdapterScale[]): Promise<Arm> {
    const { fresh, old, subjects } = this.#questions;
    const arm: Arm = { choice: [], recall: [], old: [], claims: [], ended: [], drift: {} };
    for (const probe of fresh) {
      arm.choice.push(await this.#chooses(probe, adapters));
      const { text, ended } = await this.#ask(probe.messages, adapters);
      arm.recall.push(normal(text).includes(normal(probe.answer)));
      arm.ended.push(ended);
    }
    for (const probe of old) arm.old.push(await this.#chooses(probe, adapters));
    const said = subjects.map(normal);
    for (const topic of UNKNOWN_TOPICS) {
      if (said.some((subject) => subject.includes(topic))) continue;
      const { text, ended } = await this.#ask([{ role: 'user', content: `What is my ${topic}?` }], adapters);
      arm.claims.push(!abstains(text));
      arm.ended.push(ended);
    }
    arm.drift['prose'] = await this.#nll(PROSE, adapters);
    arm.drift['code'] = await this.#nll(CODE, adapters);
    arm.drift['conversation'] = await this.#chatNll(adapters);
    return arm;
  }

  #oldWith(adapters: readonly AdapterScale[]): Promise<boolean[]> {
    this.#incumbent ??= (async () => {
      const known: boolean[] = [];
      for (const probe of this.#questions.old) known.push(await this.#chooses(probe, adapters));
      return known;
    })();
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

  async #nll(texts: readonly string[], adapters: readonly AdapterScale[]): Promise<number> {
    let sum = 0;
    let tokens = 0;
    for (const text of texts) {
      // A few words in front, so that the first score has something before it.
      const cut = text.indexOf(' ', 20);
      const prompt = [{ text: text.slice(0, cut), special: false }];
      const [score] = await this.#one(() =>
        this.#engine.score(prompt, [text.slice(cut)], adapters, this.#hooks.signal),
      );
      sum -= score?.sum ?? NaN;
      tokens += score?.tokens ?? 0;
    }
    return sum / tokens;
  }

  /** What the bare model says by itself, which no adapter should make less likely. */
  async #chatNll(adapters: readonly AdapterScale[]): Promise<number> {
    const { signal } = this.#hooks;
    this.#chat ??= (async () => {
      const said: { prompt: readonly PromptPart[]; text: string }[] = [];
      for (const content of CHAT_PROMPTS) {
        const prompt = await this.#engine.render([{ role: 'user', content }], signal);
        const { text } = await this.#one(() => this.#engine.answer(prompt, CHAT_TOKENS, [], signal));
        if (text !== '') said.push({ prompt, text });
      }
      return said;
    })();
    let sum = 0;
    let tokens = 0;
    for (const { prompt, text } of await this.#chat) {
      const [score] = await this.#one(() => this.#engine.score(prompt, [text], adapters, signal));
      sum -= score?.sum ?? NaN;
      tokens += score?.tokens ?? 0;
    }
    return tokens === 0 ? NaN : sum / tokens;
  }

  /** One piece of work: afterwards the machine may want a rest. */
  async #one<T>(work: () => Promise<T>): Promise<T> {
    const { valve, signal } = this.#hooks;
    await valve.pass(0, signal);
    const started = performance.now();
    const result = await work();
    await valve.pass(performance.now() - started, signal);
    return result;
  }
}

/** Letters and digits only, so that case and punctuation do not count. */
function normal(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** The answer says that it does not know. */
export function abstains(text: string): boolean {
  return /\b(?:(?:don|didn|haven|hasn|can|couldn|wasn|isn)['’]t|do not|did not|have not|has not|cannot|never|not (?:been )?(?:told|mentioned|aware|sure)|no (?:information|record|memory|idea)|unknown|unable)\b/i.test(
    text,
  );
}
