/** The sleep cycle as a pure function: state and input in, state and effects out. `sleepCycle.ts` carries the effects out. */

/** `drowsy`: a sleep is due and waits for the machine. `dreaming` and `training` together are what the user sees as sleeping. */
export type SleepPhase = 'awake' | 'drowsy' | 'dreaming' | 'training' | 'evaluating';

export interface SleepState {
  readonly phase: SleepPhase;
  /** One sentence for people: why it is in this phase, or why it does not go on. */
  readonly reason: string;
  /** While drowsy: what was asked of the outside and is not answered yet. */
  readonly awaits?: 'lock' | 'plan';
  /** The user asked for this sleep. */
  readonly asked: boolean;
  /** A working phase that stands still until the machine allows it. */
  readonly held: boolean;
  /** The phase's work was told to end early, and has not yet. */
  readonly stopping?: 'wake' | 'abort' | 'close' | 'forget';
  /** No sleep by itself before this time: after being woken, after a failure or a rejected adapter. */
  readonly notBefore: number;
}

export const AWAKE: SleepState = {
  phase: 'awake',
  reason: 'Nothing to learn yet.',
  asked: false,
  held: false,
  notBefore: 0,
};

/** What happened. `now`: milliseconds since the epoch. */
export type SleepInput =
  | {
      readonly type: 'look';
      readonly now: number;
      /** Whether a sleep is due, and in words what for or what is missing. */
      readonly due: { readonly is: boolean; readonly words: string };
      /** What keeps one from starting; the most important first. */
      readonly hinders: readonly string[];
    }
  | { readonly type: 'gate'; readonly verdict: 'run' | 'throttle' | 'pause' | 'abort'; readonly reason: string }
  | { readonly type: 'asked' }
  | { readonly type: 'wake'; readonly now: number }
  | { readonly type: 'close' }
  /** Something was forgotten that this night may hold: nothing of it stays. */
  | { readonly type: 'forget' }
  | { readonly type: 'locked'; readonly got: boolean }
  /** `at`: the step at which an interrupted run goes on. */
  | { readonly type: 'planned'; readonly at: 'dreaming' | 'training' | 'evaluating' }
  | { readonly type: 'nothingToDo'; readonly words: string }
  /** The present phase's work is complete. `items`: none means that there is nothing to train. */
  | { readonly type: 'dreamed'; readonly items: number }
  | { readonly type: 'trained' }
  | { readonly type: 'evaluated'; readonly promoted: boolean; readonly words: string; readonly now: number }
  /** The work ended because it was told to. */
  | { readonly type: 'stopped'; readonly now: number }
  | { readonly type: 'failed'; readonly words: string; readonly now: number };

export type SleepEffect =
  | { readonly do: 'lock' | 'plan' | 'unlock' }
  | { readonly do: 'work'; readonly phase: 'dreaming' | 'training' | 'evaluating' }
  /** The run is over and need not be resumed. */
  | { readonly do: 'settle'; readonly learnt: boolean }
  | { readonly do: 'hold' | 'release' }
  /** Save, then end the work: `stopped` follows, or the result that came first. */
  | { readonly do: 'stop' }
  | { readonly do: 'log'; readonly from: SleepPhase; readonly to: SleepPhase; readonly reason: string };

export interface SleepStep {
  readonly state: SleepState;
  readonly effects: readonly SleepEffect[];
}

const HOUR = 3_600_000;
/** Woken by the user: quiet for so long. */
export const QUIET_AFTER_WAKE_MS = HOUR;
/** After a failure the same would most likely fail again at once. */
export const QUIET_AFTER_FAILURE_MS = HOUR;
/** A rejected adapter: by then there is more to learn from. */
export const QUIET_AFTER_REJECTION_MS = 24 * HOUR;

const FORGOTTEN = 'Something was forgotten; this night is dropped.';

const WORKING: ReadonlySet<SleepPhase> = new Set(['dreaming', 'training', 'evaluating']);

export function isWorking(phase: SleepPhase): phase is 'dreaming' | 'training' | 'evaluating' {
  return WORKING.has(phase);
}

/** An input that means nothing in a state changes nothing: answers may come late. */
export function sleepStep(state: SleepState, input: SleepInput): SleepStep {
  switch (input.type) {
    case 'look':
      return look(state, input);
    case 'gate':
      return gate(state, input);
    case 'asked':
      return asked(state);
    case 'wake':
      return wake(state, input.now);
    case 'close':
      return isWorking(state.phase) && state.stopping === undefined
        ? { state: { ...state, stopping: 'close' }, effects: [{ do: 'stop' }] }
        : same(state);
    case 'forget':
      return forget(state);
    case 'locked':
      return locked(state, input.got);
    case 'planned':
      return planned(state, input.at);
    case 'nothingToDo':
      if (state.awaits !== 'plan') return same(state);
      return go(state, 'awake', input.words, {}, [{ do: 'unlock' }]);
    case 'dreamed':
      return dreamed(state, input.items);
    case 'trained':
      if (state.phase !== 'training') return same(state);
      if (state.stopping !== undefined) return stoppedNow(state, 0, 'Training was complete.');
      return go(state, 'evaluating', 'Measuring what was learnt.', {}, [{ do: 'work', phase: 'evaluating' }]);
    case 'evaluated':
      if (state.phase !== 'evaluating') return same(state);
      return go(
        state,
        'awake',
        input.words,
        { notBefore: input.promoted ? state.notBefore : input.now + QUIET_AFTER_REJECTION_MS },
        [{ do: 'settle', learnt: input.promoted }, { do: 'unlock' }],
      );
    case 'stopped':
      if (!isWorking(state.phase)) return same(state);
      return stoppedNow(state, input.now, 'What was done is kept.');
    case 'failed':
      return failed(state, input);
  }
}

function same(state: SleepState): SleepStep {
  return { state, effects: [] };
}

function go(
  state: SleepState,
  to: SleepPhase,
  reason: string,
  change: Partial<SleepState>,
  effects: readonly SleepEffect[],
): SleepStep {
  const kept: Partial<SleepState> = isWorking(to) ? { held: state.held } : { held: false };
  const { notBefore } = state;
  const wanted = to === 'awake' ? false : state.asked;
  return {
    state: { phase: to, reason, asked: wanted, notBefore, held: false, ...kept, ...change },
    effects: [{ do: 'log', from: state.phase, to, reason }, ...effects],
  };
}

function look(state: SleepState, { now, due, hinders }: SleepInput & { type: 'look' }): SleepStep {
  if (state.awaits !== undefined || isWorking(state.phase)) return same(state);
  const quiet = now < state.notBefore;
  if (state.phase === 'awake') {
    if (due.is && !quiet) return go(state, 'drowsy', `${due.words} ${hinders[0] ?? ''}`.trim(), {}, []);
    // After a wake or a failure the sentence that says so stays as long as it holds.
    return due.is ? same(state) : same({ ...state, reason: due.words });
  }
  if (!state.asked && (!due.is || quiet)) return go(state, 'awake', due.words, {}, []);
  const [first] = hinders;
  if (first !== undefined) return same({ ...state, reason: first });
  return {
    state: { ...state, awaits: 'lock', reason: 'Falling asleep.' },
    effects: [{ do: 'lock' }],
  };
}

function gate(state: SleepState, input: SleepInput & { type: 'gate' }): SleepStep {
  if (!isWorking(state.phase) || state.stopping !== undefined) return same(state);
  const { verdict, reason } = input;
  if (verdict === 'abort') return { state: { ...state, stopping: 'abort', reason }, effects: [{ do: 'stop' }] };
  const held = verdict === 'pause';
  if (held === state.held) return same({ ...state, reason: held || verdict === 'throttle' ? reason : state.reason });
  return { state: { ...state, held, reason }, effects: [{ do: held ? 'hold' : 'release' }] };
}

function asked(state: SleepState): SleepStep {
  if (state.phase === 'awake')
    return go({ ...state, asked: true }, 'drowsy', 'You asked for it.', { notBefore: 0 }, []);
  return same({ ...state, asked: true, notBefore: 0 });
}

function wake(state: SleepState, now: number): SleepStep {
  const notBefore = now + QUIET_AFTER_WAKE_MS;
  if (state.phase === 'awake') return same({ ...state, notBefore });
  if (state.phase === 'drowsy')
    return go(state, 'awake', 'You woke it.', { notBefore }, state.awaits === undefined ? [] : [{ do: 'unlock' }]);
  if (state.stopping !== undefined)
    return same(state.stopping === 'forget' ? { ...state, notBefore } : { ...state, stopping: 'wake', notBefore });
  return {
    state: { ...state, stopping: 'wake', notBefore, reason: 'Waking up.' },
    effects: [{ do: 'stop' }],
  };
}

function forget(state: SleepState): SleepStep {
  if (!isWorking(state.phase)) return same(state);
  const effects: SleepEffect[] = state.stopping === undefined ? [{ do: 'stop' }] : [];
  return { state: { ...state, stopping: 'forget', reason: FORGOTTEN }, effects };
}

function locked(state: SleepState, got: boolean): SleepStep {
  if (state.awaits !== 'lock') return { state, effects: got ? [{ do: 'unlock' }] : [] };
  const { awaits: _answered, ...rest } = state;
  if (!got) return same({ ...rest, reason: 'Another Zell on this machine is asleep.' });
  return { state: { ...rest, awaits: 'plan' }, effects: [{ do: 'plan' }] };
}

function planned(state: SleepState, at: 'dreaming' | 'training' | 'evaluating'): SleepStep {
  if (state.awaits !== 'plan') return same(state);
  const words = { dreaming: 'Dreaming.', training: 'Training.', evaluating: 'Measuring what was learnt.' }[at];
  return go(state, at, words, {}, [{ do: 'work', phase: at }]);
}

function dreamed(state: SleepState, items: number): SleepStep {
  if (state.phase !== 'dreaming') return same(state);
  if (state.stopping !== undefined) return stoppedNow(state, 0, 'Dreaming was complete.');
  if (items === 0)
    return go(state, 'awake', 'There was nothing to learn in the last conversations.', {}, [
      { do: 'settle', learnt: true },
      { do: 'unlock' },
    ]);
  return go(state, 'training', 'Training.', {}, [{ do: 'work', phase: 'training' }]);
}

/** Ended early: the next sleep goes on where this one stopped. */
function stoppedNow(state: SleepState, now: number, kept: string): SleepStep {
  if (state.stopping === 'forget')
    return go(state, 'awake', FORGOTTEN, {}, [{ do: 'settle', learnt: false }, { do: 'unlock' }]);
  const why = { wake: 'You woke it.', abort: state.reason, close: 'Zell ends.' }[state.stopping ?? 'close'];
  const quiet = state.stopping === 'abort' ? Math.max(state.notBefore, now) : state.notBefore;
  return go(state, 'awake', `${why} ${kept}`, { notBefore: quiet }, [{ do: 'unlock' }]);
}

function failed(state: SleepState, { words, now }: SleepInput & { type: 'failed' }): SleepStep {
  if (state.phase === 'awake') return same(state);
  if (state.stopping !== undefined) return stoppedNow(state, now, 'What was done is kept.');
  const release: SleepEffect[] = state.phase === 'drowsy' && state.awaits !== 'plan' ? [] : [{ do: 'unlock' }];
  return go(state, 'awake', words, { notBefore: now + QUIET_AFTER_FAILURE_MS }, release);
}
