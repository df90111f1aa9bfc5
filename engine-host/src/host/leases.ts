/** Who needs the host right now, and when nobody has for long enough: the idle end. One timer, no polling. */

/** `keep` never ends by itself; `command` ends with its last lease until an editor has joined; `editor` waits a while first. */
export type Lifetime = 'editor' | 'command' | 'keep';
/** `sleep`: one is due or running; Zell may outlive the editor to learn. */
export type LeaseKind = 'editor' | 'cli' | 'request' | 'sleep';

/** After the last lease. */
export const IDLE_END_MS = 5 * 60_000;
/** A host that a command started ends when that command never shows up. */
export const ORPHAN_END_MS = 30_000;

export interface LeaseEvents {
  /** Nobody needs the host any more. Called once at most. */
  readonly onIdle: () => void;
  readonly onChange?: () => void;
}

export class Leases {
  #lifetime: Lifetime;
  readonly #events: LeaseEvents;
  readonly #held: Record<LeaseKind, number> = { editor: 0, cli: 0, request: 0, sleep: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Somebody stayed for a while; a passing request before the command that started the host does not end it. */
  #claimed = false;
  #over = false;

  constructor(lifetime: Lifetime, events: LeaseEvents) {
    this.#lifetime = lifetime;
    this.#events = events;
  }

  /** Starts the clock; call when the host is ready for its first client. */
  start(): void {
    if (this.total === 0) this.#armIdle();
  }

  get lifetime(): Lifetime {
    return this.#lifetime;
  }

  count(kind: LeaseKind): number {
    return this.#held[kind];
  }

  get total(): number {
    return this.#held.editor + this.#held.cli + this.#held.request + this.#held.sleep;
  }

  /** @returns the release; calling it twice does no harm */
  acquire(kind: LeaseKind): () => void {
    this.#held[kind] += 1;
    this.#disarm();
    if (kind !== 'request') this.#claimed = true;
    // An editor wants the engine again soon, whoever started it.
    if (kind === 'editor' && this.#lifetime === 'command') this.#lifetime = 'editor';
    if (kind !== 'request') this.#events.onChange?.();
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#held[kind] -= 1;
      if (this.total === 0) this.#armIdle();
      if (kind !== 'request') this.#events.onChange?.();
    };
  }

  /** From now on the host stays until it is stopped. */
  keep(): void {
    this.#lifetime = 'keep';
    this.#disarm();
  }

  stop(): void {
    this.#over = true;
    this.#disarm();
  }

  #armIdle(): void {
    if (this.#lifetime !== 'command') this.#arm(IDLE_END_MS);
    else this.#arm(this.#claimed ? 0 : ORPHAN_END_MS);
  }

  #arm(delayMs: number): void {
    this.#disarm();
    if (this.#over || this.#lifetime === 'keep') return;
    this.#timer = setTimeout(() => {
      this.#over = true;
      this.#events.onIdle();
    }, delayMs);
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
