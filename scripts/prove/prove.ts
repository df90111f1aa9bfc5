// The proof from telling to asking: each arm as far as its parts exist, what does not exist by name.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { AnchorText } from '../../engine-host/src/memory/dreaming/anchors.ts';
import { THREADS } from '../bench/engine.ts';
import type { BenchRow } from '../bench/report.ts';
import { startOurs } from '../bench/serverProcess.ts';
import { judgeExtraction, type Extraction } from './extraction.ts';
import { tellNight } from './feed.ts';
import { dreamt, foundInFiles, type Remembered } from './home.ts';
import {
  CHAT_PROMPTS,
  endOfTurnRate,
  measureFalseMemories,
  measureKnowledge,
  measureLost,
  measurePreferences,
  measureStyles,
  shareOf,
  withoutTopics,
  writeChats,
  type FalseMemories,
} from './measure.ts';
import { ANCHORED, anchorsOf, lessonOf, train, trainedQuestions, type Lesson, type Trained } from './night.ts';
import { factAfter, makePersona, type Fact, type GivenFact, type Persona } from './persona.ts';
import { Progress } from './progress.ts';
import { proofRows, type Arm, type ArmFigures } from './rows.ts';
import { Subject } from './subject.ts';

const LEAST_UNKNOWN = 200;
const DECODE_TOKENS = 128;
const DECODE_ROUNDS = 5;

export interface ProveOptions {
  readonly seed: number;
  readonly nights: number;
  readonly quick: boolean;
  readonly given: readonly GivenFact[] | undefined;
  readonly model: string;
  /** An empty folder: the Zell home of the proof. */
  readonly home: string;
  readonly say: (line: string) => void;
}

export interface Proof {
  readonly isa: string;
  readonly rows: readonly BenchRow[];
  /** What the proof consists of and could not be done, by name, and why. */
  readonly missing: readonly string[];
  /** Shares that each arm reached, for reading. */
  readonly arms: Readonly<Record<string, { readonly recall: number; readonly choice: number }>>;
}

/** Parts that this proof cannot reach yet. */
const MISSING: Readonly<Partial<Record<Arm, string>>> = {
  retrieval: 'questions through the host with recall are not asked yet',
  both: 'questions through the host with recall are not asked yet',
  'night 2': 'the sleep cycle is not driven from outside yet',
  forget: 'the sleep cycle is not driven from outside yet',
  kill: 'the sleep cycle is not driven from outside yet',
};
const QUICK: readonly Arm[] = ['base', 'adapter', 'forget'];

export async function prove(options: ProveOptions): Promise<Proof> {
  const { seed, quick, model, home, say } = options;
  const persona = makePersona(seed, options.given);
  const facts = persona.facts.filter((fact) => factAfter(fact, 1) !== undefined);
  const lessons: readonly (readonly [Arm, Lesson])[] = quick
    ? [['adapter', 'cards']]
    : [
        ['adapter', 'cards'],
        ['placebo', 'placebo'],
        ['raw log', 'raw log'],
      ];
  const progress = new Progress(
    [
      { name: 'telling', weight: 2 },
      { name: 'base', weight: 3 },
      { name: 'anchors', weight: 2 },
      ...lessons.flatMap(([arm]) => [
        { name: `training ${arm}`, weight: 10 },
        { name: arm, weight: 3 },
      ]),
    ],
    say,
  );
  await telling(persona, options, progress);
  const base = await Subject.open(model);
  const arms: Partial<Record<Arm, ArmFigures>> = {};
  let extraction: Extraction;
  let asked: readonly Fact[];
  /** Dreaming, anchors and training; the gate's own measuring is no part of this proof. */
  let sleepMinutes = 0;
  const generated: string[] = [];
  let isa: string;
  try {
    isa = base.info.isa;
    const dreaming = await timed(() => dreamt(home, base.info.modelHash));
    const remembered = dreaming.value;
    extraction = judgeExtraction(persona, 1, remembered.cards, remembered.events);
    const items = lessonOf('cards', remembered.cards, remembered.events, seed);
    const known = trainedQuestions(items);
    asked = facts.map((fact) => ({ ...fact, questions: fact.questions.filter((question) => !known.has(question)) }));
    refuseWeakProof(asked, persona, known);
    const chats = await writeChats(base);
    arms.base = await figures(base, persona, asked, chats, progress.begin('base'), known, generated);
    progress.begin('anchors');
    const anchoring = await timed(() => anchorsOf(base, seed));
    const written = anchoring.value;
    sleepMinutes = dreaming.minutes + anchoring.minutes;
    for (const [arm, lesson] of lessons) {
      const adapter = await night(base, lesson, remembered, written, options, progress.begin(`training ${arm}`));
      if (arm === 'adapter') sleepMinutes += adapter.minutes;
      const subject = await Subject.open(model, { path: adapter.path, scale: 1 });
      try {
        arms[arm] = await figures(subject, persona, asked, chats, progress.begin(arm), known, generated);
      } finally {
        await subject.close();
      }
    }
  } finally {
    await base.close();
  }
  const inFiles = foundInFiles(
    home,
    persona.secrets.map(({ value }) => value),
  );
  const inAnswers = persona.secrets.filter(({ value }) => generated.some((text) => text.includes(value)));
  const found = persona.secrets
    .filter((s) => inFiles.includes(s.value) || inAnswers.includes(s))
    .map(({ kind }) => kind);
  const rows = proofRows({
    isa,
    arms,
    extraction,
    secretsFound: found,
    sleepMinutes,
  });
  const missing = Object.entries(MISSING).flatMap(([arm, why]) =>
    quick && !QUICK.includes(arm as Arm) ? [] : [`arm ${arm}: ${why}`],
  );
  return {
    isa,
    rows: quick ? rows.filter(({ id }) => !FULL_ONLY.includes(id)) : rows,
    missing,
    arms: Object.fromEntries(
      Object.entries(arms).map(([arm, { recall, choice }]) => [
        arm,
        { recall: shareOf(recall), choice: shareOf(choice) },
      ]),
    ),
  };
}

/** Rows that `--quick` does not ask for. */
const FULL_ONLY: readonly string[] = ['retention', 'changed', 'placebo', 'raw-log', 'retrieval', 'both', 'kill'];

async function telling(persona: Persona, { model, home }: ProveOptions, progress: Progress): Promise<void> {
  const step = progress.begin('telling');
  const host = await startOurs(model, THREADS, home);
  try {
    await tellNight(host, persona.nights[0] ?? [], step);
  } finally {
    await host.stop();
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly minutes: number }> {
  const started = performance.now();
  return { value: await work(), minutes: (performance.now() - started) / 60_000 };
}

async function night(
  base: Subject,
  lesson: Lesson,
  { cards, events }: Remembered,
  anchors: readonly AnchorText[],
  { home, seed }: ProveOptions,
  step: (done: number, of: number) => void,
): Promise<Trained> {
  const folder = path.join(home, 'proof');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${lesson.replace(' ', '-')}.gguf`);
  return train(base, lessonOf(lesson, cards, events, seed), anchors, file, { seed }, step);
}

async function figures(
  subject: Subject,
  persona: Persona,
  facts: readonly Fact[],
  chats: readonly string[],
  step: (done: number, of: number) => void,
  known: ReadonlySet<string>,
  generated: string[],
): Promise<ArmFigures> {
  const knowledge = await measureKnowledge(subject, facts, 1, step);
  const falseMemories: FalseMemories = await measureFalseMemories(
    subject,
    { ...persona, unknown: withoutTopics(persona.unknown, known) },
    () => undefined,
  );
  generated.push(...[...knowledge.answers, ...falseMemories.answers].map(({ text }) => text));
  const speeds: number[] = [];
  for (let round = 0; subject.adapted && round < DECODE_ROUNDS; round++) {
    const without = await subject.decodeSpeed(DECODE_TOKENS, false);
    speeds.push((await subject.decodeSpeed(DECODE_TOKENS, true)) / without);
  }
  return {
    recall: knowledge.recall,
    choice: knowledge.choice,
    preferences: await measurePreferences(subject, persona),
    styles: await measureStyles(subject, persona),
    falseMemories,
    lost: await measureLost(subject, chats),
    endOfTurn: endOfTurnRate(knowledge.answers),
    ...(speeds.length === 0 ? {} : { decode: speeds.toSorted((a, b) => a - b)[speeds.length >> 1] ?? Number.NaN }),
  };
}

/** @throws {Error} when what is asked was trained, so that the figures would say nothing */
function refuseWeakProof(facts: readonly Fact[], persona: Persona, known: ReadonlySet<string>): void {
  for (const { id, questions } of facts)
    if (questions.length < 3) throw new Error(`Of the questions on ${id} only ${questions.length} are not trained.`);
  const shared = CHAT_PROMPTS.filter((prompt) => ANCHORED.has(prompt));
  if (shared.length > 0) throw new Error(`The drift is measured on what is anchored: ${shared.join(' ')}`);
  const unknown = withoutTopics(persona.unknown, known).length;
  if (unknown < LEAST_UNKNOWN) throw new Error(`Only ${unknown} topics are neither told nor trained.`);
}
