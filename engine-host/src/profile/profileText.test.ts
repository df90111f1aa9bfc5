import { expect, test } from 'vitest';
import type { MachineFiles } from '../monitor/machineFiles.ts';
import { withMeasured } from './correction.ts';
import { findGpu } from './machineFacts.ts';
import { barLines, profileText } from './profileText.ts';
import { testProfile } from './testProfile.ts';
import { usesSince, usualShares } from './uses.ts';

test('the text says what was decided and why, what is expected of it and what was measured', () => {
  const uses = [{ tokens: 100, experts: [70, 10, 10, 10] }];
  const measured = { at: 1, by: 'use' as const, tokens: 64, tokensPerSecond: 1.5, hitRate: 0.6 };
  const text = profileText(withMeasured(testProfile({ uses }), measured), []);
  expect(text).toContain(
    '26 GB, larger than memory: experts come from the disk. Expect 1.50 tokens/s. Measured on 2026-05-01.',
  );
  expect(text).toContain('- **Weights: experts from the disk.** They are larger than memory.');
  expect(text).toContain('Held up by the disk');
  expect(text).toContain('60 % of the experts found in memory');
  expect(text).toContain('Measured last: 1.50 tokens/s over 64 tokens, in use');
  expect(text).toContain('gets 70 % of the tokens');
  expect(text).toContain('3.0 GB/s  4 at once past the cache');
  expect(text).not.toContain('Out of date');
  expect(profileText(testProfile(), ['the file has changed'])).toContain('**Out of date**: the file has changed.');
  expect(profileText(testProfile(), [])).toContain('Not measured yet');
});

test('a bar shows each part by its share', () => {
  const [bar, ...legend] = barLines(testProfile().plan);
  // 1, 9 and 4 of 14 GB over 50 cells.
  expect(bar?.trim()).toBe('█'.repeat(4) + '▓'.repeat(32) + '·'.repeat(14));
  expect(legend).toHaveLength(3);
  expect(legend[1]).toMatch(/▓ +9\.0 GB +64 % +experts/);
  expect(barLines([])).toEqual([]);
});

test('uses of many sessions come together, older ones counting less', () => {
  const before = [{ tokens: 10, experts: [5, 5] }];
  const after = [{ tokens: 30, experts: [25, 5] }];
  expect(usesSince(undefined, before, after)).toEqual([{ tokens: 20, experts: [20, 0] }]);
  expect(usesSince([{ tokens: 10, experts: [0, 10] }], before, after)).toEqual([{ tokens: 27, experts: [20, 7] }]);
  // Counters of another load, and a profile of another shape.
  expect(usesSince(undefined, [{ tokens: 99, experts: [90, 9] }], after)).toEqual(after);
  expect(usesSince([{ tokens: 10, experts: [1] }], before, after)).toEqual([{ tokens: 20, experts: [20, 0] }]);
  expect(
    usualShares([
      { tokens: 20, experts: [20, 5] },
      { tokens: 0, experts: [0] },
    ]),
  ).toEqual([1, 0.25, 0]);
  expect(usualShares([{ tokens: 0, experts: [0] }])).toBeUndefined();
  expect(usualShares(undefined)).toBeUndefined();
});

test('a graphics processor is found by its driver or its maker', async () => {
  const files = (table: Readonly<Record<string, string>>): MachineFiles => ({
    text: (file) => Promise.resolve(table[file]),
    names: (folder) =>
      Promise.resolve([
        ...new Set(
          Object.keys(table).flatMap((f) =>
            f.startsWith(`${folder}/`) ? [f.slice(folder.length + 1).split('/')[0] ?? ''] : [],
          ),
        ),
      ]),
    run: () => Promise.resolve(undefined),
    freeBytes: () => Promise.resolve(undefined),
  });
  const nvidia = files({ '/proc/driver/nvidia/gpus/0000:01:00.0/information': 'Model: \t\t Tesla T4\nIRQ: 1' });
  expect(await findGpu(nvidia, 'linux', 'x64')).toBe('Tesla T4');
  expect(await findGpu(files({ '/sys/class/drm/card0/device/vendor': '0x1002' }), 'linux', 'x64')).toBe('AMD');
  // A console of a virtual machine is none.
  expect(await findGpu(files({ '/sys/class/drm/card0/device/vendor': '0x1234' }), 'linux', 'x64')).toBeUndefined();
  expect(await findGpu(files({}), 'darwin', 'arm64')).toBe('Apple');
});
