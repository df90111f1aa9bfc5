/** Answers inline-completion requests: policy, cache, delay, engine, tidying; at most one request is in flight. */
import { ZellError } from '#protocol/errors.ts';
import { CompletionCache } from './completionCache.ts';
import { decide, type CursorContext, type CompletionShape, type SkipReason } from './completionPolicy.ts';
import type { Window } from './completionWindow.ts';
import { tidyGhostText } from './ghostText.ts';

export interface CompletionRequest {
  /** Identity of the document, e.g. its URI. */
  readonly document: string;
  readonly cursor: CursorContext;
  /** The text that the model continues; includes a selected item of the suggest widget. */
  readonly window: Window;
}

/** The part of the engine this service needs. Rejects with `ZellError('cancelled')` when the signal aborts. */
export interface CompletionEngine {
  complete(request: CompletionRequest, shape: CompletionShape, signal: AbortSignal): Promise<string>;
}

export interface CompletionTiming {
  /** Milliseconds to wait before the engine is asked. */
  delay(request: CompletionRequest): number;
  /** Resolves after `ms`; rejects with `ZellError('cancelled')` when the signal aborts first. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** Why the last request showed what it showed: answers "why is there no ghost text?". */
export type Fate = 'shown' | 'from_cache' | 'cancelled' | 'nothing_useful' | 'failed' | SkipReason;

export class CompletionService {
  #inFlight: AbortController | undefined;
  readonly #engine: CompletionEngine;
  readonly #timing: CompletionTiming;
  readonly #cache: CompletionCache;
  readonly #report: (fate: Fate) => void;

  constructor(
    engine: CompletionEngine,
    timing: CompletionTiming,
    report: (fate: Fate) => void,
    cache = new CompletionCache(),
  ) {
    this.#engine = engine;
    this.#timing = timing;
    this.#report = report;
    this.#cache = cache;
  }

  /**
   * The text to show, or undefined: nothing fits here, a newer request came, or the signal aborted.
   * @throws {ZellError} any engine failure but `cancelled`.
   */
  async complete(request: CompletionRequest, signal: AbortSignal): Promise<string | undefined> {
    this.#inFlight?.abort();
    const mine = (this.#inFlight = new AbortController());
    try {
      const { text, fate } = await this.#answer(request, AbortSignal.any([signal, mine.signal]));
      this.#report(fate);
      return text;
    } catch (error) {
      const cancelled = ZellError.is(error, 'cancelled');
      this.#report(cancelled ? 'cancelled' : 'failed');
      if (cancelled) return undefined;
      throw error;
    } finally {
      if (this.#inFlight === mine) this.#inFlight = undefined;
    }
  }

  /** Another model answers differently. */
  forget(): void {
    this.#cache.clear();
  }

  async #answer(request: CompletionRequest, signal: AbortSignal): Promise<{ text?: string; fate: Fate }> {
    const decision = decide(request.cursor);
    if (!decision.ask) return { fate: decision.reason };
    const key = { document: request.document, ...request.window };
    const known = this.#cache.find(key);
    if (known !== undefined) return { text: known, fate: 'from_cache' };
    if (request.cursor.automatic) await this.#timing.wait(this.#timing.delay(request), signal);
    const answer = await this.#engine.complete(request, decision.shape, signal);
    const text = tidyGhostText(answer, { shape: decision.shape, ...request.window });
    if (text === undefined) return { fate: 'nothing_useful' };
    this.#cache.add(key, text);
    return { text, fate: 'shown' };
  }
}
