/** `/metrics` under llama.cpp's names. Numbers only: no text of any request. */
import type { FastifyInstance } from 'fastify';
import { Counter, Gauge, Registry } from 'prom-client';
import type { EngineStats } from '#protocol/engine.ts';
import type { ApiContext } from './call.ts';

type Row = readonly [kind: 'counter' | 'gauge', name: string, help: string, value: (s: EngineStats) => number];

const perSecond = (tokens: number, ms: number): number => (ms > 0 ? (tokens * 1000) / ms : 0);

const ROWS: readonly Row[] = [
  ['counter', 'prompt_tokens_total', 'Prompt tokens processed.', (s) => s.promptTokens],
  ['counter', 'prompt_seconds_total', 'Time spent on prompts.', (s) => s.promptMs / 1000],
  ['counter', 'tokens_predicted_total', 'Tokens generated.', (s) => s.completionTokens],
  ['counter', 'tokens_predicted_seconds_total', 'Time spent on generating.', (s) => s.decodeMs / 1000],
  ['counter', 'n_decode_total', 'Engine steps.', (s) => s.steps],
  ['gauge', 'prompt_tokens_seconds', 'Average prompt tokens per second.', (s) => perSecond(s.promptTokens, s.promptMs)],
  [
    'gauge',
    'predicted_tokens_seconds',
    'Average generated tokens per second.',
    (s) => perSecond(s.completionTokens, s.decodeMs),
  ],
  ['gauge', 'requests_processing', 'Requests that run.', (s) => s.queue.running],
  ['gauge', 'requests_deferred', 'Requests that wait.', (s) => s.queue.waiting],
  [
    'gauge',
    'n_busy_slots_per_decode',
    'Average sequences per engine step.',
    (s) => (s.steps > 0 ? s.stepSequences / s.steps : 0),
  ],
  [
    'gauge',
    'kv_cache_usage_ratio',
    'Used share of the KV blocks.',
    (s) => (s.kvBlocksTotal > 0 ? s.kvBlocksUsed / s.kvBlocksTotal : 0),
  ],
  ['counter', 'draft_tokens_total', 'Drafted tokens that were checked.', (s) => s.draftTokens],
  ['counter', 'draft_tokens_accepted_total', 'Drafted tokens that were right.', (s) => s.draftAccepted],
  ['counter', 'expert_hits_total', 'Experts found in memory.', (s) => s.experts?.hits ?? 0],
  ['gauge', 'expert_room', 'Experts that may be in memory now.', (s) => s.experts?.room ?? 0],
  ['counter', 'expert_misses_total', 'Experts read from the disk.', (s) => s.experts?.misses ?? 0],
];

export function metricsRoute(app: FastifyInstance, context: ApiContext): void {
  const registry = new Registry();
  for (const [kind, name, help, value] of ROWS) {
    const options = { name: `llamacpp:${name}`, help, registers: [registry] };
    if (kind === 'gauge') {
      new Gauge({
        ...options,
        collect() {
          this.set(finite(value(context.engine.stats())));
        },
      });
    } else {
      // The engine counts; a restarted engine begins at zero, which readers of counters expect.
      new Counter({
        ...options,
        collect() {
          this.reset();
          this.inc(finite(value(context.engine.stats())));
        },
      });
    }
  }
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
}

function finite(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0;
}
