/** Memory that a model could take now; for "fits" marks in lists. The engine decides exactly at load time. */
import { readFile } from 'node:fs/promises';
import os from 'node:os';

/** Bytes; the tightest of the system's available memory and the cgroup limits that hold for this process. */
export async function availableMemory(): Promise<number> {
  if (process.platform !== 'linux') return os.freemem();
  const figures = await Promise.all([systemAvailable(), cgroupV2Available(), cgroupV1Available()]);
  return Math.min(...figures.filter((figure) => figure !== undefined), os.totalmem());
}

async function systemAvailable(): Promise<number | undefined> {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(await readText('/proc/meminfo'));
  return match?.[1] === undefined ? undefined : Number(match[1]) * 1024;
}

async function cgroupV2Available(): Promise<number | undefined> {
  const own = /^0::(.*)$/m.exec(await readText('/proc/self/cgroup'))?.[1];
  let tightest: number | undefined;
  for (let folder = own; folder !== undefined; folder = parent(folder)) {
    const base = `/sys/fs/cgroup${folder === '/' ? '' : folder}`;
    const left = await limitLeft(
      `${base}/memory.max`,
      `${base}/memory.current`,
      `${base}/memory.stat`,
      'inactive_file',
    );
    if (left !== undefined) tightest = Math.min(tightest ?? left, left);
  }
  return tightest;
}

async function cgroupV1Available(): Promise<number | undefined> {
  const own = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(await readText('/proc/self/cgroup'))?.[1] ?? '';
  for (const folder of [own, '']) {
    const base = `/sys/fs/cgroup/memory${folder === '/' ? '' : folder}`;
    const left = await limitLeft(
      `${base}/memory.limit_in_bytes`,
      `${base}/memory.usage_in_bytes`,
      `${base}/memory.stat`,
      'total_inactive_file',
    );
    if (left !== undefined) return left;
  }
  return undefined;
}

/** Limit minus use; page cache that can be dropped does not count as used. */
async function limitLeft(max: string, used: string, stat: string, cacheKey: string): Promise<number | undefined> {
  const limit = Number(await readText(max));
  if (!Number.isFinite(limit) || limit <= 0 || limit > 2 ** 60) return undefined;
  const cache = Number(new RegExp(`^${cacheKey} (\\d+)$`, 'm').exec(await readText(stat))?.[1] ?? 0);
  return Math.max(0, limit - (Number(await readText(used)) || 0) + cache);
}

function parent(folder: string): string | undefined {
  if (folder === '/' || folder === '') return undefined;
  return folder.slice(0, folder.lastIndexOf('/')) || '/';
}

async function readText(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    return '';
  }
}
