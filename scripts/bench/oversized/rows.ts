// The requirements of the oversized suite, computed from what was measured.
import type { ModelInfo } from '#protocol/model.ts';
import { judged, median, nothing, type BenchRow, type Reached } from '../report.ts';
import type { Routing } from './routing.ts';
import type { Run } from './runs.ts';
import { PROMPT, type Scenario } from './scenarios.ts';
import { denseLight, mixtureLight, type Machine } from './speedOfLight.ts';

/** What is known of a scenario after its rounds. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  /** How the disk was held, for notes: `500 MB/s` or why not. */
  readonly disk: string;
  readonly machine: Machine;
  readonly ours: readonly Run[];
  readonly peer: readonly Run[];
  /** Why a side has no (more) runs. */
  readonly failed: { readonly ours?: string; readonly peer?: string };
  readonly routing?: Routing;
  /** Tokens a second that `zell build` has said; or why it has not. */
  readonly predicted?: number | string;
}

type Add = (id: string, what: string, reached: Reached, must: number | null, aim: number | null) => void;

export function oversizedRows(outcomes: readonly Outcome[], inMemory: Reached, isa: string): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const outcome of outcomes) {
    const { id } = outcome.scenario;
    const unitOf = (row: string): { unit?: 'share' } =>
      /^(light|prefill-light|gap|runs|disk|predicted)/.test(row) ? { unit: 'share' } : {};
    const add: Add = (row, what, reached, must, aim) =>
      void rows.push(
        judged(`${row}/${id}`, `${what}, ${id}`, reached, must, aim, {
          isa,
          ...unitOf(row),
          ...(row === 'predicted' ? { atMost: true } : {}),
        }),
      );
    if (isThird(outcome)) add('runs', 'a third of the file in memory: runs', runs(outcome), 1, null);
    (outcome.scenario.kind === 'mixture' ? mixtureRows : denseRows)(outcome, add);
    if (outcome.predicted !== undefined)
      add('predicted', 'speed that zell build says, off by', prediction(outcome), 0.3, 0.15);
  }
  rows.push(
    judged('in-memory', 'everything in memory, ours vs llama.cpp without repacking', inMemory, 1, null, { isa }),
  );
  return rows;
}

function mixtureRows(outcome: Outcome, add: Add): void {
  // Of the limits only those near half of the file have a requirement.
  const half = Math.abs(outcome.memoryBytes / outcome.fileBytes - 0.47) < 0.05;
  const against = (get: (run: Run) => number): Reached => versus(outcome, get);
  add(
    'decode',
    'mixture: decode vs llama.cpp',
    against((run) => run.decode),
    half ? 3 : null,
    half ? 5 : null,
  );
  add('light', 'mixture: decode, share of the speed of light', light(outcome), 0.75, 0.92);
  add(
    'prefill',
    'mixture: prefill 256 vs llama.cpp',
    against((run) => run.prefill),
    3,
    8,
  );
  add('prefill-light', 'mixture: prefill 256, share of what the disk allows', prefillLight(outcome), null, null);
  add('gap', 'share closed of the gap between LRU’s and Belady’s hits', gap(outcome), 0.15, 0.35);
  add(
    'first',
    'mixture: load to first token vs llama.cpp',
    against((run) => 1 / run.firstMs),
    null,
    null,
  );
}

function denseRows(outcome: Outcome, add: Add): void {
  add(
    'decode',
    'dense: decode vs llama.cpp',
    versus(outcome, (run) => run.decode),
    null,
    null,
  );
  add('disk', 'dense: decode without drafts, share of what the disk allows', denseShare(outcome), 0.9, 0.97);
  if (outcome.scenario.ours.edits === undefined) return;
  add(
    'edits',
    'dense: decode with drafts, code to edit, vs llama.cpp',
    versus(outcome, (run) => run.greedy ?? Number.NaN),
    3,
    6,
  );
  const drafts = perVerification(outcome);
  if (drafts.value !== null) add('drafts', 'code to edit: tokens for each verification', drafts, null, null);
}

function isThird({ memoryBytes, fileBytes }: Outcome): boolean {
  return memoryBytes <= fileBytes * 0.34;
}

function runs({ ours, failed, disk }: Outcome): Reached {
  const first = ours[0];
  if (failed.ours !== undefined) return { value: 0, note: failed.ours };
  return first === undefined
    ? nothing('not measured')
    : { value: 1, note: `${first.decode.toFixed(2)} tokens/s, ${disk}` };
}

/** Median of each round's own ratio. */
function versus({ ours, peer, failed, disk }: Outcome, get: (run: Run) => number): Reached {
  const pairs = Math.min(ours.length, peer.length);
  if (pairs === 0) return nothing(failed.ours ?? failed.peer ?? 'no peer');
  const ratios = Array.from({ length: pairs }, (_, i) => get(ours[i] as Run) / get(peer[i] as Run));
  const value = median(ratios);
  return Number.isFinite(value) ? { value, note: disk } : nothing('not measured');
}

/** Hits and misses of ours over all rounds. */
export function hitRate({ ours }: Pick<Outcome, 'ours'>): number | null {
  let [hits, misses] = [0, 0];
  for (const { counters } of ours) {
    const { before, after } = counters?.decode ?? {};
    hits += (after?.experts?.hits ?? 0) - (before?.experts?.hits ?? 0);
    misses += (after?.experts?.misses ?? 0) - (before?.experts?.misses ?? 0);
  }
  return hits + misses === 0 ? null : hits / (hits + misses);
}

function light(outcome: Outcome): Reached {
  const { ours, routing, machine, failed } = outcome;
  const rate = hitRate(outcome);
  const info = ours[0]?.info;
  if (rate === null || routing === undefined || info === undefined)
    return nothing(failed.ours ?? 'nothing is streamed');
  const experts = routing.banks * routing.used;
  const limit = mixtureLight(
    {
      experts,
      expertBytes: routing.expertBytes,
      hitRate: rate,
      residentBytes: info.tokenWork.bytes - experts * routing.expertBytes,
      weights: info.tokenWork.weights,
    },
    machine,
  );
  const speed = median(ours.map((run) => run.decode));
  const note = `${speed.toFixed(2)} of ${limit.toFixed(2)} tokens/s at ${percent(rate)} hits, disk ${(machine.disk / 1e6).toFixed(0)} MB/s`;
  return { value: speed / limit, note };
}

/** A prompt of 256 goes to nearly every expert: what has no place in memory is read once. */
function prefillLight({ ours, routing, machine, failed }: Outcome): Reached {
  const slots = routing?.caches[0]?.slots;
  if (routing === undefined || slots === undefined || ours.length === 0)
    return nothing(failed.ours ?? 'nothing is streamed');
  const bytes = Math.max(0, routing.banks * routing.experts - slots) * routing.expertBytes;
  const limit = (PROMPT * machine.disk) / bytes;
  const speed = median(ours.map((run) => run.prefill));
  const note = `${speed.toFixed(0)} of ${limit.toFixed(0)} tokens/s, ${(bytes / 1e6).toFixed(0)} MB of experts, disk ${(machine.disk / 1e6).toFixed(0)} MB/s`;
  return Number.isFinite(limit) ? { value: speed / limit, note } : nothing('every expert has a place');
}

function gap(outcome: Outcome): Reached {
  const rate = hitRate(outcome);
  const cache = outcome.routing?.caches[0];
  if (rate === null || outcome.routing === undefined || cache === undefined)
    return nothing(outcome.failed.ours ?? 'nothing is streamed');
  const { lru, belady, policy } = cache;
  const { again, favourites, guessed } = outcome.routing;
  return {
    value: (rate - lru) / (belady - lru),
    note:
      `LRU ${percent(lru)}, ours ${percent(rate)} (policy alone ${percent(policy)}), Belady ${percent(belady)}; ${cache.slots} of ` +
      `${outcome.routing.banks * outcome.routing.experts} experts; again ${percent(again)}, favourites ${percent(favourites)}, named a layer before ${percent(guessed)}`,
  };
}

function denseShare({ ours, machine, failed }: Outcome): Reached {
  const info = ours[0]?.info;
  if (info === undefined) return nothing(failed.ours ?? 'not measured');
  const streamed = streamedBytes(info);
  if (streamed === undefined) return nothing('nothing is streamed');
  const limit = denseLight(info.tokenWork.bytes, info.tokenWork.bytes - streamed, machine);
  const speed = median(ours.map((run) => run.decode));
  return {
    value: speed / limit,
    note: `${speed.toFixed(2)} of ${limit.toFixed(2)} tokens/s, ${(streamed / 1e6).toFixed(0)} MB a token, disk ${(machine.disk / 1e6).toFixed(0)} MB/s`,
  };
}

/** What each step of a dense model reads from the disk. */
function streamedBytes({ fit: { streaming } }: ModelInfo): number | undefined {
  const bytes: unknown =
    streaming === undefined || !('streamedBytes' in streaming) ? undefined : streaming.streamedBytes;
  return typeof bytes === 'number' ? bytes : undefined;
}

/** From the drafts that were right: each saved a pass over the weights. */
function perVerification({ ours }: Outcome): Reached {
  let [tokens, right] = [0, 0];
  for (const { counters } of ours) {
    const { before, after } = counters?.edits ?? {};
    tokens += (after?.completionTokens ?? 0) - (before?.completionTokens ?? 0);
    right += (after?.draftAccepted ?? 0) - (before?.draftAccepted ?? 0);
  }
  return right === 0 || tokens <= right
    ? nothing('no drafts')
    : { value: tokens / (tokens - right), note: `${right} drafted tokens right` };
}

function prediction({ predicted, ours, failed }: Outcome): Reached {
  if (typeof predicted !== 'number') return nothing(predicted ?? 'not measured');
  if (ours.length === 0) return nothing(failed.ours ?? 'not measured');
  const speed = median(ours.map((run) => run.decode));
  return { value: Math.abs(predicted / speed - 1), note: `${predicted.toFixed(2)} said, ${speed.toFixed(2)} measured` };
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
