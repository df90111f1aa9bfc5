import { expect, test } from 'vitest';
import type { ModelSummary } from '#protocol/model.ts';
import type { DiskRate, Survey } from '#protocol/survey.ts';
import { decide } from './decide.ts';
import { SUMMARY, SURVEY } from './testProfile.ts';

function withFit(fit: Partial<ModelSummary['fit']>, change: Partial<ModelSummary> = {}): Survey {
  return { ...SURVEY, summary: { ...SUMMARY, ...change, fit: { ...SUMMARY.fit, ...fit } } };
}

function withReads(takesDirect: boolean, direct: number, cached: number): Survey {
  const random: DiskRate[] = [
    { pastCache: true, readers: 2, bytesPerSecond: direct },
    { pastCache: false, readers: 4, bytesPerSecond: cached },
  ];
  return { ...SURVEY, speed: { ...SURVEY.speed, disk: { ...SURVEY.speed.disk, takesDirect, random } } };
}

const choice = (survey: Survey, what: string) => decide(survey, undefined).choices.find((one) => one.what === what);

test('each way to keep weights has its strategy and its reason with the numbers', () => {
  const { streaming: _, ...rest } = SUMMARY.fit;
  const small = { ...SURVEY, summary: { ...SUMMARY, bytes: 7e9, fit: rest } };
  expect(decide(small, undefined)).toMatchObject({ strategy: 'memory' });
  expect(decide(small, undefined)).not.toHaveProperty('experts');
  expect(choice(small, 'Weights')?.reason).toBe('7.0 GB are 50 % of the 14 GB that are available, less than 80 %.');

  expect(decide(SURVEY, undefined).strategy).toBe('experts');
  expect(choice(SURVEY, 'Weights')?.reason).toContain('beside 100 of 256 experts');
  const { streaming } = SUMMARY.fit;
  const most = withFit({ streaming: { ...streaming!, strategy: 'hybrid', expertsInMemory: 200 } });
  expect(decide(most, undefined).strategy).toBe('hybrid');

  const { experts: _experts, ...denseFile } = SUMMARY;
  const layers = { ...streaming!, cacheBytes: 1e9, expertsInMemory: 0, experts: 0, streamedBytes: 14e9 };
  const dense = decide({ ...SURVEY, summary: { ...denseFile, fit: { ...SUMMARY.fit, streaming: layers } } }, undefined);
  expect(dense.strategy).toBe('dense');
  expect(dense).not.toHaveProperty('experts');
  expect(dense.choices[0]?.reason).toContain('14 GB are read from the disk in every step');
  expect(dense.plan[1]?.what).toBe('layers on their way');

  const refused = decide(withFit({ fits: false, neededBytes: 20e9 }), undefined);
  expect(refused.strategy).toBe('refused');
  expect(refused.choices[0]?.reason).toMatch(/At least 20 GB are needed.*14 GB are available.*smaller by 6.0 GB/);
  expect(refused.choices.map(({ what }) => what)).toEqual(['Weights', 'Device']);
});

test('reads go the way that is faster, and not by what lay in the cache', () => {
  const way = (survey: Survey) => decide(survey, undefined).experts;
  expect(way(SURVEY)).toMatchObject({ pastCache: true, readers: 4 });
  expect(way(withReads(true, 1e9, 1.3e9))).toMatchObject({ pastCache: false, readers: 4 });
  expect(way(withReads(true, 1e9, 1.05e9))).toMatchObject({ pastCache: true, readers: 2 });
  expect(way(withReads(true, 1e9, 9e9))).toMatchObject({ pastCache: true, readers: 2 });
  expect(choice(withReads(true, 1e9, 9e9), 'Reads')?.reason).toContain('lay in the cache already');
  expect(way(withReads(false, 1e9, 1.05e9))).toMatchObject({ pastCache: false });
});

test('the cache may take half of the memory or 8 GiB, and never more than all experts', () => {
  const limit = (survey: Survey) => decide(survey, undefined).experts?.cacheBytes;
  expect(limit(SURVEY)).toBe(8 * 2 ** 30);
  expect(limit({ ...SURVEY, memory: { totalBytes: 40e9, availableBytes: 14e9 } })).toBe(20e9);
  expect(limit({ ...SURVEY, memory: { totalBytes: 400e9, availableBytes: 14e9 } })).toBe(256 * 0.1e9);
});

test('the plan adds up to what is available, and every choice is a sentence', () => {
  const { plan, choices } = decide(SURVEY, 'NVIDIA T4');
  expect(plan.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(14e9, -3);
  expect(plan.at(-1)?.what).toBe('left');
  for (const { reason } of choices) expect(reason).toMatch(/^[A-Z0-9].*\.$/);
  expect(choices.at(-1)?.reason).toContain('NVIDIA T4');
  expect(choice(SURVEY, 'Keys and values')?.value).toBe('q8_0');
});
