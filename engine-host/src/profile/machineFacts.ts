/** What this machine is: compared with a profile's, to know whether it still holds. */
import os from 'node:os';
import { linuxMemory } from '../monitor/availableMemory.ts';
import type { MachineFiles } from '../monitor/machineFiles.ts';

export interface MachineFacts {
  readonly processor: string;
  /** Limits of control groups, and the user's own, count. */
  readonly totalBytes: number;
  readonly gpu?: string;
}

export async function machineFacts(files: MachineFiles, memoryLimit: number | undefined): Promise<MachineFacts> {
  const room = process.platform === 'linux' ? await linuxMemory(files) : undefined;
  const gpu = await findGpu(files, process.platform, process.arch);
  return {
    processor: os.cpus()[0]?.model.trim() ?? process.arch,
    totalBytes: Math.min(room?.totalBytes ?? os.totalmem(), memoryLimit ?? Infinity),
    ...(gpu === undefined ? {} : { gpu }),
  };
}

/** PCI vendors of graphics processors that compute. */
const VENDORS: Readonly<Record<string, string>> = { '0x10de': 'NVIDIA', '0x1002': 'AMD', '0x8086': 'Intel' };

/** Its name, or at least its maker; undefined where none is found. */
export async function findGpu(files: MachineFiles, platform: string, arch: string): Promise<string | undefined> {
  if (platform === 'darwin') return arch === 'arm64' ? 'Apple' : undefined;
  if (platform !== 'linux') return undefined;
  for (const slot of await files.names('/proc/driver/nvidia/gpus')) {
    const text = (await files.text(`/proc/driver/nvidia/gpus/${slot}/information`)) ?? '';
    return /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? 'NVIDIA';
  }
  for (const card of await files.names('/sys/class/drm')) {
    if (!/^card\d+$/.test(card)) continue;
    const vendor = VENDORS[(await files.text(`/sys/class/drm/${card}/device/vendor`)) ?? ''];
    if (vendor !== undefined) return vendor;
  }
  return undefined;
}
