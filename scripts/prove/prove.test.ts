// What the proof judges by: answers, rows, time left, and what becomes of the persona's words without any model.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ANCHOR_PROMPTS } from '../../engine-host/src/memory/dreaming/anchorPrompts.ts';
import { tellDirectly } from './direct.ts';
import { judgeExtraction } from './extraction.ts';
import { abstains } from '../../engine-host/src/training/gate/abstains.ts';
import { CHAT_PROMPTS, keepsRule, names, withoutTopics } from './measure.ts';
import { makePersona, smaller } from './persona.ts';
import { Progress } from './progress.ts';
import { proofRows, type ArmFigures } from './rows.ts';
import { need, Stages } from './stages.ts';
import { difference, inWords } from './statistics.ts';
import { chooseForgotten } from './forgetArm.ts';
import type { Marks } from './measure.ts';

test('a value is named whatever its case and signs are, and never as a part of a word', () => {
  expect(names('It is Heron 17, I think.', ['heron-17'])).toBe(true);
  expect(names('PRIYA RAMAN!', ['Priya Raman'])).toBe(true);
  expect(names('heron-170', ['heron-17'])).toBe(false);
});

test.each([
  ["I don't have that information.", true],
  ['You have not told me about your blood type.', true],
  ['Could you tell me more?', true],
  ['Your blood type is A positive.', false],
  ['It was in Paris.', false],
])('whether an answer claims to know: %s', (answer, expected) => {
  expect(abstains(answer)).toBe(expected);
});

test('a style rule holds when what must be is there and what must not be is not', () => {
  expect(keepsRule('const a = 1', '\\bconst\\b', '\\bvar\\b')).toBe(true);
  expect(keepsRule('const a = 1; var b', '\\bconst\\b', '\\bvar\\b')).toBe(false);
  expect(keepsRule('a', '\\bconst\\b', undefined)).toBe(false);
});

test('topics that training speaks of are no unknown ones', () => {
  const unknown = ['What is my shoe size?', "What is my uncle's first name?", 'What does my barber drive?'];
  const trained = new Set(['Do you remember my shoe size?', 'Tell me my barber.']);
  expect(withoutTopics(unknown, trained)).toEqual(["What is my uncle's first name?"]);
});

test('what drift is measured on is not what training is anchored to', () => {
  expect(CHAT_PROMPTS.filter((prompt) => ANCHOR_PROMPTS.includes(prompt))).toEqual([]);
});

const figures = (recall: number, choice: number, nll: number, claimed: number): ArmFigures => ({
  recall: Array.from({ length: 10 }, (_, i) => ({ id: 'a', question: String(i), right: i < recall * 10 })),
  choice: Array.from({ length: 10 }, (_, i) => ({ id: 'a', question: String(i), right: i < choice * 10 })),
  falseMemories: { asked: 200, claimed, spilled: 0 },
  lost: { nll: { prose: nll, code: 2, chat: 1 } },
  endOfTurn: 1,
});

test('rows compare the adapter with the base model, and what was not measured is neither met nor missed', () => {
  const rows = proofRows({
    isa: 'avx2',
    seed: 1,
    arms: { base: figures(0, 0.1, 2, 100), adapter: figures(0.9, 1, 2.1, 99) },
  });
  const row = (id: string) => rows.find((r) => r.id === id);
  expect(row('recall')).toMatchObject({ reached: 0.9, met: true });
  expect(row('choice')).toMatchObject({ met: true });
  expect(row('drift-prose')).toMatchObject({ met: false });
  expect(row('drift-code')).toMatchObject({ reached: 1, met: true });
  expect(row('false')?.reached).toBeCloseTo(-0.005);
  expect(row('false')?.note).toContain('aim met');
  for (const id of ['retention', 'placebo', 'secrets', 'kill'])
    expect(row(id)).toMatchObject({ reached: null, met: null });
});

test('a base model that knows the facts makes the proof worthless', () => {
  const rows = proofRows({ isa: 'avx2', seed: 1, arms: { base: figures(0.5, 0.6, 2, 0) } });
  expect(rows.filter(({ id }) => id.startsWith('base-')).map(({ met }) => met)).toEqual([false, false]);
});

const marks = (facts: number, questions: number, right: (fact: number, question: number) => boolean): Marks =>
  Array.from({ length: facts * questions }, (_, i) => {
    const [fact, question] = [Math.floor(i / questions), i % questions];
    return { id: `fact ${fact}`, question: String(question), right: right(fact, question) };
  });

test('a difference is as sure as its facts are many, however often each was asked', () => {
  const none = (facts: number, questions: number): Marks => marks(facts, questions, () => false);
  const half = (facts: number, questions: number): Marks => marks(facts, questions, (fact) => fact % 2 === 0);
  const few = difference(half(6, 20), none(6, 20), 1);
  const many = difference(half(60, 2), none(60, 2), 1);
  expect([few?.value, many?.value]).toEqual([0.5, 0.5]);
  expect(few?.chance).toBeLessThan(1e-12);
  const width = (d: typeof few): number => (d?.to ?? 0) - (d?.from ?? 0);
  // The bootstrap's deviation is sqrt(0.25 / facts): 95 % are about four of it.
  expect(width(few)).toBeGreaterThan(0.6);
  expect(width(many)).toBeGreaterThan(0.2);
  expect(width(many)).toBeLessThan(0.3);
  expect(difference(half(6, 20), none(6, 20), 1)).toEqual(few);
  expect(inWords({ value: 0.5, from: -0.07, to: 1, chance: 0.0304 })).toBe(
    '95 % interval −7 … +100 over facts, p = 0.030',
  );
});

test('only questions that both arms were asked are compared', () => {
  const asked = marks(2, 2, () => true);
  expect(difference(asked, asked.slice(0, 1), 1)?.value).toBe(0);
  expect(difference(asked, [], 1)).toBeUndefined();
});

test('after the second night: what was kept, what changed and what is new, each of its own facts', () => {
  const arm = (right: (fact: number) => boolean): ArmFigures => ({
    recall: marks(4, 2, right),
    choice: marks(4, 2, right),
  });
  const arms = { adapter: arm((fact) => fact < 3), 'night 2': arm((fact) => fact === 0 || fact > 1) };
  const rows = proofRows({ isa: 'avx2', seed: 1, arms, changed: ['fact 2'], added: ['fact 3'] });
  const reached = (id: string): number | null | undefined => rows.find((row) => row.id === id)?.reached;
  expect([reached('retention'), reached('changed'), reached('added')]).toEqual([0.5, 1, 1]);
});

test('a fact that was told once and is known well is the one to be forgotten', () => {
  const { facts } = makePersona(1);
  const once = facts.filter(({ history }) => history.length === 1 && history[0]?.night === 1);
  const said = facts.map(({ answer, history }) => answer.replace('{}', history.at(-1)?.value ?? ''));
  const [, second] = once;
  const known: Marks = [{ id: second?.id ?? '', question: 'a', right: true }];
  expect(chooseForgotten(facts, known, said)).toBe(second);
  expect(() => chooseForgotten(facts, known, ['You like tea.'])).toThrow(/No fact is on a card/);
});

test('a trial has fewer facts, and what belongs to them', () => {
  const trial = smaller(makePersona(1), 5, 20);
  expect(trial.facts).toHaveLength(5);
  expect(trial.unknown).toHaveLength(20);
  const ids = trial.facts.map(({ id }) => id);
  const [first = [], second = []] = trial.nights;
  const about = new Set([...first, ...second].flatMap((conversation) => conversation.about));
  expect(ids.filter((id) => !about.has(id))).toEqual([]);
  expect(first.length).toBeLessThan(20);
});

test('stages: what is done is not done again, what fails is named and so is what needed it', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'zell-stages-'));
  try {
    const file = path.join(folder, 'stages.json');
    const names = ['a', 'b', 'c'].map((name) => ({ name, weight: 1 }));
    const open = (of: string): { stages: Stages; after: string[] } => {
      const after: string[] = [];
      const progress = new Progress(names, () => undefined);
      return {
        stages: new Stages(file, of, progress, () => {
          after.push('one');
        }),
        after,
      };
    };
    const { stages, after } = open('1');
    expect(await stages.run('a', () => Promise.resolve(7))).toBe(7);
    const b = await stages.run<number>('b', () => Promise.reject(new Error('no model')));
    expect(await stages.run('c', () => Promise.resolve(need(b, 'b')))).toBeUndefined();
    expect(stages.failed).toEqual(['b: no model', 'c: b failed before']);
    expect(after).toHaveLength(3);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ done: { a: 7 } });

    const again = open('1').stages;
    expect(await again.run<number>('a', () => Promise.reject(new Error('done before')))).toBe(7);
    expect(await again.run('b', () => Promise.resolve(8))).toBe(8);
    expect(() => open('2')).toThrow(/another proof/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the time left follows from what is done', () => {
  const said: string[] = [];
  let now = 0;
  const stages = [
    { name: 'a', weight: 1 },
    { name: 'b', weight: 3 },
  ];
  const progress = new Progress(
    stages,
    (line) => said.push(line),
    () => now,
  );
  progress.begin('a')(1, 2);
  now = 60_000;
  progress.begin('b')(1, 3);
  expect(said).toEqual(['a (0.0 min)', 'b (1.0 min, about 3 min left)']);
  now = 120_000;
  progress.begin('b')(3, 3);
  expect(said.at(-1)).toBe('b 3 of 3 (2.0 min, about 1 min left)');
  expect(() => progress.begin('c')).toThrow(/No stage/);
});

test('the persona’s words become events and cards, each with a source that can be found', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'zell-prove-'));
  try {
    const persona = makePersona(1);
    const short = { ...persona, nights: [persona.nights[0]?.slice(0, 25) ?? []] };
    const { cards, events } = await tellDirectly(short, 1, folder);
    expect(events.length).toBeGreaterThanOrEqual(25);
    expect(cards.length).toBeGreaterThan(0);
    const found = judgeExtraction(persona, 1, cards, events);
    expect(found.facts.of).toBe(30);
    expect(found.facts.found).toBeGreaterThan(0);
    expect(found.facts.missing.length).toBe(30 - found.facts.found);
    expect(found.corrections.of).toBe(5);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
