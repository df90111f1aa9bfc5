/** What the scheduler has done since the model was loaded. */
import type { EngineStats, QueueStatus } from '#protocol/engine.ts';
import type { NativeModel } from '../native/binding.ts';
import type { PlannedItem } from './planStep.ts';

export class Counters {
  #promptTokens = 0;
  #promptMs = 0;
  #completionTokens = 0;
  #decodeMs = 0;
  #steps = 0;
  #stepSequences = 0;
  #draftTokens = 0;
  #draftAccepted = 0;
  #lastTokensPerSecond = 0;
  #serviceMs = 0;
  #kv: ReturnType<NativeModel['kvUsage']> = { used: 0, total: 0, blockTokens: 1, blockBytes: 0 };

  /** A step of `ms`; its time is split between prefill and decode by their tokens. */
  step(plan: readonly PlannedItem[], ms: number): void {
    let prefill = 0;
    let decode = 0;
    for (const { entry, count } of plan) {
      if (entry.evaluated + count > entry.task.promptTokens) decode += count;
      else prefill += count;
    }
    this.#steps++;
    this.#stepSequences += plan.length;
    this.#promptTokens += prefill;
    this.#promptMs += (ms * prefill) / (prefill + decode);
    this.#decodeMs += (ms * decode) / (prefill + decode);
  }

  sampled(): void {
    this.#completionTokens++;
  }

  /** Of `tokens` that were drafted and checked so many were right. */
  drafted(tokens: number, accepted: number): void {
    this.#draftTokens += tokens;
    this.#draftAccepted += accepted;
  }

  /** The first of its tokens came with the prompt, so `ms` lie between `tokens` - 1 steps. */
  finished(tokens: number, ms: number): void {
    if (tokens > 1 && ms > 0) this.#lastTokensPerSecond = ((tokens - 1) * 1000) / ms;
  }

  /** A request had its slot for `ms`. */
  served(ms: number): void {
    this.#serviceMs = this.#serviceMs === 0 ? ms : 0.8 * this.#serviceMs + 0.2 * ms;
  }

  /** When one of `slots` busy slots will probably be free: 1 to 60 seconds. */
  secondsUntilFree(slots: number): number {
    return Math.min(60, Math.max(1, Math.ceil(this.#serviceMs / slots / 1000)));
  }

  kv(usage: ReturnType<NativeModel['kvUsage']>): void {
    this.#kv = usage;
  }

  stats(queue: QueueStatus): EngineStats {
    return {
      queue,
      promptTokens: this.#promptTokens,
      promptMs: this.#promptMs,
      completionTokens: this.#completionTokens,
      decodeMs: this.#decodeMs,
      steps: this.#steps,
      stepSequences: this.#stepSequences,
      kvBlocksUsed: this.#kv.used,
      kvBlocksTotal: this.#kv.total,
      draftTokens: this.#draftTokens,
      draftAccepted: this.#draftAccepted,
      lastTokensPerSecond: this.#lastTokensPerSecond,
    };
  }
}
