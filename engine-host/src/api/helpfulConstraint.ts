/** A constraint that nobody asked for must not be the reason why there is no answer. */
import type { GenerateEvent, GenerateRequest } from '#protocol/generation.ts';
import type { ApiEngine } from './deps.ts';

/** Runs the request again without its constraint when the engine refuses that one. */
export function withoutConstraintIfRefused(engine: Pick<ApiEngine, 'generate'>): Pick<ApiEngine, 'generate'> {
  return {
    async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent> {
      let first = true;
      for await (const event of engine.generate(request, signal)) {
        if (first && event.type === 'failed' && REFUSALS.has(event.error.code)) {
          const { constraint: _, ...free } = request;
          yield* engine.generate(free, signal);
          return;
        }
        first = false;
        yield event;
      }
    },
  };
}

const REFUSALS: ReadonlySet<string> = new Set(['unsupported', 'invalid_request']);
