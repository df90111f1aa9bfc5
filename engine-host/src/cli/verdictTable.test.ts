import { expect, test } from 'vitest';
import { verdictTable } from './verdictTable.ts';

const NUMBERS = {
  recallBefore: 0,
  recallAfter: 0.5,
  oldBefore: 0.9,
  oldAfter: 0.7,
  claimsBefore: 0.5,
  claimsAfter: 0.1,
};

const LIMITS = {
  choiceGain: 0.2,
  chance: 0.05,
  oldLoss: 0.05,
  drift: 1.02,
  claimsRise: 0.05,
  ended: 0.98,
  endedLoss: 0.02,
};

test('what was measured beside what was needed, then the reasons', () => {
  const failed = ['Of earlier memories it knows 70 %, 90 % before.'];
  const lines = verdictTable(
    {
      passed: false,
      scale: 0.5,
      failed,
      numbers: { ...NUMBERS, ended: 1, 'drift code': 1.0123 },
    },
    LIMITS,
  );
  expect(lines).toEqual([
    '                          without   with  needed',
    'memories, recalled            0 %   50 %',
    'earlier memories, chosen     90 %   70 %  at most 5 points fewer',
    'claims about the unknown     50 %   10 %  at most 5 points more',
    'answers that end                   100 %  at least 98 %',
    'change of code                  1  1.012  at most 1.02',
    'dose 0.5: not passed',
    failed[0],
  ]);
});

test('of several doses the nearest comes first, and every other one says why it failed', () => {
  const tried = [
    { scale: 1, failed: ['It changes prose by the factor 1.100.', 'What it learnt could be chance.'] },
    { scale: 0.5, failed: ['It changes code by the factor 1.030.'] },
  ];
  const verdict = { passed: false, scale: 0.5, failed: tried[1]?.failed ?? [], numbers: NUMBERS, tried };
  expect(verdictTable(verdict, LIMITS).slice(-3)).toEqual([
    'dose 0.5: not passed, the nearest of 2',
    'It changes code by the factor 1.030.',
    'dose 1: not passed. It changes prose by the factor 1.100. What it learnt could be chance.',
  ]);
  const passed = {
    ...verdict,
    passed: true,
    failed: [],
    tried: [
      { scale: 1, failed: ['No.'] },
      { scale: 0.5, failed: [] },
    ],
  };
  expect(verdictTable(passed, LIMITS).slice(-2)).toEqual(['dose 0.5: passed', 'dose 1: not passed. No.']);
});
