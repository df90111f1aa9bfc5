import { describe, expect, test } from 'vitest';
import type { SleepReport } from '#protocol/memory.ts';
import { sleepView, type LiveMemory } from './sleepView.ts';

const sleep = (more: Partial<SleepReport> = {}): SleepReport => ({
  phase: 'awake',
  reason: 'Nothing to learn yet.',
  held: false,
  ...more,
});
const memory = (more: Partial<LiveMemory> = {}): LiveMemory => ({
  mode: 'learn',
  closedWaiting: 37,
  sleepAfter: 100,
  state: 'awake',
  sleep: sleep(),
  ...more,
});

describe('awake', () => {
  test('it counts towards the next sleep, which can be had at once', () => {
    const view = sleepView(memory({ sleep: sleep({ reason: '37 of 100 conversations for the next sleep.' }) }));
    expect(view.next).toEqual({
      waiting: 37,
      of: 100,
      words: '37 of 100 closed conversations for the next sleep',
    });
    // Not the same twice.
    expect(view.reason).not.toContain('37');
    expect(view).toMatchObject({ title: 'Awake', canSleep: true, canWake: false, pause: 'pause' });
  });

  test('more than enough fills the bar and no more', () => {
    expect(sleepView(memory({ closedWaiting: 250 })).next).toMatchObject({ waiting: 100, of: 100 });
  });

  test.each([
    [{ mode: 'off' }, { title: 'Off', canSleep: false, pause: 'none' }],
    [{ mode: 'log' }, { title: 'Recording only', canSleep: true, pause: 'none' }],
    [{ paused: {} }, { title: 'Paused', canSleep: true, pause: 'resume' }],
  ] as const)('nothing comes by itself in %o', (change, expected) => {
    const view = sleepView(memory(change));
    expect(view).toMatchObject({ ...expected, mood: 'resting' });
    expect(view.next).toBeUndefined();
  });

  test('an engine that cannot learn says so, and offers nothing', () => {
    const { sleep: _none, ...rest } = memory();
    expect(sleepView(rest)).toMatchObject({ canSleep: false, reason: 'This engine cannot learn.' });
  });
});

describe('asleep', () => {
  const progress = { done: 0.625, step: 60, steps: 96, tokensPerSecond: 1640.4, leftMs: 190_000, loss: 1 };

  test('training tells its step, speed and time, and can be ended', () => {
    const view = sleepView(memory({ sleep: sleep({ phase: 'training', reason: 'Training.', progress }) }));
    expect(view.work?.words).toMatch(/^Step 60 of 96 · 1[,.\s]?640 tokens\/s · about 3 min left$/);
    expect(view.work?.done).toBe(0.625);
    expect(view.reason).toBe('');
    expect(view).toMatchObject({ title: 'Training', mood: 'working', canSleep: false, canWake: true });
    expect(view.next).toBeUndefined();
  });

  test('on hold it says why', () => {
    const held = sleep({ phase: 'training', held: true, reason: 'A request is being answered.', progress });
    expect(sleepView(memory({ sleep: held }))).toMatchObject({
      title: 'Training, on hold',
      mood: 'held',
      reason: 'A request is being answered.',
    });
  });

  test('a step without figures shows its share', () => {
    const dreaming = sleep({ phase: 'dreaming', progress: { done: 0.339 } });
    expect(sleepView(memory({ sleep: dreaming })).work?.words).toBe('33 %');
  });

  test('about to sleep it still counts, and can be woken', () => {
    const drowsy = sleepView(memory({ sleep: sleep({ phase: 'drowsy', reason: 'You are working.' }) }));
    expect(drowsy).toMatchObject({ mood: 'waiting', canWake: true, canSleep: false, reason: 'You are working.' });
    expect(drowsy.next).toBeDefined();
  });
});
