/** Runs generations for a route and hands over their events one by one, with signs of life in between. */
import type { FastifyReply } from 'fastify';
import type { GenerateDelta, GenerateEvent, GenerateRequest, GenerateResult } from '#protocol/generation.ts';
import { ZellError, type WireError } from '#protocol/errors.ts';
import type { ApiEngine } from './deps.ts';
import type { Written } from './responseStream.ts';

/** How long a stream's head waits for the first event, so that an early failure still gets a real status. */
const FIRST_EVENT_MS = 1000;
/** Clients give up on streams that are silent for long; some count only real content as life. */
export const HEARTBEAT_MS = 8000;

export interface Finished {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly logprobs: NonNullable<GenerateDelta['logprobs']>;
  readonly result: GenerateResult;
}

/** What a route does with the events of one generation. */
export interface Listener {
  delta(delta: GenerateDelta): Written;
  /** Nothing happened for a while (queue, prefill). */
  idle(): Written;
}

export class Generation {
  readonly #events: AsyncIterator<GenerateEvent>;
  readonly #signal: AbortSignal;
  readonly #heartbeatMs: number;
  readonly #param: string | undefined;
  #next: Promise<IteratorResult<GenerateEvent>> | undefined;
  #accepted: Extract<GenerateEvent, { type: 'accepted' }> | undefined;
  #text = '';
  readonly #tokens: number[] = [];
  readonly #logprobs: NonNullable<GenerateDelta['logprobs']>[number][] = [];

  /** `param`: where in the client's body the prompt stands; a prompt that is too long is refused with its name. */
  constructor(
    engine: Pick<ApiEngine, 'generate'>,
    request: GenerateRequest,
    signal: AbortSignal,
    heartbeatMs = HEARTBEAT_MS,
    param?: string,
  ) {
    this.#param = param;
    this.#events = engine.generate(request, signal)[Symbol.asyncIterator]();
    this.#signal = signal;
    this.#heartbeatMs = heartbeatMs;
  }

  /** What came so far, for a client that went away. */
  get partial(): { readonly text: string; readonly tokens: number } {
    return { text: this.#text, tokens: this.#tokens.length };
  }

  /**
   * Waits shortly for the engine to take or refuse the request.
   * @returns undefined while it still waits in the queue
   * @throws {ZellError} why it was refused
   */
  async accepted(
    waitMs = Math.min(FIRST_EVENT_MS, this.#heartbeatMs),
  ): Promise<Extract<GenerateEvent, { type: 'accepted' }> | undefined> {
    if (this.#accepted !== undefined) return this.#accepted;
    const event = await this.#take(waitMs);
    if (event === 'idle') return undefined;
    if (event.type === 'accepted') return (this.#accepted = event);
    if (event.type === 'failed') throw this.#failure(event.error);
    // An engine that says nothing about acceptance is still read rightly.
    this.#next = Promise.resolve({ done: false, value: event });
    return undefined;
  }

  /** Reads to the end. @throws {ZellError} the engine's failure */
  async finish(listener?: Listener): Promise<Finished> {
    const heartbeat = listener === undefined ? undefined : new Heartbeat(listener, this.#heartbeatMs);
    try {
      // Runs for every token: no timer and no promise more than it needs.
      for (;;) {
        const event = this.#checked(await this.#pull());
        if (event.type === 'delta') {
          this.#text += event.text;
          this.#tokens.push(...event.tokens);
          if (event.logprobs !== undefined) this.#logprobs.push(...event.logprobs);
          if (listener === undefined || heartbeat === undefined) continue;
          heartbeat.pause();
          const written = listener.delta(event);
          if (written !== undefined) await written;
          heartbeat.resume();
        } else if (event.type === 'failed') throw this.#failure(event.error);
        else if (event.type === 'accepted') this.#accepted = event;
        else return { text: this.#text, tokens: this.#tokens, logprobs: this.#logprobs, result: event };
      }
    } catch (error) {
      throw this.#signal.aborted && !ZellError.is(error) ? gone() : error;
    } finally {
      heartbeat?.end();
    }
  }

  /** The next event, or `idle` when none came in time; then it comes with the next call. */
  async #take(waitMs: number): Promise<GenerateEvent | 'idle'> {
    const next = this.#pull();
    // A client that has gone needs no reason of the engine's.
    next.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const idle = new Promise<'idle'>((resolve) => {
      timer = setTimeout(() => resolve('idle'), waitMs);
    });
    const first = await Promise.race([next, idle])
      .catch((error: unknown) => {
        throw this.#signal.aborted ? gone() : error;
      })
      .finally(() => clearTimeout(timer));
    return first === 'idle' ? first : this.#checked(first);
  }

  #failure(error: WireError): ZellError {
    if (error.code !== 'context_overflow' || this.#param === undefined) return ZellError.fromWire(error);
    return ZellError.fromWire({ ...error, details: { ...error.details, param: this.#param } });
  }

  #pull(): Promise<IteratorResult<GenerateEvent>> {
    return (this.#next ??= this.#events.next());
  }

  #checked(result: IteratorResult<GenerateEvent>): GenerateEvent {
    this.#next = undefined;
    if (result.done === true)
      throw this.#signal.aborted ? gone() : new ZellError('internal', 'The engine ended a request without a result.');
    const event = result.value;
    // Nothing follows; the engine's side may clean up.
    if (event.type === 'done' || event.type === 'failed') void this.#events.return?.().catch(() => undefined);
    return event;
  }
}

/** Tells its listener whenever nothing happened for `ms`. One timer, however many events come: it looks at the clock when it fires. */
class Heartbeat {
  readonly #listener: Listener;
  readonly #ms: number;
  #timer: NodeJS.Timeout;
  /** When the wait for the next event began; undefined while one is being written. */
  #since: number | undefined = performance.now();

  constructor(listener: Listener, ms: number) {
    this.#listener = listener;
    this.#ms = ms;
    this.#timer = this.#in(ms);
  }

  pause(): void {
    this.#since = undefined;
  }

  resume(): void {
    this.#since = performance.now();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #in(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const now = performance.now();
      // A timer may fire a fraction of a millisecond early.
      if (this.#since !== undefined && now - this.#since >= this.#ms - 1) {
        this.#since = now;
        void this.#listener.idle();
      }
      this.#timer = this.#in(Math.max(1, (this.#since ?? now) + this.#ms - now));
    }, ms);
  }
}

/** Aborts when the client goes away before its answer is complete. (The request's own `close` comes as soon as its body is read.) */
export function clientController(reply: FastifyReply): AbortController {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(gone());
  });
  return controller;
}

function gone(): ZellError {
  return new ZellError('cancelled', 'The client went away.');
}
