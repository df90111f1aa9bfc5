// The proof from telling to asking, in stages: the product's own host, nights and commands; each arm asked in a process of its own.
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { TrainRecipe } from '#protocol/trainer.ts';
import type { SleepSettings } from '../../engine-host/src/training/sleep/sleepDue.ts';
import type { BenchRow } from '../bench/report.ts';
import { judgeExtraction, type Extraction } from './extraction.ts';
import { tellNight } from './feed.ts';
import { examine, examineFacts, examineRecall, withSubject, type Exam, type Examined } from './figures.ts';
import { forgetNow, rebuild, type Forgetting } from './forgetArm.ts';
import { filesWith, remembered } from './home.ts';
import { copyHome, withHost } from './host.ts';
import { killedAndResumed } from './killArm.ts';
import { decodeRatioLarge } from './largeShape.ts';
import { CHAT_PROMPTS, shareOf, withoutTopics, writeChats } from './measure.ts';
import { ANCHORED, controlItems, train, trainedQuestions } from './night.ts';
import { factAfter, type Fact, type Persona } from './persona.ts';
import { Progress } from './progress.ts';
import { proofRows, type Arm, type ArmFigures, type Findings, type NightFigures } from './rows.ts';
import { anchorsOf, lessonOf, sleepNow, writeSleepSettings, type Night } from './sleepNight.ts';
import { need, Stages } from './stages.ts';

export const LEAST_UNKNOWN = 200;
const LEAST_QUESTIONS = 3;

export interface ProveOptions {
  readonly seed: number;
  /** 1 or 2, and no more than the persona has. */
  readonly nights: number;
  readonly quick: boolean;
  readonly persona: Persona;
  readonly model: string;
  /** Everything that the proof makes: the Zell home, what it keeps of it, and the stages that are done. */
  readonly folder: string;
  /** What the user might set for the nights. */
  readonly sleep?: Partial<SleepSettings>;
  /** Questions on what was never told, at least. Default `LEAST_UNKNOWN`. */
  readonly unknown?: number;
  readonly say: (line: string) => void;
  /** After each stage: what is known so far. */
  readonly onPartial?: (proof: Proof) => void;
}

export interface Proof {
  readonly isa: string;
  readonly rows: readonly BenchRow[];
  /** What the proof consists of and could not be done, by name, and why. */
  readonly missing: readonly string[];
  /** Shares that each arm reached, for reading. */
  readonly arms: Readonly<Record<string, { readonly recall: number; readonly choice: number | null }>>;
  /** How the nights went, the one after forgetting last. */
  readonly nights: readonly NightFigures[];
}

/** Minutes on two quiet cores with AVX-512, for the time that is left. */
const MINUTES = {
  'telling night 1': 2,
  'night 1': 17,
  base: 3,
  adapter: 3,
  retrieval: 1,
  both: 1,
  placebo: 13,
  'raw log': 8,
  'telling night 2': 0.5,
  'night 2': 8,
  'night 2, asked': 1.5,
  forget: 0.5,
  'forget, made again': 17,
  kill: 6,
  'decode 1.5B': 2,
} as const;
type Stage = keyof typeof MINUTES;
const QUICK: readonly Stage[] = ['telling night 1', 'night 1', 'base', 'adapter', 'forget', 'forget, made again'];
const SECOND_NIGHT: readonly Stage[] = ['telling night 2', 'night 2', 'night 2, asked'];
/** Rows that need what `--quick` or a single night leaves out. */
const FULL_ONLY = ['placebo', 'raw-log', 'retrieval', 'both', 'kill', 'decode-1.5B'];
const SECOND_ONLY = ['retention', 'changed', 'added'];

export function prove(options: ProveOptions): Promise<Proof> {
  return new Proving(options).run();
}

class Proving {
  readonly #options: ProveOptions;
  readonly #home: string;
  readonly #told: string;
  readonly #wanted: readonly Stage[];
  readonly #stages: Stages;
  #isa = 'unknown';
  #modelHash = '';
  readonly #arms: Partial<Record<Arm, ArmFigures>> = {};
  readonly #nights: { readonly name: string; readonly night: Night }[] = [];
  readonly #leaked = new Set<string>();
  #rest: Partial<Findings> = {};

  constructor(options: ProveOptions) {
    const { folder, seed, quick, nights, model, persona, say } = options;
    this.#options = options;
    this.#home = path.join(folder, 'home');
    this.#told = path.join(folder, 'told');
    mkdirSync(folder, { recursive: true });
    const all = Object.keys(MINUTES) as Stage[];
    this.#wanted = all.filter(
      (stage) => (!quick || QUICK.includes(stage)) && (nights > 1 || !SECOND_NIGHT.includes(stage)),
    );
    const progress = new Progress(
      this.#wanted.map((name) => ({ name, weight: MINUTES[name] })),
      say,
    );
    const of = JSON.stringify({ seed, quick, nights, model, facts: persona.facts.map(({ id }) => id) });
    this.#stages = new Stages(path.join(folder, 'stages.json'), of, progress, () => this.#partial());
  }

  async run(): Promise<Proof> {
    const { quick, nights, persona } = this.#options;
    const night1 = await this.#night(1);
    const lesson = night1 && lessonOf(night1);
    const known = lesson && trainedQuestions(lesson.items);
    const exam = known && this.#examOf(persona, 1, known);
    const chats = await this.#base(exam);
    const first = await this.#adapterArm(night1, exam, chats);
    if (!quick) {
      await this.#recallArm('retrieval', this.#told, exam);
      await this.#recallArm('both', undefined, exam, night1);
      for (const control of ['placebo', 'raw log'] as const) await this.#control(control, night1, exam);
    }
    let last = { exam, recall: first?.recall, nights: 1 };
    if (nights > 1) last = (await this.#secondNight(known)) ?? last;
    await this.#forget(last.exam, last.recall);
    if (!quick) {
      await this.#stage('kill', async (step) => ({
        kill: await killedAndResumed(this.#options.model, this.#told, this.#options.folder, step),
      }));
      await this.#stage('decode 1.5B', async () => ({
        decodeLarge: await decodeRatioLarge(this.#options.model, this.#options.folder, this.#options.say),
      }));
    }
    this.#secrets();
    return this.#proof();
  }

  /** Tells a night's conversations to a real host and lets it sleep. */
  async #night(number: 1 | 2): Promise<Night | undefined> {
    const { model, persona, sleep, folder } = this.#options;
    const told = await this.#stages.run(`telling night ${number}`, async (step) => {
      const conversations = persona.nights[number - 1] ?? [];
      writeSleepSettings(this.#home, sleep ?? {});
      await withHost(model, this.#home, (host) => tellNight(host, conversations, step));
      if (number === 1) copyHome(this.#home, this.#told);
      return true;
    });
    const night = await this.#stages.run(`night ${number}`, (step) => {
      need(told, `telling night ${number}`);
      const keep = path.join(folder, `night-${number}`);
      return withHost(model, this.#home, ({ client }) => sleepNow(client, this.#home, keep, step));
    });
    if (night !== undefined) this.#nights.push({ name: `night ${number}`, night });
    return night;
  }

  /** Questions on what is true after a night, less those that training asks. */
  #examOf(persona: Persona, night: number, known: ReadonlySet<string>): Exam {
    const facts = persona.facts
      .filter((fact) => factAfter(fact, night) !== undefined)
      .map((fact) => ({ ...fact, questions: fact.questions.filter((question) => !known.has(question)) }));
    return { persona, facts, night, chats: [], known };
  }

  async #base(exam: Exam | undefined): Promise<readonly string[] | undefined> {
    const { model, persona } = this.#options;
    const done = await this.#stages.run('base', (step) =>
      withSubject(model, undefined, async (subject) => {
        const asked = need(exam, 'night 1');
        refuseWeakProof(asked, this.#options.unknown ?? LEAST_UNKNOWN);
        const chats = await writeChats(subject);
        const { isa, modelHash } = subject.info;
        const { cards, events } = await remembered(this.#home, modelHash);
        const extraction: Extraction = judgeExtraction(persona, 1, cards, events);
        return { isa, modelHash, chats, extraction, examined: await examine(subject, { ...asked, chats }, step) };
      }),
    );
    if (done === undefined) return undefined;
    this.#isa = done.isa;
    this.#modelHash = done.modelHash;
    this.#rest = { ...this.#rest, extraction: done.extraction };
    this.#take('base', done.examined);
    return done.chats;
  }

  async #adapterArm(
    night: Night | undefined,
    exam: Exam | undefined,
    chats: readonly string[] | undefined,
  ): Promise<ArmFigures | undefined> {
    const examined = await this.#stages.run('adapter', (step) => {
      const { adapter } = need(night, 'night 1');
      const asked = { ...need(exam, 'night 1'), chats: need(chats, 'base') };
      return withSubject(this.#options.model, adapter, (subject) => examine(subject, asked, step));
    });
    return examined && this.#take('adapter', examined);
  }

  /** Asked through the host, which looks memories up. In a copy: the questions are recorded. */
  async #recallArm(
    arm: 'retrieval' | 'both',
    home: string | undefined,
    exam: Exam | undefined,
    night?: Night,
  ): Promise<void> {
    const { model, folder } = this.#options;
    const figures = await this.#stages.run(arm, (step) => {
      if (arm === 'both' && !need(night, 'night 1').promoted)
        throw new Error('The gate let no adapter answer, so the host has none.');
      const copy = path.join(folder, arm);
      copyHome(home ?? this.#home, copy);
      return examineRecall(model, copy, need(exam, 'night 1'), step);
    });
    if (figures !== undefined) this.#arms[arm] = figures;
    this.#partial();
  }

  /** The real night's recipe and anchors with other items. */
  async #control(arm: 'placebo' | 'raw log', night: Night | undefined, exam: Exam | undefined): Promise<void> {
    const { model, seed, folder } = this.#options;
    const figures = await this.#stages.run(arm, async (step) => {
      const { version } = need(night, 'night 1');
      const { cards, events } = await remembered(this.#home, this.#modelHash);
      const items = controlItems(arm, cards, events, seed);
      const out = path.join(folder, `${arm.replace(' ', '-')}.lora`);
      const recipe = (version.recipe ?? {}) as TrainRecipe;
      await withSubject(model, undefined, (base) =>
        train(base, items, anchorsOf(this.#home, this.#modelHash), out, recipe, (done, of) =>
          step((85 * done) / of, 100, `: training ${done} of ${of}`),
        ),
      );
      return withSubject(model, out, (subject) =>
        examineFacts(subject, need(exam, 'night 1'), (done, of) => step(85 + (15 * done) / of, 100, ': asking')),
      );
    });
    if (figures !== undefined) this.#arms[arm] = figures;
    this.#partial();
  }

  async #secondNight(
    known: ReadonlySet<string> | undefined,
  ): Promise<{ exam: Exam | undefined; recall: ArmFigures['recall'] | undefined; nights: number } | undefined> {
    const { model, persona } = this.#options;
    const night = await this.#night(2);
    const exam =
      night && known && this.#examOf(persona, 2, new Set([...known, ...trainedQuestions(lessonOf(night).items)]));
    const figures = await this.#stages.run('night 2, asked', (step) =>
      withSubject(model, need(night, 'night 2').adapter, (subject) => {
        const asked = need(exam, 'night 1');
        refuseWeakProof(asked, this.#options.unknown ?? LEAST_UNKNOWN);
        return examineFacts(subject, asked, step);
      }),
    );
    if (figures === undefined) return undefined;
    const toldIn = (fact: Fact): string => fact.history.map((entry) => entry.night).join('');
    const ids = (fits: (nights: string) => boolean): string[] =>
      persona.facts.filter((fact) => fits(toldIn(fact))).map(({ id }) => id);
    this.#arms['night 2'] = figures;
    this.#rest = { ...this.#rest, changed: ids((n) => /1.*2/.test(n)), added: ids((n) => /^2+$/.test(n)) };
    this.#partial();
    return { exam, recall: figures.recall, nights: 2 };
  }

  async #forget(exam: Exam | undefined, before: ArmFigures['recall'] | undefined): Promise<void> {
    const { model, folder } = this.#options;
    const forgetting = (): Forgetting => ({
      model,
      modelHash: this.#modelHash,
      home: this.#home,
      exam: need(exam, 'night 1'),
      before: need(before, 'adapter'),
      base: need(this.#arms.base, 'base').recall,
    });
    const now = await this.#stages.run('forget', (step) => forgetNow(forgetting(), step));
    if (now !== undefined) this.#rest = { ...this.#rest, forgotten: now };
    const again = await this.#stages.run('forget, made again', (step) =>
      rebuild(forgetting(), need(now, 'forget'), path.join(folder, 'night-forget'), step),
    );
    if (again === undefined) return;
    this.#nights.push({ name: 'night after forgetting', night: again.night });
    this.#rest = { ...this.#rest, forgotten: again.forgotten };
    this.#partial();
  }

  /** A stage whose result is findings. */
  async #stage(
    name: Stage,
    work: (step: (done: number, of: number) => void) => Promise<Partial<Findings>>,
  ): Promise<void> {
    const found = await this.#stages.run(name, work);
    if (found !== undefined) this.#rest = { ...this.#rest, ...found };
    this.#partial();
  }

  #take(arm: Arm, { figures, leaked }: Examined): ArmFigures {
    this.#arms[arm] = figures;
    for (const kind of leaked) this.#leaked.add(kind);
    this.#partial();
    return figures;
  }

  /** In every file that the nights made or kept, and in the answers. */
  #secrets(): void {
    const { persona } = this.#options;
    if (!existsSync(this.#home)) return;
    const found = filesWith(
      this.#options.folder,
      persona.secrets.map(({ value }) => value),
    );
    const kinds = persona.secrets
      .filter(({ value }) => found.some(({ text }) => text === value))
      .map(({ kind }) => kind);
    this.#rest = { ...this.#rest, secretsFound: [...new Set([...kinds, ...this.#leaked])] };
  }

  #partial(): void {
    this.#options.onPartial?.(this.#proof());
  }

  #proof(): Proof {
    const { seed, quick, nights } = this.#options;
    const all = this.#nights.map(
      ({ name, night: { promoted, words, version, minutes, tokensPerSecond } }): NightFigures => ({
        name,
        promoted,
        words,
        verdict: version.verdict,
        minutes,
        ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
      }),
    );
    const rows = proofRows({ isa: this.#isa, seed, arms: this.#arms, nights: all, ...this.#rest });
    const out = [...(quick ? FULL_ONLY : []), ...(nights > 1 ? [] : SECOND_ONLY)];
    return {
      isa: this.#isa,
      rows: rows.filter(({ id }) => !out.includes(id)),
      missing: this.#stages.failed,
      arms: Object.fromEntries(
        Object.entries(this.#arms).map(([arm, { recall, choice }]) => [
          arm,
          { recall: shareOf(recall), choice: choice === undefined ? null : shareOf(choice) },
        ]),
      ),
      nights: all,
    };
  }
}

/** @throws {Error} when what is asked was trained, so that the figures would say nothing */
function refuseWeakProof({ facts, persona, known }: Exam, least: number): void {
  for (const { id, questions } of facts)
    if (questions.length < LEAST_QUESTIONS)
      throw new Error(`Of the questions on ${id} only ${questions.length} are not trained.`);
  const shared = CHAT_PROMPTS.filter((prompt) => ANCHORED.has(prompt));
  if (shared.length > 0) throw new Error(`The drift is measured on what is anchored: ${shared.join(' ')}`);
  const unknown = withoutTopics(persona.unknown, known).length;
  if (unknown < least) throw new Error(`Only ${unknown} topics are neither told nor trained.`);
}
