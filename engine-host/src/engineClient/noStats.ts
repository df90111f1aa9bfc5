/** Figures of an engine that has done nothing yet. */
import type { EngineStats, QueueStatus } from '#protocol/engine.ts';

export const NO_QUEUE: QueueStatus = { running: 0, waiting: 0, slots: 0, maxWaiting: 0 };

export const NO_STATS: EngineStats = {
  queue: NO_QUEUE,
  promptTokens: 0,
  promptMs: 0,
  completionTokens: 0,
  decodeMs: 0,
  steps: 0,
  stepSequences: 0,
  kvBlocksUsed: 0,
  kvBlocksTotal: 0,
  draftTokens: 0,
  draftAccepted: 0,
  lastTokensPerSecond: 0,
};
