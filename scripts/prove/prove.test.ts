// What the proof judges by: answers, rows, time left, and what becomes of the persona's words without any model.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ANCHOR_PROMPTS } from '../../engine-host/src/memory/dreaming/anchors.ts';
import { tellDirectly } from './direct.ts';
import { judgeExtraction } from './extraction.ts';
import { abstains, CHAT_PROMPTS, keepsRule, names, withoutTopics } from './measure.ts';
import { makePersona } from './persona.ts';
import { Progress } from './progress.ts';
import { proofRows, type ArmFigures } from './rows.ts';

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
  const rows = proofRows({ isa: 'avx2', arms: { base: figures(0, 0.1, 2, 100), adapter: figures(0.9, 1, 2.1, 99) } });
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
  const rows = proofRows({ isa: 'avx2', arms: { base: figures(0.5, 0.6, 2, 0) } });
  expect(rows.filter(({ id }) => id.startsWith('base-')).map(({ met }) => met)).toEqual([false, false]);
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
