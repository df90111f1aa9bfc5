/** Which experts a model's tokens go to, over many sessions: older ones count less. */
import type { ExpertUse } from '#protocol/survey.ts';

/** What is kept of what was known when a session is added to it. */
const KEPT = 0.7;

/** `known`, with what came between two looks at the engine's counters. Layers of another shape begin anew. */
export function usesSince(
  known: readonly ExpertUse[] | undefined,
  before: readonly ExpertUse[],
  after: readonly ExpertUse[],
): readonly ExpertUse[] {
  const isNew = (layer: number): boolean => before[layer]?.experts.length !== after[layer]?.experts.length;
  const wasKnown =
    known?.length === after.length && known.every((use, layer) => use.experts.length === after[layer]?.experts.length);
  return after.map(({ tokens, experts }, layer) => {
    const old = isNew(layer) ? undefined : before[layer];
    const past = wasKnown ? known[layer] : undefined;
    // A counter that went back belongs to another load.
    const isReset = (old?.tokens ?? 0) > tokens;
    const since = (count: number, from: number | undefined): number => Math.max(0, count - (isReset ? 0 : (from ?? 0)));
    return {
      tokens: KEPT * (past?.tokens ?? 0) + since(tokens, old?.tokens),
      experts: experts.map((count, expert) => KEPT * (past?.experts[expert] ?? 0) + since(count, old?.experts[expert])),
    };
  });
}

/** Share of tokens that used each expert, layer by layer, as a load wants it; undefined when nothing was seen. */
export function usualShares(uses: readonly ExpertUse[] | undefined): number[] | undefined {
  if (uses === undefined || uses.every(({ tokens }) => tokens <= 0)) return undefined;
  return uses.flatMap(({ tokens, experts }) => experts.map((count) => (tokens > 0 ? Math.min(1, count / tokens) : 0)));
}
