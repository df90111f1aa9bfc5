import { expect, test } from 'vitest';
import { GATE_LIMITS } from '../gate/gate.ts';
import { DEFAULT_SLEEP_SETTINGS, readSleepSettings, sleepDue } from './sleepDue.ts';

const DAY = 86_400_000;
const times = (count: number, at: number): number[] => Array.from({ length: count }, () => at);

test.each([
  [0, 100, false, 'Nothing to learn yet.'],
  [9, 100, false, '9 of 100 conversations for the next sleep.'],
  [10, 6.9, false, '10 of 100 conversations for the next sleep.'],
  [10, 7, true, '10 conversations have been waiting for 7 days.'],
  [99, 1, false, '99 of 100 conversations for the next sleep.'],
  [100, 0, true, '100 conversations are waiting.'],
])('%i conversations, the oldest %f days old: %s', (count, days, is, words) => {
  expect(sleepDue(times(count, 0), DEFAULT_SLEEP_SETTINGS, days * DAY)).toEqual({ is, words });
});

test('settings that are missing or senseless have their defaults', () => {
  expect(readSleepSettings(undefined)).toEqual(DEFAULT_SLEEP_SETTINGS);
  expect(readSleepSettings({ conversations: 5, days: -1, few: '3', budgetMinutes: 20, onBattery: true })).toEqual({
    conversations: 5,
    days: 7,
    few: 10,
    budgetMinutes: 20,
    onBattery: true,
    fullSpeed: false,
    anchors: 480,
    recipe: {},
    gate: GATE_LIMITS,
  });
  expect(
    readSleepSettings({ anchors: 12, recipe: { rank: 4, epochs: 2.5, targets: 'middle-mlp', learningRate: 1 } }),
  ).toEqual({ ...DEFAULT_SLEEP_SETTINGS, anchors: 12, recipe: { rank: 4, targets: 'middle-mlp' } });
  expect(readSleepSettings({ gate: { drift: 1.1, ended: 1.1, oldLoss: '0', chance: 1 } }).gate).toEqual({
    ...GATE_LIMITS,
    drift: 1.1,
  });
});
