/** When events leave for the front: news at once, further tokens of running answers together, because each frame wakes two processes. */
import type { GenerateDelta, GenerateEvent } from '#protocol/generation.ts';

/**
 * So long after a frame the next one leaves at the latest, if there is something for it: no token waits longer. A process that wakes
 * after a step of the engine finds the caches empty: waking costs several times what its events do, so fewer wakings are what saves
 * time. What remains of the gap that a reader may see (`MOST_GAP_MS`) is for the way to him.
 */
export const MOST_HELD_MS = 47;

export interface DeliveredEvent {
  readonly id: number;
  readonly event: GenerateEvent;
}

export interface DeliveryOptions {
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Sends one frame; never without events. `ended`: a request's end is among them. */
  readonly send: (events: readonly DeliveredEvent[], ended: boolean) => void;
}

type Logprobs = NonNullable<GenerateDelta['logprobs']>[number];

/** Tokens of one request that leave together. */
interface Gathered {
  readonly type: 'delta';
  text: string;
  readonly tokens: number[];
  readonly logprobs?: Logprobs[];
}

/**
 * Keeps each request's events in order until they leave. Its acceptance, its first text and its end leave at once and take along
 * what is held for others. A timer is armed only while something is held; nothing is when steps take longer than `MOST_HELD_MS`.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  #events: DeliveredEvent[] = [];
  /** What each request's next token is added to; only of requests that do not want each token apart. */
  readonly #gathered = new Map<number, Gathered>();
  /** Requests whose first text has left or is about to. */
  readonly #streaming = new Set<number>();
  #urgent = false;
  #ended = false;
  #sentAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** `apart`: deltas of this request are never joined, only delivered together. */
  add(id: number, event: GenerateEvent, apart: boolean): void {
    if (event.type === 'delta') {
      this.#delta(id, event, apart);
      // A token that shows no text yet is no news.
      if (event.text === '' || this.#streaming.has(id)) return;
      this.#streaming.add(id);
    } else {
      this.#events.push({ id, event });
      if (event.type !== 'accepted') {
        this.#gathered.delete(id);
        this.#streaming.delete(id);
        this.#ended = true;
      }
    }
    this.#urgent = true;
  }

  /** Something may have been added: sends it, or holds it if more is expected in time: in about `nextMs`. */
  offer(nextMs = Infinity): void {
    if (this.#events.length === 0) return;
    const now = this.#options.now();
    // From the last frame on, so that steps of nearly this length are not delivered in pairs.
    const due = this.#sentAt + MOST_HELD_MS;
    if (this.#urgent || now + nextMs > due) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), due - now);
  }

  #delta(id: number, event: GenerateEvent & { type: 'delta' }, apart: boolean): void {
    const before = apart ? undefined : this.#gathered.get(id);
    if (before === undefined) {
      const { text, tokens, logprobs } = event;
      const gathered: Gathered = {
        type: 'delta',
        text,
        tokens: [...tokens],
        ...(logprobs === undefined ? {} : { logprobs: [...logprobs] }),
      };
      this.#events.push({ id, event: gathered });
      if (!apart) this.#gathered.set(id, gathered);
      return;
    }
    before.text += event.text;
    before.tokens.push(...event.tokens);
    if (event.logprobs !== undefined) before.logprobs?.push(...event.logprobs);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sentAt = this.#options.now();
    const events = this.#events;
    const ended = this.#ended;
    this.#events = [];
    this.#gathered.clear();
    this.#urgent = false;
    this.#ended = false;
    this.#options.send(events, ended);
  }
}
