/** What `zell dashboard` shows of one moment, as lines of text: pure, so that every size of terminal can be tested. */
import type { EngineStats } from '#protocol/engine.ts';
import type { ExpertUse } from '#protocol/survey.ts';
import type { HostStatus } from '#protocol/editor.ts';
import { expertMap, MAP_LEGEND } from './expertMap.ts';
import { bytesRead, diskLines, memoryLines, planLines, type MachineMemory } from './memoryLines.ts';
import { bar, cut, percent, plain, rate, row, spark, whole } from './text.ts';

/** One look at the engine. */
export interface Sample {
  /** Milliseconds, of a clock that only goes forward. */
  readonly at: number;
  /** Undefined: no engine runs. */
  readonly engine?: {
    readonly base: string;
    readonly status: HostStatus;
    readonly stats: EngineStats;
    /** Of a model whose experts come from the disk, layer by layer. */
    readonly experts?: readonly ExpertUse[];
  };
  readonly machine: MachineMemory;
}

/** Rates between two looks, in tokens a second. */
export interface Rates {
  readonly answers: number;
  readonly prompts: number;
  /** Answers that went on together in a step; undefined when no step was made. */
  readonly together?: number;
  /** Bytes a second; undefined where nothing comes from the disk. */
  readonly disk?: number;
}

/** Fewer rows would show nothing of a map. */
const LEAST_MAP_ROWS = 3;

/** Undefined when there is nothing to compare, or another engine answers than before. */
export function ratesBetween(before: Sample | undefined, now: Sample): Rates | undefined {
  const [a, b] = [before?.engine?.stats, now.engine?.stats];
  if (before === undefined || a === undefined || b === undefined) return undefined;
  if (before.engine?.status.pid !== now.engine?.status.pid || b.steps < a.steps) return undefined;
  const seconds = (now.at - before.at) / 1000;
  if (seconds <= 0) return undefined;
  const steps = b.steps - a.steps;
  const [readBefore, read] = [bytesRead(a), bytesRead(b)];
  return {
    answers: Math.max(0, b.completionTokens - a.completionTokens) / seconds,
    prompts: Math.max(0, b.promptTokens - a.promptTokens) / seconds,
    ...(steps > 0 ? { together: (b.stepSequences - a.stepSequences) / steps } : {}),
    ...(read === undefined ? {} : { disk: Math.max(0, read - (readBefore ?? 0)) / seconds }),
  };
}

/** At most `rows` lines of at most `columns` characters. `history`: the oldest first. */
export function dashboardFrame(
  sample: Sample,
  history: readonly Rates[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string[] {
  const lines =
    sample.engine === undefined
      ? ['No Zell engine is running. Waiting for one …']
      : engineLines(sample, history, columns);
  const { stats, status, experts = [] } = sample.engine ?? {};
  lines.push('', ...planLines(status?.model?.fit, status?.model?.kv?.type));
  lines.push(...memoryLines(sample.machine, stats, status?.model?.fit, columns));
  // A map takes what is left; who has little sees the figures.
  const map = expertMap(experts, columns, rows - lines.length - 5);
  if (map.length > 0 && map.length >= Math.min(LEAST_MAP_ROWS, experts.length)) lines.push('', ...map, MAP_LEGEND);
  lines.push('', 'q quits');
  const shown = lines.length > rows ? lines.filter((line) => line !== '') : lines;
  return shown.slice(0, Math.max(1, rows)).map((line) => cut(line, columns));
}

function engineLines(sample: Sample, history: readonly Rates[], columns: number): string[] {
  const { engine } = sample;
  if (engine === undefined) return [];
  const { base, status, stats } = engine;
  const now = history.at(-1);
  const model = status.model;
  const lines = [
    plain(`Zell ${status.version}  ${base}  ${status.state}${progressOf(status)}`),
    plain(
      model === undefined
        ? status.detail
        : `${model.name}  ${model.quantization}  context ${whole(model.contextLength)}`,
    ),
    '',
    row(
      'Answers',
      `${rate(now?.answers)}  ${spark(
        history.map(({ answers }) => answers),
        columns - 32,
      )}`,
    ),
    row(
      'Prompts',
      `${rate(now?.prompts)}  ${spark(
        history.map(({ prompts }) => prompts),
        columns - 32,
      )}`,
    ),
    row(
      'Queue',
      `${stats.queue.running} running, ${stats.queue.waiting} waiting, ${stats.queue.slots} slots${together(now)}`,
    ),
    '',
  ];
  if (status.restraint !== undefined) lines.splice(-1, 0, row('Held', plain(status.restraint.reason)));
  const share = stats.kvBlocksTotal > 0 ? stats.kvBlocksUsed / stats.kvBlocksTotal : 0;
  const kv = model?.kv;
  if (kv !== undefined)
    lines.push(
      row('KV cache', `${bar(share, columns)}  ${percent(share)} of ${whole(kv.mostTokens)} tokens, ${kv.type}`),
    );
  lines.push(...diskLines(stats, now?.disk, columns));
  if (stats.draftTokens > 0) {
    const right = percent(stats.draftAccepted / stats.draftTokens);
    lines.push(row('Drafts', `${whole(stats.draftTokens)} tokens checked, ${right} of them right`));
  }
  if (status.memory !== undefined) lines.push(...learningLines(status.memory));
  return lines;
}

function learningLines(memory: NonNullable<HostStatus['memory']>): string[] {
  const { sleep } = memory;
  const lines = [
    row(
      'Learning',
      memory.enabled ? `${memory.closedWaiting} of ${memory.sleepAfter} conversations until the next sleep` : 'off',
    ),
  ];
  if (sleep === undefined) return lines;
  const { step, steps, loss, tokensPerSecond, leftMs } = sleep.progress ?? {};
  const parts = [
    sleep.phase,
    step === undefined || steps === undefined ? undefined : `step ${step} of ${steps}`,
    loss === undefined ? undefined : `loss ${loss.toFixed(3)}`,
    tokensPerSecond === undefined ? undefined : `${whole(tokensPerSecond)} tokens/s`,
    leftMs === undefined ? undefined : `${Math.ceil(leftMs / 60_000)} min left`,
  ];
  lines.push(row('Sleep', parts.filter((part) => part !== undefined).join(', ')), row('', plain(sleep.reason)));
  return lines;
}

function progressOf({ progress }: HostStatus): string {
  return progress === undefined ? '' : ` ${percent(progress)}`;
}

function together(rates: Rates | undefined): string {
  return rates?.together === undefined ? '' : `, ${rates.together.toFixed(1)} a step`;
}
