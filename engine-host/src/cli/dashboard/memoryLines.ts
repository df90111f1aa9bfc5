/** What a dashboard shows of memory and disk: the plan of the load, what is used of it, what steps read. Pure. */
import type { EngineStats } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { formatBytes } from '../terminal.ts';
import { bar, percent, plain, row, whole } from './text.ts';

export interface MachineMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** The load's plan, part by part; nothing where none was made. */
export function planLines(fit: ModelInfo['fit'] | undefined, kvType: string | undefined): string[] {
  const { plan, streaming, neededBytes = 0 } = fit ?? {};
  if (plan === undefined) return [];
  const weights = streaming?.residentBytes ?? Math.max(0, neededBytes - plan.scratchBytes - plan.marginBytes);
  const parts = [
    `${formatBytes(weights)} weights`,
    ...(streaming === undefined ? [] : [`${formatBytes(streaming.cacheBytes)} for the rest`]),
    `${formatBytes(plan.kvBytes)} keys and values${kvType === undefined ? '' : ` (${kvType})`} at most`,
    `${formatBytes(plan.scratchBytes)} steps`,
  ];
  return [row('Plan', `${parts.join(' + ')}; ${formatBytes(plan.marginBytes)} left to others`)];
}

/** Beside the plan. `kvShare`: of the keys' and values' memory. */
export function memoryLines(
  machine: MachineMemory,
  stats: EngineStats | undefined,
  fit: ModelInfo['fit'] | undefined,
  columns: number,
): string[] {
  const { totalBytes, availableBytes } = machine;
  const used = totalBytes > 0 ? 1 - availableBytes / totalBytes : 0;
  const parts = [`${formatBytes(availableBytes)} of ${formatBytes(totalBytes)} free`];
  if (stats?.residentBytes !== undefined) parts.push(`engine ${formatBytes(stats.residentBytes)}`);
  const kvBytes = fit?.plan?.kvBytes;
  if (kvBytes !== undefined && stats !== undefined && stats.kvBlocksTotal > 0)
    parts.push(`keys and values ${formatBytes((kvBytes * stats.kvBlocksUsed) / stats.kvBlocksTotal)}`);
  return [row('Memory', `${bar(used, columns)}  ${parts.join(', ')}`)];
}

/** Of a model that is not in memory as a whole. `diskRate`: bytes a second. */
export function diskLines(stats: EngineStats, diskRate: number | undefined, columns: number): string[] {
  const { experts, layers } = stats;
  const lines: string[] = [];
  if (experts !== undefined) {
    const found = experts.hits / Math.max(1, experts.hits + experts.misses);
    const room = `room for ${whole(experts.room)}`;
    lines.push(row('Experts', `${bar(found, columns)}  ${percent(found)} found in memory, ${room}`));
    if (experts.shrunk !== undefined)
      lines.push(row('', `instead of ${whole(experts.plannedRoom)}: ${plain(experts.shrunk)}`));
  }
  if (layers !== undefined) {
    const kept = layers.kept / Math.max(1, layers.matrices);
    lines.push(
      row(
        'Layers',
        `${bar(kept, columns)}  ${whole(layers.kept)} of ${whole(layers.matrices)} matrices in memory, ${(layers.waitedMs / 1000).toFixed(1)} s waited`,
      ),
    );
    if (layers.shrunk !== undefined)
      lines.push(row('', `instead of ${whole(layers.plannedKept)}: ${plain(layers.shrunk)}`));
  }
  const read = bytesRead(stats);
  if (read === undefined) return lines;
  const speed = diskRate === undefined ? '–' : whole(diskRate / 1e6);
  lines.push(row('Disk', `${`${speed} MB/s`.padStart(16)}  ${formatBytes(read)} read`));
  return lines;
}

/** Undefined: nothing comes from the disk. */
export function bytesRead({ experts, layers }: EngineStats): number | undefined {
  return experts === undefined && layers === undefined
    ? undefined
    : (experts?.bytesRead ?? 0) + (layers?.bytesRead ?? 0);
}
