/** Follows the machine and the engine's requests, and tells whoever does heavy background work whether it may. */
import { NOTHING_KNOWN, type MachineReader } from './machineState.ts';
import type { MachineWatch } from './machineWatch.ts';
import { REAL_FILES } from './machineFiles.ts';
import { linuxReader } from './linuxReader.ts';
import { macReader } from './macReader.ts';
import {
  decide,
  DEFAULT_THRESHOLDS,
  FRESH_GATE,
  whyNotStart,
  type GateContext,
  type GateDecision,
  type GateMemory,
  type Thresholds,
} from './policy.ts';

/** While work runs: unplugging must be noticed within ten seconds. */
const WATCH_MS = 4000;

export interface MonitorOptions {
  /** Shared with others: whoever made it stops it. */
  readonly machine: MachineWatch;
  readonly now: () => number;
  readonly thresholds?: Thresholds;
  /** The user allows work on a well charged battery. */
  readonly onBattery?: () => boolean;
  /** The user vouches for a machine whose heat cannot be read. */
  readonly fullSpeed?: () => boolean;
}

/** The readers of this system. Windows says nothing yet, which everything here is prepared for. */
export function systemReader(home: string, platform: string = process.platform): MachineReader {
  if (platform === 'linux') return linuxReader(REAL_FILES, home);
  if (platform === 'darwin') return macReader(REAL_FILES, home);
  return { read: async () => ({ ...NOTHING_KNOWN, diskFreeBytes: await REAL_FILES.freeBytes(home) }) };
}

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #listeners = new Set<(decision: GateDecision) => void>();
  #gate: GateMemory = FRESH_GATE;
  #decision: GateDecision | undefined;
  #requests = 0;
  #lastRequestAt: number | undefined;
  #asked = false;
  #forget: (() => void) | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** The latest; before the first look nothing may run. */
  get decision(): GateDecision {
    return this.#decision ?? { verdict: 'pause', reason: 'Zell looks at the machine.', duty: 0, memory: this.#gate };
  }

  /** Reads the machine now and goes on doing so. */
  async start(): Promise<void> {
    const { machine } = this.#options;
    this.#forget ??= machine.onLook(() => this.#decide());
    await machine.start();
    // Somebody else may have started it before.
    if (this.#decision === undefined) this.#decide();
  }

  stop(): void {
    this.#forget?.();
    this.#options.machine.every(this, undefined);
    this.#listeners.clear();
  }

  /** Called with every decision that differs from the one before it. @returns the end of it */
  onDecision(listener: (decision: GateDecision) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Work runs: looks more often. `asked`: the user wanted it now. */
  watch(watching: boolean, asked = false): void {
    this.#asked = watching && asked;
    this.#options.machine.every(this, watching ? WATCH_MS : undefined);
  }

  /** How many requests the engine is answering. A rise takes effect before this returns. */
  requests(count: number): void {
    if (count === this.#requests) return;
    this.#lastRequestAt = this.#options.now();
    // Those that end now were there until now.
    this.#decide();
    this.#requests = count;
    this.#decide();
  }

  /** What keeps work that takes `needBytes` from starting; empty: it may. */
  whyNotStart(needBytes: number, asked: boolean): string[] {
    return whyNotStart(
      this.#options.machine.state,
      this.#gate,
      { ...this.#context(), asked },
      needBytes,
      this.#thresholds,
    );
  }

  get #thresholds(): Thresholds {
    return this.#options.thresholds ?? DEFAULT_THRESHOLDS;
  }

  #context(): GateContext {
    return {
      now: this.#options.now(),
      requests: this.#requests,
      lastRequestAt: this.#lastRequestAt,
      asked: this.#asked,
      onBattery: this.#options.onBattery?.() ?? false,
      fullSpeed: this.#options.fullSpeed?.() ?? false,
    };
  }

  #decide(): void {
    const before = this.#decision;
    const next = decide(this.#options.machine.state, this.#gate, this.#context(), this.#thresholds);
    this.#gate = next.memory;
    this.#decision = next;
    if (before?.verdict === next.verdict && before.reason === next.reason) return;
    for (const listener of this.#listeners) listener(next);
  }
}
