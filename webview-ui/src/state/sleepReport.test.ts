import { expect, test } from 'vitest';
import type { AdapterList, AdapterVersion } from '#protocol/adapters.ts';
import { sleepReport } from './sleepReport.ts';

const version = (number: number, cards: string[], more: Partial<AdapterVersion> = {}): AdapterVersion => ({
  version: number,
  sha256: '',
  bytes: 1,
  createdAt: number,
  run: 'r',
  by: 'sleep',
  state: 'promoted',
  events: [],
  cards,
  eventsRoot: '',
  verdict: {
    passed: true,
    scale: 1,
    failed: [],
    numbers: { recallAfter: 0.88, choiceAfter: 0.96, oldBefore: 0.9, oldAfter: 0.9 },
  },
  ...more,
});
const list = (active: number | null, ...versions: AdapterVersion[]): AdapterList => ({
  model: 'm',
  active,
  versions,
  loaded: [],
});

test('no sleep, no report; an import is no sleep', () => {
  expect(sleepReport(list(null), [])).toBeUndefined();
  expect(sleepReport(list(1, version(1, ['a'], { by: 'import' })), [])).toBeUndefined();
});

test('the first night: what it learned, how well, and what waits', () => {
  const report = sleepReport(list(1, version(1, ['a', 'b'])), ['a', 'b', 'c']);
  expect(report).toEqual({
    at: 1,
    outcome: 'learned',
    title: 'Learned 2 memories',
    lines: [
      'Asked in other words, it recalls 88 % of what is new, and 96 % when it may choose among answers.',
      'There was nothing earlier to forget.',
      '1 memory waits for the next sleep.',
    ],
  });
});

test('a later night counts what is new in it, and says what was forgotten', () => {
  const first = version(1, ['a', 'b']);
  const kept = sleepReport(list(2, first, version(2, ['a', 'b', 'c'], { parent: 1 })), ['a', 'b', 'c']);
  expect(kept?.title).toBe('Learned 1 memory');
  expect(kept?.lines).toContain('It forgot nothing of what it knew before.');
  expect(kept?.lines.join()).not.toContain('wait');
  const numbers = { oldBefore: 1, oldAfter: 0.96 };
  const lost = version(2, ['a', 'b', 'c'], { parent: 1, verdict: { passed: true, scale: 1, failed: [], numbers } });
  expect(sleepReport(list(2, first, lost), [])?.lines).toEqual(['Of earlier memories it knows 96 %, 100 % before.']);
});

test('a rejected night says why, though an earlier adapter answers', () => {
  const failed = ['It changes prose by the factor 1.034.'];
  const rejected = version(2, ['a', 'b'], {
    state: 'rejected',
    verdict: { passed: false, scale: 0.35, failed, numbers: {} },
  });
  const report = sleepReport(list(1, version(1, ['a']), rejected), ['a', 'b']);
  expect(report).toMatchObject({ outcome: 'unchanged', title: 'Nothing was changed' });
  expect(report?.lines).toContain(failed[0]);
});

test('of several strengths the report tells the nearest first and why each of the others failed', () => {
  const tried = [
    { scale: 1, failed: ['It changes prose by the factor 1.100.'] },
    { scale: 0.75, failed: ['It changes prose by the factor 1.034.'] },
  ];
  const verdict = { passed: false, scale: 0.75, failed: tried[1]?.failed ?? [], numbers: {}, tried };
  expect(sleepReport(list(null, version(1, ['a'], { state: 'rejected', verdict })), ['a'])?.lines.slice(1)).toEqual([
    'Of 2 strengths, 75 % came nearest to passing:',
    'It changes prose by the factor 1.034.',
    'At 100 %: It changes prose by the factor 1.100.',
  ]);
});

test('one that was rolled back or withdrawn answers no more, and the report says so', () => {
  const back = version(1, ['a'], { state: 'rolledback' });
  expect(sleepReport(list(null, back), ['a'])?.lines.at(-1)).toBe('It does not answer any more: rolled back.');
});
