// What a model knows about the persona, and what it has lost: every figure greedy or by likelihood, so that it is always the same.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { PromptPart } from '#protocol/generation.ts';
import { several } from '../../engine-host/src/memory/several.ts';
import { abstains } from '../../engine-host/src/training/gate/abstains.ts';
import { normalised } from './extraction.ts';
import { choicesOf, factAfter, user, type Fact, type Persona } from './persona.ts';
import type { Answer, Subject } from './subject.ts';

export const ANSWER_TOKENS = 48;
const STYLE_TOKENS = 120;
/** Scores at a time: what is computed together reads the weights once, and no figure depends on its company. */
const AT_ONCE = 6;
const CHAT_TOKENS = 128;
/** Tokens of a slice that are read from an empty context. */
const PIECE_TOKENS = 512;
const SLICES = path.join(import.meta.dirname, 'slices');

/** Of each question in order: right or not. */
export type Marks = readonly { readonly id: string; readonly question: string; readonly right: boolean }[];

export interface Knowledge {
  readonly recall: Marks;
  readonly choice: Marks;
  /** Answers to the questions of `recall`. */
  readonly answers: readonly Answer[];
}

export interface Lost {
  /** Nats per token of each slice. */
  readonly nll: Readonly<Record<Slice, number>>;
}
export type Slice = 'prose' | 'code' | 'chat';

/** Questions for the third slice; no anchor may ask them. */
export const CHAT_PROMPTS: readonly string[] = [
  'What makes bread rise?',
  'Name three rivers in South America.',
  'Why do owls turn their heads?',
  'Describe a desert at noon.',
  'What is a fable?',
  'How do bees make honey?',
  'Explain what a library card is for.',
  'Give me a recipe for tomato soup.',
  'What is the use of a compass?',
  'Describe a rainy day in a city.',
  'Why is the night sky dark?',
  'What does a translator do?',
  'Give three tips for packing a suitcase.',
  'How does a sundial work?',
  'What is the difference between a novel and a poem?',
  'Tell me something about lighthouses.',
];

/** Whether an answer names the value: letters and digits count, case and signs do not. */
export function names(answer: string, values: readonly string[]): boolean {
  const text = normalised(answer);
  return values.some((value) => text.includes(normalised(value)));
}

export function shareOf(marks: Marks): number {
  return marks.length === 0 ? Number.NaN : marks.filter(({ right }) => right).length / marks.length;
}

/** Each fact in all its wordings. */
export async function measureKnowledge(
  subject: Subject,
  facts: readonly Fact[],
  night: number,
  step: (done: number, of: number) => void,
): Promise<Knowledge> {
  const asked = facts.flatMap((fact) => fact.questions.map((question) => ({ fact, question })));
  const total = 2 * asked.length;
  const answers = await subject.answers(
    asked.map(({ question }) => ({ messages: [user(question)], tokens: ANSWER_TOKENS })),
    (done) => step(done, total),
  );
  const recall = asked.map(({ fact, question }, i) => {
    const now = factAfter(fact, night);
    const right = now !== undefined && names(answers[i]?.text ?? '', [now.value, ...now.aliases]);
    return { id: fact.id, question, right };
  });
  let chosen = 0;
  const choice = await several(asked, AT_ONCE, async ({ fact, question }) => {
    const likely = await subject.likelihoods([user(question)], choicesOf(fact, night));
    step(asked.length + ++chosen, total);
    return { id: fact.id, question, right: isFirstBest(likely) };
  });
  return { recall, choice, answers };
}

export async function measurePreferences(subject: Subject, persona: Persona): Promise<Marks> {
  const asked = persona.preferences.flatMap((one) => one.questions.map((question) => ({ ...one, question })));
  return several(asked, AT_ONCE, async ({ id, question, answer, value, others }) => {
    const choices = [value, ...others].map((option) => answer.replace('{}', option));
    return { id, question, right: isFirstBest(await subject.likelihoods([user(question)], choices)) };
  });
}

export async function measureStyles(subject: Subject, persona: Persona): Promise<Marks> {
  const asked = persona.styles.flatMap((rule) => rule.tasks.map((task) => ({ rule, task })));
  const answers = await subject.answers(asked.map(({ task }) => ({ messages: [user(task)], tokens: STYLE_TOKENS })));
  return asked.map(({ rule, task }, i) => ({
    id: rule.id,
    question: task,
    right: keepsRule(answers[i]?.text ?? '', rule.must, rule.mustNot),
  }));
}

export function keepsRule(answer: string, must: string | undefined, mustNot: string | undefined): boolean {
  return (
    (must === undefined || new RegExp(must).test(answer)) &&
    (mustNot === undefined || !new RegExp(mustNot).test(answer))
  );
}

export interface FalseMemories {
  readonly asked: number;
  /** Answers that claim to know. */
  readonly claimed: number;
  /** Answers that name a value which was told about something else. */
  readonly spilled: number;
  readonly answers: readonly Answer[];
}

export async function measureFalseMemories(
  subject: Subject,
  persona: Persona,
  step: (done: number, of: number) => void,
): Promise<FalseMemories> {
  const { unknown } = persona;
  const answers = await subject.answers(
    unknown.map((question) => ({ messages: [user(question)], tokens: ANSWER_TOKENS })),
    (done) => step(done, unknown.length),
  );
  const values = persona.facts.flatMap(({ history }) => history.flatMap(({ value, aliases }) => [value, ...aliases]));
  return {
    asked: unknown.length,
    claimed: answers.filter(({ text }) => !abstains(text)).length,
    spilled: answers.filter(({ text }) => names(text, values)).length,
    answers,
  };
}

/** Questions on topics of which no trained question speaks: "What is my {topic}?". */
export function withoutTopics(unknown: readonly string[], trained: ReadonlySet<string>): string[] {
  const all = normalised([...trained].join('\n'));
  return unknown.filter((question) => {
    const topic = /\bmy (.+?)(?:['’]s\b|\?| live| drive| play)/.exec(question)?.[1];
    return topic === undefined || !all.includes(` my${normalised(topic)}`);
  });
}

/** Share of answers that end by themselves. */
export function endOfTurnRate(answers: readonly Answer[]): number {
  return answers.filter(({ finish }) => finish === 'eos').length / answers.length;
}

/** The third slice: what the bare model answers to other questions. */
export async function writeChats(base: Subject): Promise<string[]> {
  const answers = await base.answers(
    CHAT_PROMPTS.map((question) => ({ messages: [user(question)], tokens: CHAT_TOKENS })),
  );
  return answers.map(({ text }) => text);
}

/** @param chats the bare model's, from `writeChats` */
export async function measureLost(subject: Subject, chats: readonly string[]): Promise<Lost> {
  const text = async (name: string): Promise<number> => {
    const tokens = await subject.tokenize(readFileSync(path.join(SLICES, `${name}.txt`), 'utf8'));
    const pieces: { prompt: PromptPart[]; text: PromptPart[] }[] = [];
    for (let at = 0; at < tokens.length; at += PIECE_TOKENS) {
      const piece = tokens.slice(at, at + PIECE_TOKENS);
      if (piece.length > 1)
        pieces.push({ prompt: [{ tokens: piece.slice(0, 1) }], text: [{ tokens: piece.slice(1) }] });
    }
    return mean(subject, pieces);
  };
  const answered = await Promise.all(
    CHAT_PROMPTS.map(async (question, i) => ({
      prompt: await subject.render([user(question)]),
      text: [{ text: chats[i] ?? '', special: false }],
    })),
  );
  const prose = await text('prose');
  const code = await text('code');
  return { nll: { prose, code, chat: await mean(subject, answered) } };
}

async function mean(
  subject: Subject,
  pieces: readonly { readonly prompt: readonly PromptPart[]; readonly text: readonly PromptPart[] }[],
): Promise<number> {
  let nats = 0;
  let tokens = 0;
  for (const piece of await several(pieces, AT_ONCE, ({ prompt, text }) => subject.surprise(prompt, text))) {
    nats += piece.nats;
    tokens += piece.tokens;
  }
  return nats / tokens;
}

function isFirstBest(likely: readonly number[]): boolean {
  return likely.slice(1).every((other) => other < (likely[0] ?? -Infinity));
}
