/** Reads the machine again and again, for everybody in the process who wants to know. */
import { NOTHING_KNOWN, type MachineReader, type MachineState } from './machineState.ts';

/** While nobody is in a hurry, since reading costs something. */
const REST_MS = 30_000;

export class MachineWatch {
  readonly #reader: MachineReader;
  readonly #listeners = new Set<(state: MachineState) => void>();
  /** Who wants to know more often, and how often. */
  readonly #wishes = new Map<object, number>();
  #state: MachineState = NOTHING_KNOWN;
  #first: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lookedAt = 0;
  #stopped = false;

  constructor(reader: MachineReader) {
    this.#reader = reader;
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Reads the machine and goes on doing so. Any number of times; resolves after the first look. */
  start(): Promise<void> {
    this.#first ??= this.#look();
    return this.#first;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  /** Called after every look, also one that found nothing new. @returns the end of it */
  onLook(listener: (state: MachineState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `who` wants a look every `ms`; undefined: it does not matter any more. */
  every(who: object, ms: number | undefined): void {
    const before = this.#everyMs;
    if (ms === undefined) this.#wishes.delete(who);
    else this.#wishes.set(who, ms);
    if (this.#everyMs !== before && this.#timer !== undefined && !this.#stopped) this.#arm();
  }

  get #everyMs(): number {
    return Math.min(REST_MS, ...this.#wishes.values());
  }

  async #look(): Promise<void> {
    this.#state = await this.#reader.read();
    this.#lookedAt = performance.now();
    if (this.#stopped) return;
    for (const listener of this.#listeners) listener(this.#state);
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due = this.#lookedAt + this.#everyMs - performance.now();
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, due));
    this.#timer.unref();
  }
}
