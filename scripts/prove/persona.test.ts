// The persona: the same for the same seed, with as much of everything as promised, and nothing told that is asked.
import { expect, test } from 'vitest';
import { choicesOf, CHOICES, factAfter, makePersona, SECRETS, type Conversation } from './persona.ts';
import { parsePersona } from './personaFile.ts';
import { POISON_WAYS } from './personaPoison.ts';
import { SLOTS } from './personaSlots.ts';

const SEEDS = [1, 2, 3, 77];
const persona = makePersona(1);
const [first = [], second = []] = persona.nights;
const said = (conversations: readonly Conversation[]): string =>
  conversations.flatMap(({ turns }) => turns.flat().map(({ content }) => content)).join('\n');
const count = (kind: Conversation['kind']): number => first.filter((c) => c.kind === kind).length;

test('a seed always makes the same user, another seed another one', () => {
  expect(makePersona(1)).toEqual(persona);
  expect(makePersona(2)).not.toEqual(persona);
});

test.each(SEEDS)('seed %i: 100 conversations of the promised kinds', (seed) => {
  const { nights, facts, preferences, styles } = makePersona(seed);
  const kinds = new Map<string, number>();
  for (const { kind } of nights[0] ?? []) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  expect(Object.fromEntries(kinds)).toEqual({
    fact: 30,
    preference: 10,
    correction: 5,
    style: 10,
    noise: 45 - POISON_WAYS,
    poison: POISON_WAYS,
  });
  const known = facts.filter((fact) => factAfter(fact, 1) !== undefined);
  expect(known).toHaveLength(30);
  expect(new Set(known.map(({ category }) => category)).size).toBe(6);
  expect(preferences).toHaveLength(10);
  expect(styles).toHaveLength(10);
  expect(facts.filter((fact) => factAfter(fact, 1) === undefined)).toHaveLength(10);
  expect(facts.filter(({ history }) => history[0]?.night === 1 && history.at(-1)?.night === 2)).toHaveLength(5);
});

test.each(SEEDS)(
  'seed %i: each fact is told one to three times, and corrections come after what they correct',
  (seed) => {
    const { nights, facts } = makePersona(seed);
    for (const fact of facts.filter(({ history }) => history[0]?.night === 1)) {
      const night = nights[0] ?? [];
      const at = (value: string): number[] => night.flatMap((c, i) => (said([c]).includes(value) ? [i] : []));
      const told = fact.history.filter((entry) => entry.night === 1).map(({ value }) => at(value));
      expect(told[0]?.length).toBeGreaterThan(0);
      expect(told[0]?.length).toBeLessThanOrEqual(3);
      if (told.length > 1) expect(Math.min(...(told.at(-1) ?? []))).toBeGreaterThan(told[0]?.[0] ?? Infinity);
    }
  },
);

test.each(SEEDS)('seed %i: 20 secrets of different kinds are said, each once', (seed) => {
  const { secrets, nights } = makePersona(seed);
  expect(new Set(secrets.map(({ kind }) => kind)).size).toBe(SECRETS);
  for (const { value } of secrets) expect(said(nights[0] ?? []).split(value)).toHaveLength(2);
});

test.each(SEEDS)('seed %i: ten choices of which one is right, no value belongs to two facts', (seed) => {
  const { facts } = makePersona(seed);
  const values = facts.flatMap(({ history }) => history.map(({ value }) => value.toLowerCase()));
  expect(new Set(values).size).toBe(values.length);
  for (const fact of facts) {
    const choices = choicesOf(fact, 2);
    expect(new Set(choices).size).toBe(CHOICES);
    expect(choices[0]).toContain(factAfter(fact, 2)?.value);
  }
});

test('what is asked was never said, and gives nothing away', () => {
  const text = said([...first, ...second]);
  for (const fact of persona.facts) {
    expect(fact.questions.length).toBeGreaterThanOrEqual(3);
    for (const question of fact.questions) {
      expect(text).not.toContain(question);
      for (const { value } of fact.history) expect(question).not.toContain(value);
    }
  }
  for (const { questions, value } of persona.preferences) for (const q of questions) expect(q).not.toBe(value);
  expect(persona.unknown.length).toBeGreaterThanOrEqual(200);
  expect(new Set(persona.unknown).size).toBe(persona.unknown.length);
});

test('poison comes by other ways than the user, once each', () => {
  expect(count('poison')).toBe(POISON_WAYS);
  for (const { word } of persona.poison) expect(first.filter((c) => said([c]).includes(word))).toHaveLength(1);
  expect(first.every(({ turns }) => turns.every((messages) => messages.at(-1)?.role === 'user'))).toBe(true);
});

test('style rules are regular expressions that accept and refuse', () => {
  const rules = makePersona(3).styles;
  for (const { must, mustNot } of rules) {
    expect(must ?? mustNot).toBeDefined();
    for (const rule of [must, mustNot]) if (rule !== undefined) expect(() => new RegExp(rule)).not.toThrow();
  }
});

test('every sentence of a slot holds its value', () => {
  for (const { told, answer, id } of SLOTS) {
    expect(told.length, id).toBeGreaterThanOrEqual(3);
    for (const sentence of [...told, answer]) expect(sentence, id).toContain('{}');
  }
});

const fact = (id: string): Record<string, unknown> => ({
  id,
  value: `Value ${id}`,
  mentions: [`My thing is Value ${id}.`],
  questions: ['One?', 'Two?', 'Three?'],
  answer: 'Your thing is {}.',
  others: Array.from({ length: 9 }, (_, i) => `Other ${i}`),
});

test('somebody else’s facts take the place of the persona’s', () => {
  const given = parsePersona(JSON.stringify({ v: 1, facts: ['a', 'b', 'c', 'd', 'e'].map(fact) }));
  const other = makePersona(1, given);
  expect(other.facts.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(other.nights).toHaveLength(1);
  expect(said(other.nights[0] ?? [])).toContain('My thing is Value c.');
  expect(choicesOf(other.facts[0]!, 1)).toHaveLength(CHOICES);
});

test.each([
  [{ questions: ['One?'] }, /questions/],
  [{ answer: 'no hole' }, /answer/],
  [{ mentions: ['nothing of it'] }, /does not contain its value/],
  [{ questions: ['Value b?', 'x?', 'y?'] }, /contains its value/],
  [{ others: [] }, /others/],
  [{ id: 'a' }, /Two facts/],
  [{ surplus: 1 }, /surplus|additional/i],
])('a persona file with a fault is refused by name', (fault, message) => {
  const facts = ['a', 'b', 'c', 'd', 'e'].map((id) => (id === 'b' ? { ...fact(id), ...fault } : fact(id)));
  expect(() => parsePersona(JSON.stringify({ v: 1, facts }))).toThrow(message);
});
