import { expect, test } from 'vitest';
import { ANCHOR_PROMPTS } from '../../engine-host/src/memory/dreaming/anchorPrompts.ts';
import { unknownTopics } from '../../engine-host/src/memory/dreaming/unknownTopics.ts';
import { CHAT_PROMPTS as GATE_PROMPTS, UNKNOWN_TOPICS } from '../../engine-host/src/training/gate/slices.ts';
import { CHAT_PROMPTS } from './measure.ts';
import { unknownTopics as personaQuestions } from './personaTopics.ts';

const { plain, owned } = unknownTopics([]);
/** With what belongs to them, and by themselves. */
const TRAINED = [...new Set([...plain, ...owned].flatMap(({ thing, mine }) => [thing, mine]))].map((topic) =>
  words(topic.replace(/^(?:my|our) /, '')),
);
const GATE = UNKNOWN_TOPICS.map((topic) => words(topic.replace(/ called$/, '')));
const PERSONA = [...new Set(personaQuestions().map((question) => topicOf(question)))].map(words);

/** Small words say nothing about what is asked. */
const SMALL = new Set(
  'a an and are at by can did do does for from give how i in is it me my name of on one or some tell the three that to two what when where which who why with write'.split(
    ' ',
  ),
);

function words(text: string): string {
  return ` ${text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `;
}

function topicOf(question: string): string {
  const topic = /\bmy (.+?)(?:['’]s\b|\?| live| drive| play)/.exec(question)?.[1];
  if (topic === undefined) throw new Error(`no topic in "${question}"`);
  return topic;
}

/** One holds all words of the other, in a row. */
function shared(some: readonly string[], others: readonly string[]): string[] {
  return some.filter((topic) => others.some((other) => other.includes(topic) || topic.includes(other)));
}

/** More than half of the words that mean something are the same. */
function alike(some: readonly string[], others: readonly string[]): string[] {
  const meaning = (text: string): Set<string> =>
    new Set(
      words(text)
        .trim()
        .split(' ')
        .filter((word) => !SMALL.has(word)),
    );
  return some.filter((text) =>
    others.some((other) => {
      const [a, b] = [meaning(text), meaning(other)];
      return [...a].filter((word) => b.has(word)).length > Math.min(a.size, b.size) / 2;
    }),
  );
}

test('what training teaches to say no to is asked neither by the gate nor by the proof, nor by both of them', () => {
  expect([TRAINED.length > 150, GATE.length, PERSONA.length > 60]).toEqual([true, 20, true]);
  expect(shared(GATE, TRAINED)).toEqual([]);
  expect(shared(PERSONA, TRAINED)).toEqual([]);
  expect(shared(GATE, PERSONA)).toEqual([]);
});

test('what is asked to measure drift is no anchor, and the gate asks other things than the proof', () => {
  expect(alike(GATE_PROMPTS, ANCHOR_PROMPTS)).toEqual([]);
  expect(alike(CHAT_PROMPTS, ANCHOR_PROMPTS)).toEqual([]);
  expect(alike(GATE_PROMPTS, CHAT_PROMPTS)).toEqual([]);
});
