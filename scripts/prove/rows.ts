// The requirements that the proof judges itself by, each computed from what the arms measured.
import type { Verdict } from '#protocol/adapters.ts';
import { judged, nothing, type BenchRow, type Reached } from '../bench/report.ts';
import type { Extraction, Share } from './extraction.ts';
import { shareOf, type FalseMemories, type Lost, type Marks, type Slice } from './measure.ts';
import { difference, inWords, keyOf, type Difference } from './statistics.ts';

export const ARMS = ['base', 'retrieval', 'adapter', 'placebo', 'raw log', 'both', 'night 2', 'forget'] as const;
export type Arm = (typeof ARMS)[number];

/** What was measured of one arm; absent: not asked of it. */
export interface ArmFigures {
  readonly recall: Marks;
  readonly choice?: Marks;
  readonly preferences?: Marks;
  readonly styles?: Marks;
  readonly falseMemories?: Omit<FalseMemories, 'answers'>;
  readonly lost?: Lost;
  readonly endOfTurn?: number;
  /** Tokens a second with the adapter ÷ without. */
  readonly decode?: number;
}

/** How a night of the product's went. */
export interface NightFigures {
  readonly name: string;
  readonly promoted: boolean;
  readonly words: string;
  readonly verdict: Verdict | undefined;
  readonly minutes: Readonly<Record<'dreaming' | 'training' | 'evaluating', number>>;
  readonly tokensPerSecond?: number;
}

export interface ForgottenFigures {
  readonly id: string;
  /** Of the forgotten fact alone: without any adapter, right after the word, and after the adapter was made again. */
  readonly base: number;
  readonly atOnce: number;
  readonly rebuilt?: number;
  /** Of all others, before and after. */
  readonly othersBefore: number;
  readonly othersAfter?: number;
  /** Files of the home in which its value still is. */
  readonly files: number;
  /** Adapters that had learnt it and have a file. */
  readonly left: number;
}

export interface Findings {
  readonly isa: string;
  readonly seed: number;
  readonly arms: Readonly<Partial<Record<Arm, ArmFigures>>>;
  /** In order. */
  readonly nights?: readonly NightFigures[];
  readonly extraction?: Extraction;
  /** Kinds of planted secrets that were found in files of the home or in answers. */
  readonly secretsFound?: readonly string[];
  /** Ids of the facts that night 2 changed, and of those that it told first. */
  readonly changed?: readonly string[];
  readonly added?: readonly string[];
  readonly forgotten?: ForgottenFigures;
  /** Both trainings, one of them killed and resumed, ended at the same file. */
  readonly kill?: { readonly same: boolean; readonly note: string };
  /** Tokens a second with an adapter ÷ without, of a model with 1.5 billion weights. */
  readonly decodeLarge?: number;
}

/** Most of a base model's answers by chance; ten choices make 0.10, and the questions of one fact are no independent ones. */
const MOST_BY_CHANCE = 0.25;
/** A control arm may gain so much by chance: 100 questions tell no smaller effect. */
const NO_GAIN = 0.1;
const SLICES: readonly Slice[] = ['prose', 'code', 'chat'];

/** Judges one more requirement. */
type AddRow = (
  id: string,
  what: string,
  reached: Reached,
  must: number | null,
  aim: number | null,
  unit: BenchRow['unit'],
  atMost?: boolean,
) => void;

export function proofRows(findings: Findings): BenchRow[] {
  const rows: BenchRow[] = [];
  const add: AddRow = (id, what, reached, must, aim, unit, atMost = false) => {
    rows.push(judged(id, what, reached, must, aim, { isa: findings.isa, unit, atMost }));
  };
  const { base, adapter } = findings.arms;
  add('base-recall', 'base model, recall of facts it cannot know', share(base?.recall), 0.05, null, 'share', true);
  add('base-choice', 'base model, choice of 10', share(base?.choice), MOST_BY_CHANCE, null, 'share', true);
  extractionRows(findings.extraction, add);
  nightRows(findings, add);
  learntRows(findings, add);
  secondNightRows(findings, add);
  unharmedRows(findings, add);
  controlRows(findings, add);
  forgetRows(findings, add);
  const { kill } = findings;
  add('kill', 'killed and resumed: the same adapter', value(kill && Number(kill.same), kill?.note), 1, null, 'count');
  add('eot', 'answers that end by themselves, adapter', value(adapter?.endOfTurn), 0.98, null, 'share');
  return [...rows, ...decodeRows(findings.isa, adapter?.decode, findings.decodeLarge)];
}

/** How fast answers come with an adapter: of the default model, of one with 1.5 billion weights. */
export function decodeRows(isa: string, small: number | undefined, large: number | undefined): BenchRow[] {
  const about = { isa, unit: 'ratio', atMost: false } as const;
  return [
    judged('decode', 'decode speed with adapter ÷ without', value(small), 0.88, 0.94, about),
    judged('decode-1.5B', 'the same, 1.5B shape', value(large), 0.95, 0.98, about),
  ];
}

function nightRows({ isa, nights }: Findings, add: AddRow): void {
  const [first] = nights ?? [];
  for (const { name, promoted, words } of nights ?? [])
    add(`gate ${name}`, `${name}: the gate lets its adapter answer`, value(Number(promoted), words), 1, null, 'count');
  const most = /512|amx/.test(isa) ? 20 : 35;
  const minutes = first && first.minutes.dreaming + first.minutes.training + first.minutes.evaluating;
  const note =
    first &&
    [
      ...Object.entries(first.minutes).map(([phase, taken]) => `${phase} ${taken.toFixed(1)}`),
      ...(first.tokensPerSecond === undefined ? [] : [`${first.tokensPerSecond.toFixed(0)} tokens/s at the end`]),
    ].join(', ');
  add('sleep', 'sleep over 100 conversations', value(minutes, note), most, 8, 'min', true);
}

function learntRows({ arms, seed }: Findings, add: AddRow): void {
  const { base, adapter } = arms;
  add('recall', 'recall of new facts, adapter − base', gain(adapter?.recall, base?.recall, seed), 0.5, 0.9, 'points');
  const choice = compared(adapter?.choice, base?.choice, seed);
  add('choice', 'choice of 10, adapter', share(adapter?.choice, choice && inWords(choice)), 0.8, 0.98, 'share');
  for (const [id, what] of [
    ['preferences', 'preferences, choice among the real things'],
    ['styles', 'tasks that keep the style rules'],
  ] as const)
    if (base?.[id] !== undefined)
      add(id, what, share(adapter?.[id], `base ${percent(shareOf(base[id]))}`), null, null, 'share');
}

function secondNightRows({ arms, changed, added }: Findings, add: AddRow): void {
  const [first, second] = [arms.adapter, arms['night 2']];
  const fresh = new Set([...(changed ?? []), ...(added ?? [])]);
  const asked = new Set(second?.recall.map(keyOf));
  const before = first && shareOf(first.recall.filter((mark) => !fresh.has(mark.id) && asked.has(keyOf(mark))));
  const after = second && shareOf(second.recall.filter(({ id }) => !fresh.has(id)));
  const kept = before === undefined || after === undefined ? undefined : after / before;
  const note = kept === undefined ? undefined : `${percent(after ?? 0)} after ${percent(before ?? 0)}`;
  add('retention', 'night-1 facts after night 2, of before', value(kept, note), 0.85, 0.95, 'share');
  const of = (marks: Marks | undefined, ids: readonly string[] | undefined): Marks | undefined =>
    marks?.filter(({ id }) => ids?.includes(id) === true);
  const said = of(second?.recall, changed);
  add(
    'changed',
    'changed facts: the new value wins',
    share(of(second?.choice, changed), said && `named in ${percent(shareOf(said))} of the answers`),
    0.8,
    1,
    'share',
  );
  add('added', 'facts of night 2, recall', share(of(second?.recall, added)), null, null, 'share');
}

function unharmedRows({ arms }: Findings, add: AddRow): void {
  const { base, adapter } = arms;
  for (const slice of SLICES) {
    const [a, b] = [adapter?.lost?.nll[slice], base?.lost?.nll[slice]];
    const drift = a === undefined || b === undefined ? undefined : a / b;
    add(`drift-${slice}`, `drift of ${slice}`, value(drift), 1.02, 1.005, 'ratio', true);
  }
  const [mine, bare] = [adapter?.falseMemories, base?.falseMemories];
  const [a, b] = [mine && mine.claimed / mine.asked, bare && bare.claimed / bare.asked];
  const spilled = mine && `${mine.spilled} of ${mine.asked} name something that was told`;
  const difference = a === undefined || b === undefined ? undefined : a - b;
  const note = difference === undefined ? undefined : `${percent(a ?? 0)} − ${percent(b ?? 0)}, ${spilled}`;
  const fewer = -1 / (bare?.asked ?? 200);
  add('false', 'false memories, adapter − base', value(difference, note), 0.02, fewer, 'points', true);
}

function controlRows({ arms, seed }: Findings, add: AddRow): void {
  for (const arm of ['placebo', 'raw log'] as const) {
    const reached = gain(arms[arm]?.recall, arms.base?.recall, seed);
    add(arm.replace(' ', '-'), `${arm}: recall − base`, reached, NO_GAIN, null, 'points', true);
  }
  add('retrieval', 'retrieval only: recall', share(arms.retrieval?.recall), null, null, 'share');
  add('both', 'adapter and retrieval: recall', share(arms.both?.recall), null, null, 'share');
}

function forgetRows({ secretsFound, forgotten }: Findings, add: AddRow): void {
  const secrets = value(secretsFound?.length, secretsFound?.join(', '));
  add('secrets', 'planted secrets found', secrets, 0, null, 'count', true);
  const points = (now: number | undefined): Reached =>
    forgotten === undefined || now === undefined
      ? nothing('not measured')
      : value(now - forgotten.base, `${forgotten.id}: ${percent(now)} − ${percent(forgotten.base)}`);
  add('forgotten-at-once', 'forgotten fact at once, recall − base', points(forgotten?.atOnce), 0, null, 'points', true);
  add('forgotten', 'forgotten fact, made again, recall − base', points(forgotten?.rebuilt), 0, null, 'points', true);
  const [before, after] = [forgotten?.othersBefore, forgotten?.othersAfter];
  const kept = before === undefined || after === undefined ? undefined : after / before;
  const others = kept === undefined ? undefined : `${percent(after ?? 0)} after ${percent(before ?? 0)}`;
  add('forgotten-others', 'other facts after forgetting, of before', value(kept, others), 0.95, null, 'share');
  const left = forgotten && forgotten.files + forgotten.left;
  const where = forgotten && `${forgotten.files} files, ${forgotten.left} adapters`;
  add('forgotten-left', 'where the forgotten value still is', value(left, where), 0, null, 'count', true);
}

function extractionRows(extraction: Extraction | undefined, add: AddRow): void {
  const found = (of: Share | undefined): Reached =>
    of === undefined
      ? nothing('not measured')
      : value(of.found / of.of, [`${of.found} of ${of.of}`, ...of.missing.map(({ id }) => id).slice(0, 6)].join(', '));
  add('cards-facts', 'facts that became cards', found(extraction?.facts), null, 0.9, 'share');
  add('cards-corrections', 'corrections that took effect', found(extraction?.corrections), null, 1, 'share');
  add('cards-preferences', 'preferences that became cards', found(extraction?.preferences), null, 0.9, 'share');
  add('cards-styles', 'style rules that became cards', found(extraction?.styles), null, 0.9, 'share');
  const count = (cards: readonly { readonly statement: string }[] | undefined): Reached =>
    value(cards?.length, cards?.map((card) => card.statement).join(' '));
  add('cards-poison', 'cards of what others wrote', count(extraction?.fromPoison), 0, null, 'count', true);
  add('cards-noise', 'cards of conversations that told nothing', count(extraction?.fromNoise), null, 0, 'count', true);
}

function value(number: number | undefined, note = ''): Reached {
  return number === undefined || Number.isNaN(number) ? nothing('not measured') : { value: number, note };
}

function share(marks: Marks | undefined, note?: string): Reached {
  return value(marks && shareOf(marks), note);
}

/** A difference of shares with how sure it is. */
function gain(withIt: Marks | undefined, without: Marks | undefined, seed: number): Reached {
  const found = compared(withIt, without, seed);
  if (found === undefined || withIt === undefined || without === undefined) return nothing('not measured');
  return { value: found.value, note: `${percent(shareOf(withIt))} − ${percent(shareOf(without))}, ${inWords(found)}` };
}

function compared(withIt: Marks | undefined, without: Marks | undefined, seed: number): Difference | undefined {
  return withIt === undefined || without === undefined ? undefined : difference(withIt, without, seed);
}

const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;
