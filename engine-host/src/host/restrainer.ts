/** Tells the engine how much it may work, as the machine's state demands, and whoever asks why. */
import type { EngineLimits, Restraint } from '#protocol/engine.ts';
import type { MachineWatch } from '../monitor/machineWatch.ts';
import { NO_LIMITS, restraintFor, type RestraintMemory, type ThrottleWish } from '../monitor/restraint.ts';
import type { HostEngine } from './hostEngine.ts';

/** Between two looks at the machine while something is being answered. */
const BUSY_MS = 10_000;

export interface RestrainerParts {
  readonly machine: MachineWatch;
  readonly engine: Pick<HostEngine, 'call' | 'condition' | 'onStatus' | 'state'>;
  readonly wish: ThrottleWish;
  /** Milliseconds of one clock. */
  readonly now: () => number;
  /** `restraint` changed. */
  readonly onChange: () => void;
  readonly onProblem: (error: unknown) => void;
}

/** As long as nothing restrains it, the engine hears nothing of this at all. */
export class Restrainer {
  readonly #parts: RestrainerParts;
  #memory: RestraintMemory = {};
  #restraint: Restraint | undefined;
  /** What the engine's present process works by. */
  #told: EngineLimits = NO_LIMITS;
  #busy = false;

  constructor(parts: RestrainerParts) {
    this.#parts = parts;
    parts.machine.onLook(() => this.#decide());
    parts.engine.onStatus(() => this.#engineChanged());
  }

  /** Undefined while nothing restrains the engine. */
  get restraint(): Restraint | undefined {
    return this.#restraint;
  }

  #decide(): void {
    const { machine, now, wish, onChange } = this.#parts;
    const before = this.#restraint;
    const { restraint, memory } = restraintFor(machine.state, this.#memory, now(), wish);
    this.#memory = memory;
    this.#restraint = restraint;
    // While memory is short each look gives some more back.
    this.#tell(restraint?.memoryShort === true);
    if (before?.reason !== restraint?.reason || before?.duty !== restraint?.duty) onChange();
  }

  #engineChanged(): void {
    const { engine, machine } = this.#parts;
    const busy = engine.condition.queue.running + engine.condition.queue.waiting > 0;
    if (busy !== this.#busy) machine.every(this, busy ? BUSY_MS : undefined);
    this.#busy = busy;
    // A new process knows of nothing.
    if (engine.state === 'starting' || engine.state === 'crashed') this.#told = NO_LIMITS;
    else this.#tell(false);
  }

  #tell(again: boolean): void {
    const { engine, onProblem } = this.#parts;
    const { duty, memoryShort } = this.#restraint ?? NO_LIMITS;
    if (duty === this.#told.duty && memoryShort === this.#told.memoryShort && !again) return;
    // It is told when it runs.
    if (engine.state === 'starting' || engine.state === 'crashed') return;
    this.#told = { duty, memoryShort };
    engine.call('restrain', this.#told, AbortSignal.any([])).catch(onProblem);
  }
}
