import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  AWAKE,
  isWorking,
  QUIET_AFTER_FAILURE_MS,
  QUIET_AFTER_REJECTION_MS,
  QUIET_AFTER_WAKE_MS,
  sleepStep,
  type SleepEffect,
  type SleepInput,
  type SleepState,
} from './sleepState.ts';

const DUE = { is: true, words: '100 conversations are waiting.' };
const NOT_DUE = { is: false, words: '3 of 100 conversations for the next sleep.' };
const look = (due = DUE, hinders: readonly string[] = [], now = 1000): SleepInput => ({
  type: 'look',
  now,
  due,
  hinders,
});

/** Plays inputs one after the other. @returns the state and all effects but the log's, by name */
function play(
  inputs: readonly SleepInput[],
  from: SleepState = AWAKE,
): { state: SleepState; effects: string[]; path: string[] } {
  let state = from;
  const effects: string[] = [];
  const path: string[] = [];
  for (const input of inputs) {
    const step = sleepStep(state, input);
    state = step.state;
    for (const effect of step.effects) {
      if (effect.do === 'log') path.push(effect.to);
      else effects.push(named(effect));
    }
  }
  return { state, effects, path };
}

function named(effect: SleepEffect): string {
  if (effect.do === 'work') return effect.phase;
  if (effect.do === 'settle') return effect.learnt ? 'settle learnt' : 'settle rejected';
  return effect.do;
}

const ASLEEP: readonly SleepInput[] = [
  look(),
  look(),
  { type: 'locked', got: true },
  { type: 'planned', at: 'dreaming' },
];
const TRAINING: readonly SleepInput[] = [...ASLEEP, { type: 'dreamed', items: 5 }];
const EVALUATING: readonly SleepInput[] = [...TRAINING, { type: 'trained' }];

test('a whole night', () => {
  const night = play([
    ...EVALUATING,
    { type: 'evaluated', promoted: true, words: '30 of 30 facts are known.', now: 9 },
  ]);
  expect(night.path).toEqual(['drowsy', 'dreaming', 'training', 'evaluating', 'awake']);
  expect(night.effects).toEqual(['lock', 'plan', 'dreaming', 'training', 'evaluating', 'settle learnt', 'unlock']);
  expect(night.state).toEqual({ ...AWAKE, reason: '30 of 30 facts are known.' });
});

test('while it is not due it stays awake and says how far it is', () => {
  expect(play([look(NOT_DUE)]).state).toEqual({ ...AWAKE, reason: NOT_DUE.words });
});

test('drowsy waits for the machine and says what for; no longer due, it is awake again', () => {
  const drowsy = play([look(), look(DUE, ['The machine is in use.', 'Other programs.'])]);
  expect(drowsy.state).toMatchObject({ phase: 'drowsy', reason: 'The machine is in use.' });
  expect(drowsy.effects).toEqual([]);
  expect(play([look(NOT_DUE)], drowsy.state).state.phase).toBe('awake');
});

test('another sleeper on the machine: it waits and tries again', () => {
  const first = play([look(), look(), { type: 'locked', got: false }]);
  expect(first.state).toMatchObject({ phase: 'drowsy', reason: 'Another Zell on this machine is asleep.' });
  expect(first.state.awaits).toBeUndefined();
  expect(play([look()], first.state).effects).toEqual(['lock']);
});

test('asked for, it needs nothing to be due, and nothing of what made it wait before', () => {
  const woken = play([...TRAINING, { type: 'wake', now: 5000 }, { type: 'stopped', now: 6000 }]).state;
  expect(play([look(DUE, [], 7000)], woken).state.phase).toBe('awake');
  const again = play([{ type: 'asked' }, look(NOT_DUE, [], 7000)], woken);
  expect(again.effects).toEqual(['lock']);
  expect(again.state).toMatchObject({ phase: 'drowsy', asked: true });
});

test('an interrupted run goes on at the step that it had reached', () => {
  for (const at of ['dreaming', 'training', 'evaluating'] as const) {
    const resumed = play([look(), look(), { type: 'locked', got: true }, { type: 'planned', at }]);
    expect(resumed.state.phase).toBe(at);
    expect(resumed.effects.at(-1)).toBe(at);
  }
});

test('nothing to plan, nothing dreamt: awake, and the lock is free', () => {
  const nothing = play([look(), look(), { type: 'locked', got: true }, { type: 'nothingToDo', words: 'No model.' }]);
  expect(nothing.state).toMatchObject({ phase: 'awake', reason: 'No model.' });
  expect(nothing.effects.at(-1)).toBe('unlock');
  const empty = play([...ASLEEP, { type: 'dreamed', items: 0 }]);
  expect(empty.effects.slice(-2)).toEqual(['settle learnt', 'unlock']);
  expect(empty.state.phase).toBe('awake');
});

test.each([
  ['dreaming', ASLEEP],
  ['training', TRAINING],
  ['evaluating', EVALUATING],
] as const)('%s holds and goes on with the machine, says why, ends early when it must', (phase, inputs) => {
  const pause: SleepInput = { type: 'gate', verdict: 'pause', reason: 'A request is being answered.' };
  const held = play([...inputs, pause]);
  expect(held.state).toMatchObject({ phase, held: true, reason: pause.reason });
  expect(held.effects.at(-1)).toBe('hold');
  expect(play([pause], held.state).effects).toEqual([]);
  const on = play([{ type: 'gate', verdict: 'throttle', reason: 'Half speed.' }], held.state);
  expect(on.state).toMatchObject({ held: false, reason: 'Half speed.' });
  expect(on.effects).toEqual(['release']);

  const aborted = play([{ type: 'gate', verdict: 'abort', reason: 'No memory.' }], held.state);
  expect(aborted.effects).toEqual(['stop']);
  const ended = play([{ type: 'stopped', now: 50 }], aborted.state);
  expect(ended.effects).toEqual(['unlock']);
  expect(ended.state).toMatchObject({ phase: 'awake', held: false, reason: 'No memory. What was done is kept.' });
});

test.each([
  ['dreaming', ASLEEP, { type: 'dreamed', items: 3 }],
  ['training', TRAINING, { type: 'trained' }],
] as const)(
  'a result of %s that comes while it is woken is kept, and the next step does not start',
  (_phase, inputs, result) => {
    const end = play([...inputs, { type: 'wake', now: 0 }, result]);
    expect(end.state).toMatchObject({ phase: 'awake', notBefore: QUIET_AFTER_WAKE_MS });
    expect(end.effects.slice(-2)).toEqual(['stop', 'unlock']);
  },
);

test('an evaluation that ends although it was told to stop counts', () => {
  const end = play([
    ...EVALUATING,
    { type: 'wake', now: 0 },
    { type: 'evaluated', promoted: true, words: 'Done.', now: 1 },
  ]);
  expect(end.effects.slice(-2)).toEqual(['settle learnt', 'unlock']);
});

test('woken while drowsy: quiet for an hour; a lock that comes late is given back', () => {
  const woken = play([look(), look(), { type: 'wake', now: 0 }]);
  expect(woken.state).toMatchObject({ phase: 'awake', notBefore: QUIET_AFTER_WAKE_MS });
  expect(play([{ type: 'locked', got: true }], woken.state).effects).toEqual(['unlock']);
  expect(play([look(DUE, [], QUIET_AFTER_WAKE_MS - 1)], woken.state).state.phase).toBe('awake');
  expect(play([look(DUE, [], QUIET_AFTER_WAKE_MS)], woken.state).state.phase).toBe('drowsy');
});

test('after a failure an hour, after a rejection a day', () => {
  const failed = play([...TRAINING, { type: 'failed', words: 'The trainer ended.', now: 0 }]);
  expect(failed.state).toMatchObject({
    phase: 'awake',
    notBefore: QUIET_AFTER_FAILURE_MS,
    reason: 'The trainer ended.',
  });
  expect(failed.effects.at(-1)).toBe('unlock');
  const rejected = play([...EVALUATING, { type: 'evaluated', promoted: false, words: 'Forgot too much.', now: 0 }]);
  expect(rejected.state.notBefore).toBe(QUIET_AFTER_REJECTION_MS);
  expect(rejected.effects.slice(-2)).toEqual(['settle rejected', 'unlock']);
});

test('when Zell ends, the work is stopped and saved', () => {
  expect(play([...TRAINING, { type: 'close' }]).effects.at(-1)).toBe('stop');
  expect(play([look(), { type: 'close' }]).effects).toEqual([]);
});

/** Every input that there is, in any order and at any time. */
const anyInput: fc.Arbitrary<SleepInput> = fc.oneof(
  fc.record({
    type: fc.constant('look' as const),
    now: fc.integer({ min: 0, max: 1e8 }),
    due: fc.constantFrom(DUE, NOT_DUE),
    hinders: fc.constantFrom([], ['In use.']),
  }),
  fc.record({
    type: fc.constant('gate' as const),
    verdict: fc.constantFrom('run' as const, 'throttle' as const, 'pause' as const, 'abort' as const),
    reason: fc.constant('why'),
  }),
  fc.constant({ type: 'asked' as const }),
  fc.record({ type: fc.constant('wake' as const), now: fc.integer({ min: 0, max: 1e8 }) }),
  fc.constant({ type: 'close' as const }),
  fc.record({ type: fc.constant('locked' as const), got: fc.boolean() }),
  fc.record({
    type: fc.constant('planned' as const),
    at: fc.constantFrom('dreaming' as const, 'training' as const, 'evaluating' as const),
  }),
  fc.constant({ type: 'nothingToDo' as const, words: 'nothing' }),
  fc.record({ type: fc.constant('dreamed' as const), items: fc.integer({ min: 0, max: 2 }) }),
  fc.constant({ type: 'trained' as const }),
  fc.record({
    type: fc.constant('evaluated' as const),
    promoted: fc.boolean(),
    words: fc.constant('words'),
    now: fc.constant(0),
  }),
  fc.record({ type: fc.constant('stopped' as const), now: fc.constant(0) }),
  fc.record({ type: fc.constant('failed' as const), words: fc.constant('words'), now: fc.constant(0) }),
);

test('whatever comes in whatever order: the lock is held exactly while it is needed, and work starts only under it', () => {
  fc.assert(
    fc.property(fc.array(anyInput, { maxLength: 60 }), (inputs) => {
      let state: SleepState = AWAKE;
      let held = false;
      let pending = false;
      for (const input of inputs) {
        // The outside answers only what it was asked.
        if (input.type === 'locked') {
          if (!pending) continue;
          pending = false;
          if (input.got) held = true;
        }
        const before = state;
        const step = sleepStep(state, input);
        state = step.state;
        for (const effect of step.effects) {
          if (effect.do === 'lock') {
            // A lock that is still on its way was asked for by a night that was called off.
            pending = true;
          }
          if (effect.do === 'unlock') held = false;
          if (effect.do === 'work') expect(held).toBe(true);
          if (effect.do === 'log') expect(effect.to).not.toBe(effect.from);
        }
        expect(state.reason).not.toBe('');
        if (isWorking(state.phase)) expect(held).toBe(true);
        if (state.phase === 'awake') expect(held).toBe(false);
        if (before.phase !== state.phase) expect(step.effects.filter((e) => e.do === 'log')).toHaveLength(1);
        if (!isWorking(state.phase)) expect(state).toMatchObject({ held: false });
        if (!isWorking(state.phase)) expect(state.stopping).toBeUndefined();
      }
    }),
    { numRuns: 500 },
  );
});
