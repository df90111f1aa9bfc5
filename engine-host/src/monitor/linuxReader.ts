/** Linux: `/sys` and `/proc`. No commands are run, except `loginctl` for the idle time of a desktop session. */
import os from 'node:os';
import { linuxMemory } from './availableMemory.ts';
import { numberIn, type MachineFiles } from './machineFiles.ts';
import type { MachineReader, MachineState, MemoryState, PowerState, ThermalState } from './machineState.ts';

const ZONES = '/sys/class/thermal';
const HWMON = '/sys/class/hwmon';
const SUPPLIES = '/sys/class/power_supply';
/** Chips whose sensors are about the processor; others (disks, radios) are often hot on purpose. */
const CPU_CHIPS = new Set(['coretemp', 'k10temp', 'zenpower', 'cpu_thermal', 'scpi_sensors', 'soc_thermal']);
/** Above it no sensor of a running machine reads. */
const MOST_CELSIUS = 130;

export function linuxReader(files: MachineFiles, home: string, now: () => number = () => Date.now()): MachineReader {
  return { read: () => readLinux(files, home, now) };
}

async function readLinux(files: MachineFiles, home: string, now: () => number): Promise<MachineState> {
  const [thermal, power, memory, load, inputIdleMs, diskFreeBytes] = await Promise.all([
    readThermal(files),
    readPower(files),
    readMemory(files),
    readLoad(files),
    readIdle(files, now),
    files.freeBytes(home),
  ]);
  return { thermal, power, memory, load, inputIdleMs, diskFreeBytes };
}

async function readThermal(files: MachineFiles): Promise<ThermalState> {
  const found = [...(await zoneTemperatures(files)), ...(await chipTemperatures(files))].filter(
    (celsius) => celsius > 0 && celsius < MOST_CELSIUS,
  );
  const throttleCount = await readThrottleCount(files);
  return {
    level: found.length === 0 ? undefined : 'nominal',
    ...(found.length === 0 ? {} : { celsius: Math.max(...found) }),
    ...(throttleCount === undefined ? {} : { throttleCount }),
  };
}

async function zoneTemperatures(files: MachineFiles): Promise<number[]> {
  const found: number[] = [];
  for (const name of await files.names(ZONES)) {
    if (!name.startsWith('thermal_zone')) continue;
    const kind = (await files.text(`${ZONES}/${name}/type`)) ?? '';
    if (/wifi|wlan|battery|charger|iwl|nvme/i.test(kind)) continue;
    const milli = await numberIn(files, `${ZONES}/${name}/temp`);
    if (milli !== undefined) found.push(milli / 1000);
  }
  return found;
}

async function chipTemperatures(files: MachineFiles): Promise<number[]> {
  const found: number[] = [];
  for (const chip of await files.names(HWMON)) {
    const kind = await files.text(`${HWMON}/${chip}/name`);
    if (kind === undefined || !CPU_CHIPS.has(kind)) continue;
    for (const name of await files.names(`${HWMON}/${chip}`)) {
      if (!/^temp\d+_input$/.test(name)) continue;
      const milli = await numberIn(files, `${HWMON}/${chip}/${name}`);
      if (milli !== undefined) found.push(milli / 1000);
    }
  }
  return found;
}

async function readThrottleCount(files: MachineFiles): Promise<number | undefined> {
  let sum: number | undefined;
  for (const cpu of await files.names('/sys/devices/system/cpu')) {
    if (!/^cpu\d+$/.test(cpu)) continue;
    const count = await numberIn(files, `/sys/devices/system/cpu/${cpu}/thermal_throttle/core_throttle_count`);
    if (count !== undefined) sum = (sum ?? 0) + count;
  }
  return sum;
}

async function readPower(files: MachineFiles): Promise<PowerState> {
  let mains: boolean | undefined;
  let discharging = false;
  const percents: number[] = [];
  for (const name of await files.names(SUPPLIES)) {
    const folder = `${SUPPLIES}/${name}`;
    const type = await files.text(`${folder}/type`);
    // Batteries of mice and headsets say `Device`.
    if ((await files.text(`${folder}/scope`)) === 'Device') continue;
    if (type === 'Mains' || type === 'USB') {
      const online = (await numberIn(files, `${folder}/online`)) === 1;
      mains = mains === true || online;
    } else if (type === 'Battery') {
      const percent = await numberIn(files, `${folder}/capacity`);
      percents.push(percent ?? 0);
      if ((await files.text(`${folder}/status`)) === 'Discharging') discharging = true;
    }
  }
  const profile = await files.text('/sys/firmware/acpi/platform_profile');
  const saver = profile === undefined ? {} : { saver: profile === 'low-power' };
  if (percents.length === 0) return { source: 'ac', ...saver };
  const percent = percents.reduce((sum, p) => sum + p, 0) / percents.length;
  return { source: discharging || mains === false ? 'battery' : 'ac', percent, ...saver };
}

async function readMemory(files: MachineFiles): Promise<MemoryState> {
  const room = await linuxMemory(files);
  const system = stalls(await files.text('/proc/pressure/memory'));
  const own = /^0::(.*)$/m.exec((await files.text('/proc/self/cgroup')) ?? '')?.[1];
  const group =
    own === undefined || own === '/' ? undefined : stalls(await files.text(`/sys/fs/cgroup${own}/memory.pressure`));
  const worst = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined ? b : Math.max(a, b ?? 0);
  const some = worst(system?.some, group?.some);
  const full = worst(system?.full, group?.full);
  return {
    availableBytes: room?.availableBytes,
    totalBytes: room?.totalBytes,
    ...(some === undefined ? {} : { someStalled: some }),
    ...(full === undefined ? {} : { fullStalled: full }),
  };
}

/** The ten-second averages of a pressure file. */
function stalls(text: string | undefined): { some: number; full: number } | undefined {
  const average = (kind: string): number | undefined => {
    const found = new RegExp(`^${kind} avg10=([\\d.]+)`, 'm').exec(text ?? '')?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const some = average('some');
  return some === undefined ? undefined : { some, full: average('full') ?? 0 };
}

async function readLoad(files: MachineFiles): Promise<number | undefined> {
  const minute = Number(/^([\d.]+)/.exec((await files.text('/proc/loadavg')) ?? '')?.[1] ?? NaN);
  return Number.isFinite(minute) ? minute / os.availableParallelism() : undefined;
}

/** A desktop session tells logind when nobody touched it; a server has no such session. */
async function readIdle(files: MachineFiles, now: () => number): Promise<number | undefined> {
  const session = await files.text('/proc/self/sessionid');
  if (session === undefined || session === '4294967295') return undefined;
  const shown = await files.run('loginctl', [
    'show-session',
    session,
    '-p',
    'Type',
    '-p',
    'IdleHint',
    '-p',
    'IdleSinceHint',
  ]);
  if (shown === undefined || !/^Type=(x11|wayland|mir)$/m.test(shown)) return undefined;
  if (/^IdleHint=no$/m.test(shown)) return 0;
  const since = Number(/^IdleSinceHint=(\d+)$/m.exec(shown)?.[1] ?? 0);
  return since > 0 ? Math.max(0, now() - since / 1000) : undefined;
}
