/** Memory that a program could take now. The engine decides exactly when it loads a model. */
import os from 'node:os';
import { REAL_FILES, type MachineFiles } from './machineFiles.ts';

export interface MemoryRoom {
  readonly availableBytes: number;
  /** What there is under the same limits. */
  readonly totalBytes: number;
}

/** Bytes; the tightest of the system's available memory and the cgroup limits that hold for this process. */
export async function availableMemory(): Promise<number> {
  if (process.platform !== 'linux') return os.freemem();
  return Math.min((await linuxMemory(REAL_FILES))?.availableBytes ?? Infinity, os.totalmem());
}

/** Of Linux; undefined without `/proc`. */
export async function linuxMemory(files: MachineFiles): Promise<MemoryRoom | undefined> {
  const rooms = await Promise.all([systemRoom(files), cgroupV2Room(files), cgroupV1Room(files)]);
  const known = rooms.filter((room) => room !== undefined);
  if (known.length === 0) return undefined;
  return {
    availableBytes: Math.min(...known.map(({ availableBytes }) => availableBytes)),
    totalBytes: Math.min(...known.map(({ totalBytes }) => totalBytes)),
  };
}

async function systemRoom(files: MachineFiles): Promise<MemoryRoom | undefined> {
  const text = (await files.text('/proc/meminfo')) ?? '';
  const kilobytes = (key: string): number | undefined => {
    const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const available = kilobytes('MemAvailable');
  if (available === undefined) return undefined;
  return { availableBytes: available * 1024, totalBytes: (kilobytes('MemTotal') ?? available) * 1024 };
}

async function cgroupV2Room(files: MachineFiles): Promise<MemoryRoom | undefined> {
  const own = /^0::(.*)$/m.exec((await files.text('/proc/self/cgroup')) ?? '')?.[1];
  let tightest: MemoryRoom | undefined;
  for (let folder = own; folder !== undefined; folder = parent(folder)) {
    const base = `/sys/fs/cgroup${folder === '/' ? '' : folder}`;
    const names = { max: `${base}/memory.max`, used: `${base}/memory.current`, stat: `${base}/memory.stat` };
    const room = await limitedRoom(files, names, 'inactive_file');
    if (room !== undefined && room.availableBytes < (tightest?.availableBytes ?? Infinity)) tightest = room;
  }
  return tightest;
}

async function cgroupV1Room(files: MachineFiles): Promise<MemoryRoom | undefined> {
  const cgroups = (await files.text('/proc/self/cgroup')) ?? '';
  const own = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(cgroups)?.[1] ?? '';
  for (const folder of [own, '']) {
    const base = `/sys/fs/cgroup/memory${folder === '/' ? '' : folder}`;
    const names = {
      max: `${base}/memory.limit_in_bytes`,
      used: `${base}/memory.usage_in_bytes`,
      stat: `${base}/memory.stat`,
    };
    const room = await limitedRoom(files, names, 'total_inactive_file');
    if (room !== undefined) return room;
  }
  return undefined;
}

/** Limit minus use; page cache that can be dropped does not count as used. */
async function limitedRoom(
  files: MachineFiles,
  names: { readonly max: string; readonly used: string; readonly stat: string },
  cacheKey: string,
): Promise<MemoryRoom | undefined> {
  const limit = Number((await files.text(names.max)) ?? '');
  if (!Number.isFinite(limit) || limit <= 0 || limit > 2 ** 60) return undefined;
  const stat = (await files.text(names.stat)) ?? '';
  const cache = Number(new RegExp(`^${cacheKey} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  const used = Number((await files.text(names.used)) ?? '') || 0;
  return { availableBytes: Math.max(0, limit - used + cache), totalBytes: limit };
}

function parent(folder: string): string | undefined {
  if (folder === '/' || folder === '') return undefined;
  return folder.slice(0, folder.lastIndexOf('/')) || '/';
}
