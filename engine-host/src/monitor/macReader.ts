/** macOS: what its own small commands say without special rights. */
import os from 'node:os';
import type { MachineFiles } from './machineFiles.ts';
import type {
  MachineReader,
  MachineState,
  MemoryState,
  PowerState,
  ThermalLevel,
  ThermalState,
} from './machineState.ts';

export function macReader(files: MachineFiles, home: string): MachineReader {
  return { read: () => readMac(files, home) };
}

async function readMac(files: MachineFiles, home: string): Promise<MachineState> {
  const [thermal, power, memory, inputIdleMs, diskFreeBytes] = await Promise.all([
    readThermal(files),
    readPower(files),
    readMemory(files),
    readIdle(files),
    files.freeBytes(home),
  ]);
  const load = (os.loadavg()[0] ?? 0) / os.availableParallelism();
  return { thermal, power, memory, load, inputIdleMs, diskFreeBytes };
}

/** 0 nominal, 1 moderate, 2 heavy, 3 trapping, 4 sleeping. */
const PRESSURE_LEVELS: readonly ThermalLevel[] = ['nominal', 'fair', 'serious', 'critical', 'critical'];

async function readThermal(files: MachineFiles): Promise<ThermalState> {
  const told = await files.run('notifyutil', ['-g', 'com.apple.system.thermalpressurelevel']);
  const level = /thermalpressurelevel\s+(\d+)/.exec(told ?? '')?.[1];
  if (level !== undefined) return { level: PRESSURE_LEVELS[Number(level)] ?? 'critical' };
  // Intel machines say how far the processor is held back instead.
  const limit = /CPU_Speed_Limit\s*=\s*(\d+)/.exec((await files.run('pmset', ['-g', 'therm'])) ?? '')?.[1];
  if (limit === undefined) return { level: undefined };
  const percent = Number(limit);
  return { level: percent >= 100 ? 'nominal' : percent >= 80 ? 'fair' : percent >= 50 ? 'serious' : 'critical' };
}

async function readPower(files: MachineFiles): Promise<PowerState> {
  const battery = (await files.run('pmset', ['-g', 'batt'])) ?? '';
  const drawn = /drawing from '([^']+)'/.exec(battery)?.[1];
  const percent = /(\d+)%/.exec(battery)?.[1];
  const mode = /^\s*(?:lowpowermode|powermode)\s+(\d+)/m.exec((await files.run('pmset', ['-g'])) ?? '')?.[1];
  return {
    source: drawn === undefined ? undefined : drawn === 'Battery Power' ? 'battery' : 'ac',
    ...(percent === undefined ? {} : { percent: Number(percent) }),
    ...(mode === undefined ? {} : { saver: mode === '1' }),
  };
}

async function readMemory(files: MachineFiles): Promise<MemoryState> {
  const told = await files.run('sysctl', ['-n', 'kern.memorystatus_vm_pressure_level']);
  const pressures: Readonly<Record<string, MemoryState['pressure']>> = {
    '1': 'normal',
    '2': 'warning',
    '4': 'critical',
  };
  const pressure = pressures[told?.trim() ?? ''];
  const pages = (await files.run('vm_stat', [])) ?? '';
  const pageBytes = Number(/page size of (\d+) bytes/.exec(pages)?.[1] ?? NaN);
  const count = (key: string): number => Number(new RegExp(`^Pages ${key}:\\s+(\\d+)`, 'm').exec(pages)?.[1] ?? 0);
  // What the system takes back without writing to the disk.
  const available = (count('free') + count('inactive') + count('speculative') + count('purgeable')) * pageBytes;
  return {
    availableBytes: Number.isFinite(available) ? available : undefined,
    totalBytes: os.totalmem(),
    ...(pressure === undefined ? {} : { pressure }),
  };
}

async function readIdle(files: MachineFiles): Promise<number | undefined> {
  const shown = await files.run('ioreg', ['-c', 'IOHIDSystem', '-d', '4']);
  const nanoseconds = /"HIDIdleTime"\s*=\s*(\d+)/.exec(shown ?? '')?.[1];
  return nanoseconds === undefined ? undefined : Number(nanoseconds) / 1e6;
}
