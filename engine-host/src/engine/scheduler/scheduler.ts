/** The loop: admit → build one step → run it → hand out its results. Policy only; the model does the work. */
import type { EngineLimits, EngineStats, QueueStatus } from '#protocol/engine.ts';
import { PRIORITIES, type Priority } from '#protocol/generation.ts';
import { ZellError, type WireError } from '#protocol/errors.ts';
import type { Task } from '../inference/task.ts';
import type { NativeModel, StepOutput } from '../native/binding.ts';
import { nativeError } from '../native/nativeError.ts';
import type { DiskTier } from '../disk/diskTier.ts';
import { Admission, LEAST_RESTORED, type Growth } from './admission.ts';
import { Counters } from './counters.ts';
import { Drafting } from './drafting.ts';
import { byService, newEntry, remaining, storedName, type AdapterHash, type Entry } from './entry.ts';
import { Parking } from './parking.ts';
import { Pace } from './pace.ts';
import { planStep, type PlannedItem } from './planStep.ts';
import { growths, stepItem } from './stepItem.ts';
import { PrefixTree } from './prefixTree.ts';
import { Restores } from './restores.ts';
import { Throttle } from './throttle.ts';

/** The last class behind which a person waits; only up to it may a task take another's slot. */
const LAST_INTERACTIVE = PRIORITIES.indexOf('chat');

/** Whoever met another request is expected to meet one again for so long. */
const SHARED_MS = 60_000;

/** Share of the known branches that go at a time while memory is short. */
const GIVEN_UP = 0.25;

export interface SchedulerOptions {
  /** Most tasks that run at once. Default 8. */
  readonly slots?: number;
  /** Most tasks that wait; one more is refused. Default 64. */
  readonly maxWaiting?: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Without it what was computed with adapters is not kept on the disk. */
  readonly adapterHash?: AdapterHash;
  /** Whether tokens may be drafted. Default true. */
  readonly draft?: boolean;
  /** Known prefixes on the disk; the scheduler uses it from now on, its owner ends it. */
  readonly disk?: DiskTier;
  /**
   * Called when tasks may have been told something: after admissions and each step's results, and after a cancellation. `nextMs`: when
   * to expect the next call, where that is known to be soon.
   */
  readonly flush: (nextMs?: number) => void;
}

/** One model's scheduler. Nothing runs while there is no task. Every method is for one thread. */
export class Scheduler {
  readonly #model: NativeModel;
  readonly #slots: number;
  readonly #maxWaiting: number;
  readonly #now: () => number;
  readonly #flush: SchedulerOptions['flush'];
  readonly #tree: PrefixTree;
  readonly #admission: Admission;
  readonly #counters = new Counters();
  readonly #pace: Pace;
  readonly #drafting: Drafting | undefined;
  readonly #disk: DiskTier | undefined;
  readonly #adapterHash: AdapterHash | undefined;
  readonly #restores: Restores;
  readonly #parking: Parking;
  readonly #throttle = new Throttle();
  /** Ends the loop's wait for something to do. */
  #nudge: (() => void) | undefined;
  #waiting: Entry[] = [];
  #running: Entry[] = [];
  /** Ended entries whose sequence must not be touched before the step is over. */
  #leaving: Entry[] = [];
  #exclusive: (() => Promise<void>)[] = [];
  #inStep: ReadonlySet<Entry> | undefined;
  #looping = false;
  #whenIdle: (() => void)[] = [];
  /** Until then it is likely that somebody else comes while a prompt is evaluated. */
  #sharedUntil = -Infinity;
  #closing = false;

  constructor(model: NativeModel, options: SchedulerOptions) {
    this.#model = model;
    this.#slots = options.slots ?? 8;
    this.#maxWaiting = options.maxWaiting ?? 64;
    this.#now = options.now;
    this.#flush = options.flush;
    this.#tree = new PrefixTree(model);
    this.#pace = new Pace(model.info.fit.streaming !== undefined);
    this.#drafting = options.draft === false ? undefined : new Drafting(model.info.draftHead?.exitLayer !== undefined);
    this.#disk = options.disk;
    this.#adapterHash = options.adapterHash;
    this.#restores = new Restores(model, this.#tree, options.disk, () => this.#nudge?.());
    this.#parking = new Parking(model, options.disk, () => this.#nudge?.());
    this.#admission = new Admission(model, this.#tree, options.disk);
    this.#counters.kv(model.kvUsage());
  }

  queue(): QueueStatus {
    return {
      running: this.#running.length,
      waiting: this.#waiting.length,
      slots: this.#slots,
      maxWaiting: this.#maxWaiting,
    };
  }

  stats(): EngineStats {
    return this.#counters.stats(this.queue());
  }

  /** Cheap: ask before the work of making a task. @throws {ZellError} busy when the queue is full or the model is about to be unloaded. */
  checkRoom(priority: Priority): void {
    if (this.#closing) throw new ZellError('busy', 'The model is being unloaded. Try again.');
    // Programs that fill the queue must not lock out the person at the screen.
    const reserved = PRIORITIES.indexOf(priority) <= LAST_INTERACTIVE ? this.#slots : 0;
    if (this.#running.length + this.#waiting.length < this.#slots + this.#maxWaiting + reserved) return;
    const retryAfterSeconds = this.#counters.secondsUntilFree(this.#slots);
    throw new ZellError(
      'busy',
      `All ${this.#slots} slots are busy and ${this.#waiting.length} requests wait. Try again in ${retryAfterSeconds} s.`,
      { details: { slots: this.#slots, waiting: this.#waiting.length, retryAfterSeconds } },
    );
  }

  /** @throws {ZellError} as checkRoom; out_of_memory with the numbers for a task that can never fit. */
  submit(task: Task): void {
    this.checkRoom(task.priority);
    this.#admission.refuseImpossible(task);
    const now = this.#now();
    if (this.#running.length > 0) this.#sharedUntil = now + SHARED_MS;
    this.#waiting.push(newEntry(task, now, this.#adapterHash));
    this.#start();
  }

  /** The task is told at once, its slot is free at once, and it is absent from the next step. Unknown tasks are ignored. */
  cancel(task: Task): void {
    const entry = [...this.#running, ...this.#waiting].find((e) => e.task === task);
    if (entry === undefined) return;
    if (this.#inStep?.has(entry) === true && entry.sequence !== undefined) this.#model.cancel(entry.sequence);
    this.#end(entry);
    this.#nudge?.();
    entry.task.cancelled();
    this.#flush();
  }

  /**
   * Runs `work` between two steps, with the model to itself and at least `tokens` of KV room if eviction can make it.
   * @throws {ZellError} what `work` throws
   */
  exclusive<T>(tokens: number, work: (model: NativeModel) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#exclusive.push(async () => {
        try {
          this.#admission.makeRoom([{ held: 0, more: tokens }]);
          resolve(await work(this.#model));
        } catch (error) {
          reject(ZellError.fromWire(nativeError(error)));
        }
      });
      this.#start();
    });
  }

  /** The adapter (native id) is unloaded: nothing is kept for it any more. Takes part between two steps. */
  dropAdapter(id: number): void {
    void this.exclusive(0, () => {
      this.#tree.dropAdapter(id);
      return Promise.resolve();
    });
  }

  /** From the next step on. Each call while memory is short gives up some of the known prefixes that nobody uses. */
  restrain(limits: EngineLimits): void {
    this.#throttle.set(limits);
    if (limits.memoryShort)
      void this.exclusive(0, () => {
        this.#tree.shrink(GIVEN_UP);
        return Promise.resolve();
      });
    this.#nudge?.();
  }

  /** Waits until what ended so far is written. @returns the beginning of `task` that lies on the disk; undefined without a disk tier */
  async onDisk(task: Task): Promise<{ readonly tokens: number } | undefined> {
    // What has just ended is handed over between two steps.
    await this.exclusive(0, () => Promise.resolve());
    await this.#disk?.settled();
    if (this.#disk === undefined) return undefined;
    const found = this.#disk.find(task.tokens, task.tokens.length, storedName(task, this.#adapterHash))?.tokens ?? 0;
    return { tokens: found < LEAST_RESTORED ? 0 : found };
  }

  /** Nothing that was computed before is reused; what runs goes on. */
  async forgetPrefixes(): Promise<void> {
    await this.exclusive(0, async () => {
      this.#tree.clear();
      this.#restores.discard();
      for (const entry of [...this.#running, ...this.#waiting]) entry.keep = false;
      await this.#disk?.forget();
    });
  }

  /** Takes no new task, waits for those it has, then frees every sequence. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#looping) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await this.#restores.settled();
    await this.#disk?.settled();
    this.#tree.clear();
  }

  #start(): void {
    this.#nudge?.();
    if (this.#looping) return;
    this.#looping = true;
    void this.#run();
  }

  /** Never rejects; `#looping` ends in the same turn as the last look at the queues. */
  async #run(): Promise<void> {
    // Requests of one read from the pipe are admitted together.
    await Promise.resolve();
    while (this.#running.length + this.#waiting.length + this.#leaving.length + this.#exclusive.length > 0) {
      try {
        await this.#turn();
      } catch (error) {
        const wire = nativeError(error);
        for (const entry of [...this.#running, ...this.#waiting]) this.#fail(entry, wire);
        this.#leaving = [];
      }
    }
    this.#looping = false;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #turn(): Promise<void> {
    for (const entry of this.#leaving.splice(0)) this.#admission.keep(entry);
    for (let work = this.#exclusive.shift(); work !== undefined; work = this.#exclusive.shift()) await work();
    this.#restores.take();
    this.#admit();
    const plan = planStep(this.#running, this.#now(), (decoding) =>
      this.#pace.slice(decoding, this.#now() < this.#sharedUntil),
    );
    if (plan.length > 0 && !this.#throttle.paused) {
      await this.#step(this.#withDrafts(plan));
      const rest = this.#running.length + this.#waiting.length > 0 ? this.#throttle.rest() : undefined;
      if (rest !== undefined) {
        this.#flush();
        await rest;
      }
    } else {
      this.#counters.kv(this.#model.kvUsage());
      await this.#somethingToDo();
    }
    if (this.#running.length + this.#waiting.length === 0) this.#flush();
  }

  /** Everybody waits for the disk or the machine: until that is done, or somebody comes or goes. */
  async #somethingToDo(): Promise<void> {
    if (this.#running.length + this.#waiting.length === 0 || this.#exclusive.length + this.#leaving.length > 0) return;
    if (this.#throttle.paused) this.#flush();
    else if (this.#running.length > 0) return;
    else if (!this.#restores.busy && !this.#parking.busy && !this.#waiting.every((e) => this.#throttle.holds(e.rank)))
      return;
    await new Promise<void>((resolve) => (this.#nudge = resolve));
    this.#nudge = undefined;
  }

  /** Nobody gives anything up for drafts. */
  #withDrafts(plan: readonly PlannedItem[]): readonly PlannedItem[] {
    const drafted = this.#drafting?.plan(plan) ?? plan;
    return drafted === plan || this.#admission.hasRoom(growths(drafted)) ? drafted : plan;
  }

  async #step(plan: readonly PlannedItem[]): Promise<void> {
    this.#admission.makeRoom(growths(plan));
    this.#counters.kv(this.#model.kvUsage());
    this.#inStep = new Set(plan.map((p) => p.entry));
    const start = this.#now();
    for (const { entry } of plan) entry.servedAt = start;
    let outputs: readonly StepOutput[];
    try {
      const pending = this.#model.step(plan.map(stepItem));
      // Results of the step before are written while this one computes.
      this.#flush(this.#plainMs(plan));
      outputs = await pending;
    } catch (error) {
      this.#inStep = undefined;
      const wire = nativeError(error);
      for (const { entry } of plan) if (!entry.ended) this.#fail(entry, wire);
      return;
    }
    this.#inStep = undefined;
    this.#measured(plan, this.#now() - start);
    const bySequence = new Map(outputs.map((o) => [o.sequence, o]));
    let starved: Entry | undefined;
    for (const item of plan) {
      const { entry } = item;
      if (entry.ended || entry.sequence === undefined) continue;
      const output = bySequence.get(entry.sequence);
      if (output?.error?.code === 'out_of_memory') starved ??= entry;
      else this.#take(item, output);
    }
    // Last, because it may take the KV of another entry of this step. One at a time: the others try again with the next step.
    if (starved !== undefined) await this.#relieve(starved);
  }

  /** How long a step will take in which everybody only decodes; undefined with prompts, or before any was measured. */
  #plainMs(plan: readonly PlannedItem[]): number | undefined {
    if (plan.some(({ entry }) => remaining(entry) > 1)) return undefined;
    const [item] = plan;
    if (item !== undefined && isDrafted(item)) return this.#drafting?.stepMs(item);
    const ms = this.#pace.decodeMs(plan.length);
    return ms === 0 ? undefined : ms;
  }

  #measured(plan: readonly PlannedItem[], ms: number): void {
    this.#counters.step(plan, ms);
    this.#throttle.worked(ms);
    // A step that was broken off, or left somebody out, shows no pace.
    if (plan.some(({ entry }) => entry.ended)) return;
    this.#drafting?.measured(plan, ms);
    if (plan.some(isDrafted)) return;
    const decode = plan.filter(({ entry }) => remaining(entry) === 1).length;
    const tokens = plan.reduce((sum, { count }) => sum + count, 0);
    this.#pace.measured(decode, tokens - decode, ms);
  }

  #take({ entry, count, drafted: given, propose }: PlannedItem, output: StepOutput | undefined): void {
    if (output === undefined) {
      this.#fail(entry, { code: 'internal', message: 'A step left a sequence without a result.' });
      return;
    }
    if (output.error !== undefined) {
      this.#fail(entry, nativeError(output.error));
      return;
    }
    entry.task.embedding?.slice(entry.evaluated, count, output);
    entry.evaluated += count;
    entry.task.evaluated?.(entry.evaluated);
    if (entry.evaluated < entry.task.tokens.length) return;
    const now = this.#now();
    const { accepted = 0, acceptedLogprobs } = output;
    const drafted = given ?? Array.from(output.proposed ?? []);
    if (propose !== undefined) this.#drafting?.guessed(propose.count, accepted);
    if (drafted.length > 0) {
      this.#counters.drafted(drafted.length, accepted);
      entry.task.drafted?.(drafted.length, accepted);
    }
    try {
      for (const [at, sampled] of drafted.slice(0, accepted).entries()) {
        if (!this.#give(entry, { ...output, sampled, ...acceptedLogprobs?.[at] }, now)) return;
        entry.evaluated++;
      }
      this.#give(entry, output, now);
    } catch (error) {
      this.#fail(entry, nativeError(error));
    }
  }

  /** One result for the task. @returns whether it goes on */
  #give(entry: Entry, output: StepOutput, now: number): boolean {
    if (output.sampled !== undefined) {
      this.#counters.sampled();
      if (entry.sampled++ === 0) entry.firstSampledAt = now;
    }
    if (entry.task.output(output)) return true;
    this.#counters.finished(entry.sampled, now - entry.firstSampledAt);
    this.#counters.served(now - entry.admittedAt);
    this.#end(entry);
    return false;
  }

  /**
   * Fills the free slots. Somebody who waits at a screen may take the slot of a less urgent task, which goes on later from where it
   * was. Who begins like a prompt that is just being evaluated waits until it can share that beginning, and lends it its urgency.
   */
  #admit(): void {
    for (const entry of this.#running) entry.lifted = entry.rank;
    const following = new Set<Entry>();
    while (this.#waiting.length > following.size) {
      const next = this.#next(following);
      if (next === undefined) return;
      const leader = this.#admission.leader(next, this.#running);
      if (leader !== undefined) {
        leader.lifted = Math.min(leader.lifted, next.rank);
        following.add(next);
        continue;
      }
      if (this.#reads(next)) {
        following.add(next);
        continue;
      }
      if (this.#running.length >= this.#slots) {
        const victim = this.#leastUrgent();
        if (victim === undefined || urgency(victim) <= next.rank) return;
        this.#pause(victim);
      }
      try {
        const alone = this.#running.length === 0 && !this.#parking.busy;
        if (!this.#admission.admit(next, this.#all(), this.#growing(), alone)) {
          if (this.#yields(next)) continue;
          return;
        }
      } catch (error) {
        this.#fail(next, nativeError(error));
        continue;
      }
      if (next.admittedAt === 0) next.admittedAt = this.#now();
      this.#waiting = this.#waiting.filter((e) => e !== next);
      this.#running.push(next);
    }
  }

  /** Whether its beginning is being read from the disk, by itself or by somebody whom it follows. */
  #reads(entry: Entry): boolean {
    if (entry.restore === 'open') {
      const found = this.#admission.onDisk(entry, this.#all(), this.#growing());
      if (found === 'later' && (this.#running.length > 0 || this.#parking.busy)) return false;
      if (found === undefined || found === 'later') entry.restore = 'over';
      else if (!this.#restores.covers(entry, found)) this.#restores.begin(entry, found);
      else return true;
    }
    return entry.restore === 'reading';
  }

  /** Whose turn it is among those who wait for a slot, and not for somebody's beginning. */
  #next(following: ReadonlySet<Entry>): Entry | undefined {
    const waiting = this.#waiting.filter((e) => !following.has(e) && !this.#throttle.holds(e.rank));
    if (this.#running.length < this.#slots) return waiting.toSorted(byService(this.#now()))[0];
    const [next] = waiting.toSorted((a, b) => a.rank - b.rank || a.enqueuedAt - b.enqueuedAt);
    return next !== undefined && next.rank <= LAST_INTERACTIVE ? next : undefined;
  }

  /** Memory ran out in the step: give up known prefixes, then the KV of paused and less urgent entries, at last this entry. */
  async #relieve(entry: Entry): Promise<void> {
    // What ended in this very step is given up by the next one.
    if (this.#leaving.length > 0 || this.#tree.evict(this.#model.kvUsage().blockTokens)) return;
    // Memory that is being written is free soon, what is being read will be in the tree. Others go on meanwhile.
    if (this.#parking.busy || this.#restores.open) {
      if (this.#running.length === 1) await (this.#parking.busy ? this.#parking.done() : this.#restores.done());
      return;
    }
    const paused = this.#waiting.find((e) => e.evaluated > 0);
    const victim = paused ?? (this.#running.length > 1 ? this.#leastUrgent() : undefined);
    if (victim?.sequence === undefined) {
      const { tokens } = entry.task;
      const { total, blockTokens } = this.#model.kvUsage();
      this.#fail(entry, {
        code: 'out_of_memory',
        message: `The KV cache is full: this request has ${tokens.length} tokens, there is memory for ${total * blockTokens}. Shorten the prompt or free memory.`,
        details: { tokens: tokens.length, capacity: total * blockTokens },
      });
      return;
    }
    // The sequence stays and with it the state of its sampler; its tokens come back later, to the same bits.
    this.#parking.park(victim);
    if (paused === undefined) this.#pause(victim);
  }

  /** Makes somebody less urgent give its memory to `next`, before whom a person waits; false when nobody is. */
  #yields(next: Entry): boolean {
    if (next.rank > LAST_INTERACTIVE || this.#parking.busy) return false;
    const held = [...this.#waiting.filter((e) => e.evaluated > 0 && e !== next), ...this.#running];
    const [victim] = held.toSorted((a, b) => urgency(b) - urgency(a) || b.enqueuedAt - a.enqueuedAt);
    if (victim === undefined || urgency(victim) <= next.rank) return false;
    this.#parking.park(victim);
    if (this.#running.includes(victim)) this.#pause(victim);
    return true;
  }

  #all(): Entry[] {
    return [...this.#running, ...this.#waiting];
  }

  /** What the running ones will draw before they sample next. */
  #growing(): Growth[] {
    return this.#running.map((entry) => ({ held: entry.evaluated, more: remaining(entry) }));
  }

  #leastUrgent(): Entry | undefined {
    return this.#running.toSorted((a, b) => urgency(a) - urgency(b) || a.enqueuedAt - b.enqueuedAt).at(-1);
  }

  #pause(entry: Entry): void {
    this.#running = this.#running.filter((e) => e !== entry);
    this.#waiting.push(entry);
  }

  #fail(entry: Entry, error: WireError): void {
    if (entry.ended) return;
    this.#end(entry);
    entry.task.failed(error);
  }

  #end(entry: Entry): void {
    entry.ended = true;
    this.#running = this.#running.filter((e) => e !== entry);
    this.#waiting = this.#waiting.filter((e) => e !== entry);
    if (entry.sequence !== undefined) this.#leaving.push(entry);
  }
}

/** Class in force of one who has a slot: its own, or that of the most urgent one who waits for what it computes. */
function urgency(entry: Entry): number {
  return Math.min(entry.rank, entry.lifted);
}

function isDrafted({ drafted, propose }: PlannedItem): boolean {
  return drafted !== undefined || propose !== undefined;
}
