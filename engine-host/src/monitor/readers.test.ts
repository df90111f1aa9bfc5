import { expect, test } from 'vitest';
import { availableMemory } from './availableMemory.ts';
import { linuxReader } from './linuxReader.ts';
import { macReader } from './macReader.ts';
import { REAL_FILES, type MachineFiles } from './machineFiles.ts';
import { systemReader } from './monitor.ts';

/** Files by path, commands by their whole line. */
function machine(
  files: Readonly<Record<string, string>>,
  commands: Readonly<Record<string, string>> = {},
): MachineFiles {
  return {
    text: (file) => Promise.resolve(files[file]),
    names: (folder) => {
      const inside = Object.keys(files).filter((file) => file.startsWith(`${folder}/`));
      return Promise.resolve([...new Set(inside.map((file) => file.slice(folder.length + 1).split('/')[0] ?? ''))]);
    },
    run: (command, args) => Promise.resolve(commands[[command, ...args].join(' ')]),
    freeBytes: () => Promise.resolve(5e9),
  };
}

const MEMINFO = 'MemTotal:       16384 kB\nMemFree:         100 kB\nMemAvailable:    8192 kB';

test('a laptop on Linux: the hottest processor sensor, the batteries, the profile, the stalls', async () => {
  const state = await linuxReader(
    machine({
      '/sys/class/thermal/thermal_zone0/type': 'x86_pkg_temp',
      '/sys/class/thermal/thermal_zone0/temp': '71000',
      '/sys/class/thermal/thermal_zone1/type': 'iwlwifi_1',
      '/sys/class/thermal/thermal_zone1/temp': '99000',
      '/sys/class/hwmon/hwmon2/name': 'coretemp',
      '/sys/class/hwmon/hwmon2/temp1_input': '73500',
      '/sys/class/hwmon/hwmon3/name': 'nvme',
      '/sys/class/hwmon/hwmon3/temp1_input': '90000',
      '/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count': '3',
      '/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count': '4',
      '/sys/class/power_supply/AC/type': 'Mains',
      '/sys/class/power_supply/AC/online': '0',
      '/sys/class/power_supply/BAT0/type': 'Battery',
      '/sys/class/power_supply/BAT0/capacity': '60',
      '/sys/class/power_supply/BAT0/status': 'Discharging',
      '/sys/class/power_supply/BAT1/type': 'Battery',
      '/sys/class/power_supply/BAT1/capacity': '80',
      '/sys/class/power_supply/BAT1/status': 'Not charging',
      '/sys/class/power_supply/hidpp_battery_0/type': 'Battery',
      '/sys/class/power_supply/hidpp_battery_0/scope': 'Device',
      '/sys/class/power_supply/hidpp_battery_0/capacity': '5',
      '/sys/firmware/acpi/platform_profile': 'low-power',
      '/proc/meminfo': MEMINFO,
      '/proc/pressure/memory':
        'some avg10=6.50 avg60=0.10 avg300=0.00 total=1\nfull avg10=2.00 avg60=0.00 avg300=0.00 total=1',
      '/proc/loadavg': '0.00 0.01 0.05 1/100 1',
    }),
    '/home',
  ).read();
  expect(state.thermal).toEqual({ level: 'nominal', celsius: 73.5, throttleCount: 7 });
  expect(state.power).toEqual({ source: 'battery', percent: 70, saver: true });
  expect(state.memory).toEqual({
    availableBytes: 8192 * 1024,
    totalBytes: 16384 * 1024,
    someStalled: 6.5,
    fullStalled: 2,
  });
  expect(state).toMatchObject({ load: 0, inputIdleMs: undefined, diskFreeBytes: 5e9 });
});

test('a machine without battery and sensors is on mains and of unknown warmth', async () => {
  const state = await linuxReader(machine({}), '/home').read();
  expect(state).toEqual({
    thermal: { level: undefined },
    power: { source: 'ac' },
    memory: { availableBytes: undefined, totalBytes: undefined },
    load: undefined,
    inputIdleMs: undefined,
    diskFreeBytes: 5e9,
  });
});

test('the limit of a cgroup counts, of either version, and its own stalls', async () => {
  const v2 = await linuxReader(
    machine({
      '/proc/meminfo': MEMINFO,
      '/proc/self/cgroup': '0::/user.slice/zell',
      '/sys/fs/cgroup/user.slice/zell/memory.max': '4000000',
      '/sys/fs/cgroup/user.slice/zell/memory.current': '3000000',
      '/sys/fs/cgroup/user.slice/zell/memory.stat': 'anon 1\ninactive_file 500000',
      '/sys/fs/cgroup/user.slice/memory.max': 'max',
      '/sys/fs/cgroup/user.slice/zell/memory.pressure': 'some avg10=9.00\nfull avg10=3.00',
      '/proc/pressure/memory': 'some avg10=0.00\nfull avg10=0.00',
    }),
    '/home',
  ).read();
  expect(v2.memory).toEqual({ availableBytes: 1_500_000, totalBytes: 4_000_000, someStalled: 9, fullStalled: 3 });
  const v1 = await linuxReader(
    machine({
      '/proc/meminfo': MEMINFO,
      '/proc/self/cgroup': '5:cpu:/\n4:memory:/box',
      '/sys/fs/cgroup/memory/box/memory.limit_in_bytes': '2000000',
      '/sys/fs/cgroup/memory/box/memory.usage_in_bytes': '1900000',
      '/sys/fs/cgroup/memory/box/memory.stat': 'total_inactive_file 300000',
    }),
    '/home',
  ).read();
  expect(v1.memory).toEqual({ availableBytes: 400_000, totalBytes: 2_000_000 });
});

test('a desktop session tells how long nobody touched it; a server session does not', async () => {
  const show = 'loginctl show-session 3 -p Type -p IdleHint -p IdleSinceHint';
  const idle = async (answer: string): Promise<number | undefined> => {
    const files = machine({ '/proc/self/sessionid': '3' }, { [show]: answer });
    return (await linuxReader(files, '/home', () => 700_000).read()).inputIdleMs;
  };
  expect(await idle('Type=wayland\nIdleHint=yes\nIdleSinceHint=100000000')).toBe(600_000);
  expect(await idle('Type=x11\nIdleHint=no\nIdleSinceHint=0')).toBe(0);
  expect(await idle('Type=tty\nIdleHint=no\nIdleSinceHint=0')).toBeUndefined();
});

test('macOS on its battery, warm, in low power mode', async () => {
  const state = await macReader(
    machine(
      {},
      {
        'notifyutil -g com.apple.system.thermalpressurelevel': 'com.apple.system.thermalpressurelevel 2\n',
        'pmset -g batt':
          "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t83%; discharging; 4:11 remaining present: true\n",
        'pmset -g': 'System-wide power settings:\nCurrently in use:\n lowpowermode         1\n sleep 1\n',
        'sysctl -n kern.memorystatus_vm_pressure_level': '2\n',
        vm_stat:
          'Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free:    100.\nPages inactive:   200.\nPages speculative:  50.\nPages purgeable:  10.\n',
        'ioreg -c IOHIDSystem -d 4': '  |   "HIDIdleTime" = 4000000000\n',
      },
    ),
    '/Users/a',
  ).read();
  expect(state.thermal).toEqual({ level: 'serious' });
  expect(state.power).toEqual({ source: 'battery', percent: 83, saver: true });
  expect(state.memory).toMatchObject({ pressure: 'warning', availableBytes: 360 * 16384 });
  expect(state.inputIdleMs).toBe(4000);
});

test('macOS whose commands all fail: everything is unknown', async () => {
  const state = await macReader(machine({}), '/Users/a').read();
  expect(state).toMatchObject({ thermal: { level: undefined }, power: { source: undefined }, inputIdleMs: undefined });
  expect(state.memory.availableBytes).toBeUndefined();
});

test('an Intel Mac says how far its processor is held back', async () => {
  const level = async (limit: string): Promise<string | undefined> => {
    const files = machine({}, { 'pmset -g therm': `CPU_Speed_Limit \t= ${limit}` });
    return (await macReader(files, '/').read()).thermal.level;
  };
  expect([await level('100'), await level('85'), await level('60'), await level('20')]).toEqual([
    'nominal',
    'fair',
    'serious',
    'critical',
  ]);
});

test('this machine can be read, whatever it is', async () => {
  const state = await systemReader(process.cwd()).read();
  expect(state.diskFreeBytes).toBeGreaterThan(0);
  expect(await availableMemory()).toBeGreaterThan(0);
  expect(await REAL_FILES.run('false', [])).toBeUndefined();
  expect((await systemReader(process.cwd(), 'win32').read()).thermal.level).toBeUndefined();
});
