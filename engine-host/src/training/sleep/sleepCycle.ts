/** Carries the sleep cycle out: looks, takes the lock, runs one step of a night after the other, logs every transition. */
import type { LossCurve, SleepOutcome } from '#protocol/memory.ts';
import { toWireError, ZellError } from '#protocol/errors.ts';
import type { GateDecision } from '../../monitor/policy.ts';
import { LossRecord } from './lossRecord.ts';
import type { RunFolder, RunStep, SleepRun } from './sleepRun.ts';
import {
  AWAKE,
  isWorking,
  sleepStep,
  type SleepEffect,
  type SleepInput,
  type SleepPhase,
  type SleepState,
} from './sleepState.ts';
import { Valve } from './valve.ts';

/** Between two looks while nothing changes. */
const LOOK_MS = 15_000;
/** While somebody waits for it to begin. */
const ASKED_LOOK_MS = 1000;
/** After that a night is given up. */
const MOST_FAILURES = 3;

/** What a step tells while it runs. */
export interface SleepProgress {
  /** 0–1. */
  readonly done: number;
  readonly leftMs?: number;
  readonly loss?: number;
  readonly tokensPerSecond?: number;
  readonly step?: number;
  readonly steps?: number;
}

export interface StepHooks {
  readonly valve: Valve;
  readonly onProgress: (progress: SleepProgress) => void;
  /** Aborted: save, then throw `cancelled`. */
  readonly signal: AbortSignal;
}

/** The steps of a night. Each may be repeated after a crash at any point: what is complete already is found and not done again. */
export interface SleepWork {
  /** A new night, or in words why there is none. */
  plan(wish: SleepWish, signal: AbortSignal): Promise<SleepRun | { readonly nothing: string }>;
  /** @returns how many items there are to train */
  dream(run: SleepRun, hooks: StepHooks): Promise<number>;
  train(run: SleepRun, hooks: StepHooks): Promise<void>;
  /** Measures the candidate and makes it the adapter in force when it passes. */
  evaluate(run: SleepRun, hooks: StepHooks): Promise<{ readonly promoted: boolean; readonly words: string }>;
  /** The night is over. `learnt`: its events are consolidated, or there was nothing in them. */
  settle(run: SleepRun, learnt: boolean): Promise<void>;
}

export interface SleepWish {
  /** The user asked for it: with few conversations, too. */
  readonly asked: boolean;
  readonly budgetMs?: number;
}

export interface SleepGate {
  readonly decision: GateDecision;
  onDecision(listener: (decision: GateDecision) => void): () => void;
  watch(watching: boolean, asked?: boolean): void;
  whyNotStart(needBytes: number, asked: boolean): string[];
}

export interface SleepOptions {
  readonly gate: SleepGate;
  readonly work: SleepWork;
  readonly runs: RunFolder;
  /** One sleeper on the machine. @returns how to let go of it; undefined: somebody else sleeps */
  readonly lock: () => (() => void) | undefined;
  /** In words, why nobody may fall asleep without being asked to. Absent: always allowed. */
  readonly forbidden?: (now: number) => string | undefined;
  readonly due: (now: number) => { readonly is: boolean; readonly words: string };
  /** Memory that a night would take, as far as known before it starts. */
  readonly needBytes: () => number;
  /** A transition, for the event log. */
  readonly log: (transition: SleepTransition) => Promise<unknown>;
  /** The status changed. */
  readonly onChange: () => void;
  readonly onProblem: (error: unknown) => void;
  readonly now: () => number;
}

export interface SleepTransition {
  readonly from: SleepPhase;
  readonly to: SleepPhase;
  readonly reason: string;
  readonly run?: string;
}

export interface SleepStatus {
  readonly phase: SleepPhase;
  readonly reason: string;
  readonly held: boolean;
  readonly last?: SleepOutcome;
  readonly progress?: SleepProgress;
}

export class SleepCycle {
  readonly #options: SleepOptions;
  #state: SleepState = AWAKE;
  #valve = new Valve();
  #run: SleepRun | undefined;
  #progress: SleepProgress | undefined;
  #curve = new LossRecord();
  #last: SleepOutcome | undefined;
  #release: (() => void) | undefined;
  #budgetMs: number | undefined;
  /** Of the step that runs. */
  #abort: AbortController | undefined;
  #working: Promise<void> = Promise.resolve();
  /** Transitions and records, one after the other. */
  #writing: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setInterval> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #endGate: () => void = () => undefined;
  #closed = false;

  constructor(options: SleepOptions) {
    this.#options = options;
  }

  /** An interrupted night goes on as soon as the machine allows it. */
  async start(): Promise<void> {
    const { gate, runs } = this.#options;
    const interrupted = await runs.read();
    this.#run = interrupted?.run;
    await runs.collect(interrupted?.run.id);
    this.#endGate = gate.onDecision(() => this.#gateChanged());
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
    this.look();
  }

  status(): SleepStatus {
    const { phase, reason, held } = this.#state;
    return {
      phase,
      reason,
      held,
      ...(this.#progress === undefined ? {} : { progress: this.#progress }),
      ...(this.#last === undefined ? {} : { last: this.#last }),
    };
  }

  get curve(): LossCurve {
    return this.#curve.curve;
  }

  /** A sleep is due or running: whoever ends the process ends it. */
  get needed(): boolean {
    return this.#state.phase !== 'awake';
  }

  sleepNow(budgetMs?: number): void {
    this.#budgetMs = budgetMs;
    this.#input({ type: 'asked' });
    this.look();
  }

  wake(): void {
    this.#input({ type: 'wake', now: this.#options.now() });
  }

  /** Ends a night that may hold what was forgotten, and removes all of it. */
  async drop(): Promise<void> {
    if (isWorking(this.#state.phase)) {
      this.#input({ type: 'forget' });
      await this.#working;
      await this.#writing;
      return;
    }
    // One that waits to go on, of this start or of the last.
    this.#run = undefined;
    await this.#options.runs.clear();
  }

  /** Something changed that may matter: the memory, the model, the machine. */
  look(): void {
    if (this.#closed) return;
    const { due, gate, needBytes, now } = this.#options;
    const at = now();
    const interrupted = this.#run !== undefined && { is: true, words: 'A sleep was interrupted.' };
    const forbidden = this.#options.forbidden?.(at);
    const found =
      forbidden !== undefined ? { is: false, words: forbidden } : interrupted === false ? due(at) : interrupted;
    // Being drowsy and falling asleep are two looks of the same moment.
    for (let turn = 0; turn < 2; turn += 1) {
      const { asked } = this.#state;
      this.#input({ type: 'look', now: at, due: found, hinders: gate.whyNotStart(needBytes(), asked) });
    }
    clearTimeout(this.#soon);
    if (this.#state.phase === 'drowsy' && this.#state.asked)
      this.#soon = setTimeout(() => this.look(), ASKED_LOOK_MS).unref();
  }

  /** Saves what runs and ends. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#endGate();
    this.#input({ type: 'close' });
    await this.#working;
    await this.#writing;
    this.#release?.();
    this.#release = undefined;
  }

  #gateChanged(): void {
    const { verdict, reason, duty } = this.#options.gate.decision;
    if (isWorking(this.#state.phase)) {
      this.#input({ type: 'gate', verdict, reason });
      this.#valve.set(this.#state.held, duty);
    } else this.look();
  }

  #input(input: SleepInput): void {
    const before = this.#state;
    const { state, effects } = sleepStep(before, input);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    if (before.phase !== state.phase || before.reason !== state.reason || before.held !== state.held)
      this.#options.onChange();
  }

  #carryOut(effect: SleepEffect): void {
    switch (effect.do) {
      case 'lock':
        this.#release ??= this.#options.lock();
        this.#input({ type: 'locked', got: this.#release !== undefined });
        return;
      case 'unlock':
        this.#release?.();
        this.#release = undefined;
        this.#options.gate.watch(false);
        return;
      case 'plan':
        this.#options.gate.watch(true, this.#state.asked);
        this.#do(async (signal) => this.#plan(signal));
        return;
      case 'work':
        this.#work(effect.phase);
        return;
      case 'hold':
      case 'release':
        this.#valve.set(effect.do === 'hold', this.#options.gate.decision.duty);
        return;
      case 'stop':
        this.#abort?.abort(new ZellError('cancelled', 'The sleep was ended.'));
        return;
      case 'settle': {
        const run = this.#run;
        this.#run = undefined;
        if (run !== undefined)
          this.#write(async () => {
            await this.#options.work.settle(run, effect.learnt);
            await this.#options.runs.clear();
          });
        return;
      }
      case 'log': {
        const { from, to, reason } = effect;
        const run = this.#run === undefined ? {} : { run: this.#run.id };
        this.#progress = undefined;
        this.#write(() => this.#options.log({ from, to, reason, ...run }));
        return;
      }
    }
  }

  async #plan(signal: AbortSignal): Promise<SleepInput> {
    const { runs, work } = this.#options;
    const interrupted = await runs.read();
    if (interrupted !== undefined) {
      this.#run = interrupted.run;
      return { type: 'planned', at: interrupted.at };
    }
    this.#run = undefined;
    const { asked } = this.#state;
    const budget = this.#budgetMs === undefined ? {} : { budgetMs: this.#budgetMs };
    const planned = await work.plan({ asked, ...budget }, signal);
    if ('nothing' in planned) return { type: 'nothingToDo', words: planned.nothing };
    await runs.write(planned, 'dreaming');
    this.#run = planned;
    return { type: 'planned', at: 'dreaming' };
  }

  #work(step: RunStep): void {
    const run = this.#run;
    if (run === undefined) throw new Error('a step without a run');
    const valve = new Valve();
    this.#valve = valve;
    if (step === 'training') this.#curve = new LossRecord();
    const { work, runs, now } = this.#options;
    this.#do(async (signal) => {
      const failures = (await runs.read())?.failures ?? 0;
      await runs.write(run, step, failures);
      const hooks: StepHooks = { valve, signal, onProgress: (progress) => this.#progressed(progress) };
      try {
        if (step === 'dreaming') return { type: 'dreamed', items: await work.dream(run, hooks) };
        if (step === 'evaluating') return { type: 'evaluated', ...(await work.evaluate(run, hooks)), now: now() };
        await work.train(run, hooks);
        return { type: 'trained' };
      } catch (error) {
        if (!signal.aborted) await this.#countFailure(run, step, failures + 1);
        throw error;
      }
    });
    // What the machine said before the step began holds for it too.
    const { verdict, reason, duty } = this.#options.gate.decision;
    this.#input({ type: 'gate', verdict, reason });
    valve.set(this.#state.held, duty);
  }

  /** What fails again and again is not tried for ever: its events stay for another night. */
  async #countFailure(run: SleepRun, step: RunStep, failures: number): Promise<void> {
    const { runs, work } = this.#options;
    if (failures < MOST_FAILURES) {
      await runs.write(run, step, failures);
      return;
    }
    this.#run = undefined;
    await work.settle(run, false);
    await runs.clear();
  }

  /** Runs one piece of work and gives its result to the state, unless the night was called off meanwhile. */
  #do(work: (signal: AbortSignal) => Promise<SleepInput>): void {
    const abort = new AbortController();
    this.#abort?.abort(new ZellError('cancelled', 'The sleep was ended.'));
    this.#abort = abort;
    this.#working = Promise.all([this.#working, this.#writing]).then(async () => {
      let result: SleepInput;
      const { now } = this.#options;
      try {
        result = await work(abort.signal);
      } catch (error) {
        if (abort.signal.aborted) result = { type: 'stopped', now: now() };
        else {
          this.#options.onProblem(error);
          result = { type: 'failed', words: toWireError(error).message, now: now() };
        }
      }
      if (result.type === 'evaluated') this.#last = { at: result.now, promoted: result.promoted, words: result.words };
      if (this.#abort === abort) this.#input(result);
    });
  }

  #progressed(progress: SleepProgress): void {
    this.#progress = progress;
    const { step, steps, loss } = progress;
    if (step !== undefined && steps !== undefined && loss !== undefined) this.#curve.add(step, steps, loss);
    this.#options.onChange();
  }

  #write(work: () => Promise<unknown>): void {
    this.#writing = this.#writing.then(work).catch((error: unknown) => this.#options.onProblem(error));
  }
}
