/** What `zell dashboard` shows of one moment, as lines of text: pure, so that every size of terminal can be tested. */
import type { EngineStats } from '#protocol/engine.ts';
import type { HostStatus } from '#protocol/editor.ts';
import { formatBytes } from '../terminal.ts';

/** One look at the engine. */
export interface Sample {
  /** Milliseconds, of a clock that only goes forward. */
  readonly at: number;
  /** Undefined: no engine runs. */
  readonly engine?: { readonly base: string; readonly status: HostStatus; readonly stats: EngineStats };
  readonly machine: { readonly totalBytes: number; readonly availableBytes: number };
}

/** Rates between two looks, in tokens a second. */
export interface Rates {
  readonly answers: number;
  readonly prompts: number;
  /** Answers that went on together in a step; undefined when no step was made. */
  readonly together?: number;
}

const BARS = '▁▂▃▄▅▆▇█';
const LABEL = 10;

/** Undefined when there is nothing to compare, or another engine answers than before. */
export function ratesBetween(before: Sample | undefined, now: Sample): Rates | undefined {
  const [a, b] = [before?.engine?.stats, now.engine?.stats];
  if (before === undefined || a === undefined || b === undefined) return undefined;
  if (before.engine?.status.pid !== now.engine?.status.pid || b.steps < a.steps) return undefined;
  const seconds = (now.at - before.at) / 1000;
  if (seconds <= 0) return undefined;
  const steps = b.steps - a.steps;
  return {
    answers: Math.max(0, b.completionTokens - a.completionTokens) / seconds,
    prompts: Math.max(0, b.promptTokens - a.promptTokens) / seconds,
    ...(steps > 0 ? { together: (b.stepSequences - a.stepSequences) / steps } : {}),
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
  lines.push('', ...machineLines(sample, columns), '', 'q quits');
  return lines.slice(0, Math.max(1, rows)).map((line) => cut(line, columns));
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
  const { experts } = stats;
  if (experts !== undefined) {
    const found = experts.hits / Math.max(1, experts.hits + experts.misses);
    lines.push(
      row(
        'Experts',
        `${bar(found, columns)}  ${percent(found)} found in memory, ${formatBytes(experts.bytesRead)} read`,
      ),
    );
    if (experts.shrunk !== undefined)
      lines.push(row('', `room for ${experts.room} instead of ${experts.plannedRoom}: ${experts.shrunk}`));
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

function machineLines({ machine, engine }: Sample, columns: number): string[] {
  const { totalBytes, availableBytes } = machine;
  const used = totalBytes > 0 ? 1 - availableBytes / totalBytes : 0;
  const own = engine?.stats.residentBytes;
  const ofEngine = own === undefined ? '' : `, engine ${formatBytes(own)}`;
  return [
    row(
      'Memory',
      `${bar(used, columns)}  ${formatBytes(availableBytes)} of ${formatBytes(totalBytes)} free${ofEngine}`,
    ),
  ];
}

function progressOf({ progress }: HostStatus): string {
  return progress === undefined ? '' : ` ${percent(progress)}`;
}

function together(rates: Rates | undefined): string {
  return rates?.together === undefined ? '' : `, ${rates.together.toFixed(1)} a step`;
}

function row(label: string, value: string): string {
  return `${label.padEnd(LABEL)}${value}`;
}

function rate(value: number | undefined): string {
  return `${value === undefined ? '–' : whole(value)} tokens/s`.padStart(16);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** The newest values that fit, each as a bar beside the largest of them. */
function spark(values: readonly number[], width: number): string {
  const shown = width > 0 ? values.slice(-width) : [];
  const most = Math.max(...shown, 1);
  return shown.map((value) => BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))]).join('');
}

function bar(share: number, columns: number): string {
  const width = Math.max(4, Math.min(24, columns - 50));
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** Names and sentences of others go to a terminal without its control characters. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

function cut(line: string, columns: number): string {
  const characters = Array.from(line);
  return characters.length <= columns ? line : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}
