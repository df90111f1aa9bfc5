// One arm under examination: what it knows, invents, keeps of its style, has lost, and how fast it answers.
import { median } from '../bench/report.ts';
import {
  ANSWER_TOKENS,
  endOfTurnRate,
  measureFalseMemories,
  measureKnowledge,
  measureLost,
  measurePreferences,
  measureStyles,
  names,
  withoutTopics,
  type Marks,
} from './measure.ts';
import { factAfter, type Fact, type Persona } from './persona.ts';
import type { Step } from './progress.ts';
import type { ArmFigures } from './rows.ts';
import { Subject } from './subject.ts';
import { askWithRecall, withHost } from './host.ts';

const DECODE_TOKENS = 128;
const DECODE_ROUNDS = 5;
/** What each part takes of the time, in hundredths. */
const KNOWLEDGE = 45;
const INVENTIONS = 75;

/** What is asked, in wordings that no training of this proof knows. */
export interface Exam {
  readonly persona: Persona;
  readonly facts: readonly Fact[];
  /** Night after which it is asked. */
  readonly night: number;
  /** The bare model's own answers, for the third slice. */
  readonly chats: readonly string[];
  /** Questions that training asks. */
  readonly known: ReadonlySet<string>;
}

/** With the planted secrets that its answers contain, by kind. */
export interface Examined {
  readonly figures: ArmFigures;
  readonly leaked: readonly string[];
}

/** In a process of its own, with an empty context and nothing to look things up in. */
export async function withSubject<T>(
  model: string,
  adapter: string | undefined,
  work: (subject: Subject) => Promise<T>,
): Promise<T> {
  const subject = await Subject.open(model, adapter === undefined ? undefined : { path: adapter, scale: 1 });
  try {
    return await work(subject);
  } finally {
    await subject.close();
  }
}

export async function examine(subject: Subject, exam: Exam, step: Step): Promise<Examined> {
  const { persona, facts, night, chats, known } = exam;
  const knowledge = await measureKnowledge(subject, facts, night, (done, of) => step((KNOWLEDGE * done) / of, 100));
  const { answers, ...falseMemories } = await measureFalseMemories(
    subject,
    { ...persona, unknown: withoutTopics(persona.unknown, known) },
    (done, of) => step(KNOWLEDGE + ((INVENTIONS - KNOWLEDGE) * done) / of, 100),
  );
  const texts = [...knowledge.answers, ...answers].map(({ text }) => text);
  const preferences = await measurePreferences(subject, persona);
  const styles = await measureStyles(subject, persona);
  step(90, 100);
  return {
    figures: {
      recall: knowledge.recall,
      choice: knowledge.choice,
      preferences,
      styles,
      falseMemories,
      lost: await measureLost(subject, chats),
      endOfTurn: endOfTurnRate(knowledge.answers),
      ...(subject.adapted ? { decode: await decodeRatio(subject) } : {}),
    },
    leaked: persona.secrets.filter(({ value }) => texts.some((text) => text.includes(value))).map(({ kind }) => kind),
  };
}

/** Facts alone. */
export async function examineFacts(subject: Subject, { facts, night }: Exam, step: Step): Promise<ArmFigures> {
  const { recall, choice } = await measureKnowledge(subject, facts, night, step);
  return { recall, choice };
}

/** The host's answers with what it looks up. */
export function examineRecall(model: string, home: string, { facts, night }: Exam, step: Step): Promise<ArmFigures> {
  const asked = facts.flatMap((fact) => fact.questions.map((question) => ({ fact, question })));
  return withHost(model, home, async (host) => {
    const questions = asked.map(({ question }) => question);
    const answers = await askWithRecall(host, questions, ANSWER_TOKENS, step);
    const recall: Marks = asked.map(({ fact, question }, i) => {
      const now = factAfter(fact, night);
      const right = now !== undefined && names(answers[i] ?? '', [now.value, ...now.aliases]);
      return { id: fact.id, question, right };
    });
    return { recall };
  });
}

/** Tokens a second with the adapter ÷ without, in turn: the median of the rounds. */
export async function decodeRatio(
  subject: Subject,
  tokens: number = DECODE_TOKENS,
  rounds: number = DECODE_ROUNDS,
): Promise<number> {
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const without = await subject.decodeSpeed(tokens, false);
    ratios.push((await subject.decodeSpeed(tokens, true)) / without);
  }
  return median(ratios);
}
