import { expect, test } from 'vitest';
import type { AdapterVersion, VersionState } from '#protocol/adapters.ts';
import type { Card } from '#protocol/memory.ts';
import type { CardTraining } from '../../memory/cards/cardTraining.ts';
import { historyIn, nightNeed, type NeedFacts } from './nightNeed.ts';

const card = (id: string, validFrom = 0): Card => ({ id, validFrom }) as Card;
const TRAINED: CardTraining = { times: 1, last: 0, failed: false };
const history = (...ids: string[]): Map<string, CardTraining> => new Map(ids.map((id) => [id, TRAINED]));

function version(number: number, state: VersionState, cards: readonly string[]): AdapterVersion {
  const verdict = { passed: state !== 'rejected', scale: 1, failed: [], numbers: {} };
  return { version: number, state, cards, createdAt: 100 * number, verdict } as unknown as AdapterVersion;
}

function facts(versions: readonly AdapterVersion[], change: Partial<NeedFacts> = {}): NeedFacts {
  const active = versions.findLast(({ state }) => state === 'promoted')?.version ?? null;
  const cards = ['a', 'b', 'c'].map((id) => card(id));
  return { manifest: { active, versions }, cards, history: history('a', 'b', 'c'), ofOthers: [], ...change };
}

test('nothing lost and nothing foreign: no night beside the usual ones', () => {
  expect(nightNeed(facts([]))).toBeUndefined();
  expect(nightNeed(facts([version(1, 'promoted', ['a', 'b', 'c'])]))).toBeUndefined();
});

test('what a withdrawn adapter alone knew is owed, until one knows it again', () => {
  const lost = [version(1, 'promoted', ['a']), version(2, 'withdrawn', ['a', 'b', 'c', 'forgotten'])];
  expect(nightNeed(facts(lost))).toEqual({
    kind: 'rebuild',
    words: 'Something was forgotten: 2 memories are learnt again without it.',
  });
  expect(nightNeed(facts([version(1, 'damaged', ['c'])]))?.words).toBe(
    'An adapter was damaged: one memory is learnt again without it.',
  );
  expect(nightNeed(facts([...lost, version(3, 'promoted', ['a', 'b'])]))?.words).toMatch(/one memory is/);
  expect(nightNeed(facts([...lost, version(3, 'promoted', ['a', 'b', 'c'])]))).toBeUndefined();
  // Nothing of it is left.
  expect(nightNeed(facts([version(1, 'withdrawn', ['forgotten'])]))).toBeUndefined();
});

test('whoever goes back from the new adapter does not get it again; three rejected ones are enough', () => {
  const lost = version(1, 'withdrawn', ['a', 'b']);
  expect(nightNeed(facts([lost, version(2, 'rolledback', ['a', 'b'])]))).toBeUndefined();
  const rejected = [2, 3, 4].map((n) => version(n, 'rejected', []));
  expect(nightNeed(facts([lost, ...rejected.slice(0, 2)]))?.kind).toBe('rebuild');
  expect(nightNeed(facts([lost, ...rejected]))).toBeUndefined();
});

test('a new model learns what others know; what comes later waits for the usual nights', () => {
  const ofOthers = [card('a'), card('b', 150)];
  expect(nightNeed(facts([], { ofOthers, history: history() }))).toEqual({
    kind: 'bootstrap',
    words: 'This model is new here: 2 memories are taught to it.',
  });
  const first = version(1, 'promoted', ['b']);
  // Left over for want of time, and older than the first adapter: goes on.
  expect(nightNeed(facts([first], { ofOthers, history: history('b') }))?.words).toMatch(/one memory is/);
  expect(nightNeed(facts([first], { ofOthers, history: history('a') }))).toBeUndefined();
});

test('the history in an adapter is that of its cards', () => {
  expect([...historyIn(version(1, 'promoted', ['a', 'x']), history('a', 'b')).keys()]).toEqual(['a']);
  expect(historyIn(undefined, history('a')).size).toBe(0);
});
