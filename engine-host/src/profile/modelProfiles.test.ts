import { mkdtemp, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EngineCalls, EngineMethod, EngineStats } from '#protocol/engine.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { Calibration, ExpertUse, Survey } from '#protocol/survey.ts';
import { ZellError } from '#protocol/errors.ts';
import type { MachineFacts } from './machineFacts.ts';
import { draftHeadFile } from './draftHeadFile.ts';
import { measuredBetween, ModelProfiles, type BuildParts } from './modelProfiles.ts';
import { profileFile } from './profileFile.ts';
import { SUMMARY, SURVEY } from './testProfile.ts';

const MACHINE: MachineFacts = { processor: 'A CPU', totalBytes: 16e9 };
const NEVER = new AbortController().signal;

let folder: string;
let modelPath: string;
let machine: MachineFacts;
let profiles: ModelProfiles;
/** What the engine was asked, in order. */
let asked: EngineMethod[];
let steps: string[];
let uses: ExpertUse[];
let loads: number;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'zell-build-'));
  modelPath = path.join(folder, 'big.gguf');
  await writeFile(modelPath, 'weights');
  machine = MACHINE;
  [asked, steps, loads] = [[], [], 0];
  uses = [{ tokens: 0, experts: [0, 0] }];
  profiles = new ModelProfiles({
    folder: path.join(folder, 'profiles'),
    machine: () => Promise.resolve(machine),
    now: () => 5,
  });
});
afterEach(() => rm(folder, { recursive: true }));

/** A layer of two experts; the second one gets all of the text. */
const CALIBRATION: Calibration = {
  promptTokens: 512,
  promptMs: 2000,
  decodeTokens: 100,
  decodeMs: 50_000,
  experts: { hits: 600, misses: 400, bytesRead: 1 },
};

function parts(change: Partial<BuildParts> & { readonly survey?: Partial<Survey> } = {}): BuildParts {
  const { survey, ...rest } = change;
  const answers: Partial<Record<EngineMethod, () => unknown>> = {
    survey: () => ({ ...SURVEY, ...survey }),
    expertUses: () => ({ layers: uses }),
    calibrate: () => {
      uses = [{ tokens: 100, experts: [20, 80] }];
      return CALIBRATION;
    },
  };
  return {
    call: <M extends EngineMethod>(method: M) => {
      asked.push(method);
      return Promise.resolve(answers[method]?.() as EngineCalls[M]['result']);
    },
    load: () => {
      loads++;
      return Promise.resolve(SUMMARY as ModelInfo);
    },
    isLoaded: false,
    options: {},
    modelHash: SUMMARY.modelHash,
    force: false,
    onStep: (detail) => steps.push(detail),
    ...rest,
  };
}

const model = () => ({ name: 'big', path: modelPath });

test('a profile is measured, decided, tried and kept; then it holds until something changes', async () => {
  const first = await profiles.build(model(), parts(), NEVER);
  expect(first).toMatchObject({ built: true, stale: [] });
  expect(asked).toEqual(['survey', 'expertUses', 'calibrate', 'expertUses']);
  expect(new Set(steps)).toEqual(
    new Set(['Measuring processor and disk', 'Loading the model', 'Reading a text', 'Saving']),
  );
  // What was measured is what is expected.
  expect(first.profile.prediction).toMatchObject({ hitRate: 0.6 });
  expect(first.profile.prediction?.tokensPerSecond).toBeCloseTo(2);
  expect(first.profile.prediction?.promptTokensPerSecond).toBeCloseTo(256);
  expect(first.text).toMatch(/Expect 2\.00 tokens\/s/);
  expect(first.text).toContain('the favourite quarter');

  expect(await profiles.build(model(), parts(), NEVER)).toMatchObject({ built: false, profile: first.profile });
  expect(asked).toHaveLength(4);
  expect(await profiles.build(model(), parts({ force: true }), NEVER)).toMatchObject({ built: true });
  expect(await profiles.get(model(), SUMMARY.modelHash)).toMatchObject({ stale: [] });

  const reasons = async () => (await profiles.get(model(), SUMMARY.modelHash))?.stale;
  machine = { ...MACHINE, totalBytes: 8e9 };
  expect(await reasons()).toEqual([expect.stringContaining('memory')]);
  machine = { ...MACHINE, processor: 'Another CPU', gpu: 'T4' };
  expect(await reasons()).toHaveLength(2);
  machine = MACHINE;
  expect((await profiles.get(model(), 'f'.repeat(16)))?.stale).toEqual(['the file is another model']);
  const { mtime } = await stat(modelPath);
  await utimes(modelPath, mtime, new Date(mtime.getTime() + 5000));
  expect(await reasons()).toEqual(['the file has changed']);
  expect(await profiles.build(model(), parts(), NEVER)).toMatchObject({ built: true, stale: [] });
  await truncate(modelPath, 3);
  expect(await reasons()).toEqual(['the file has changed']);
  await rm(modelPath);
  expect(await reasons()).toEqual(['the file is gone']);
});

test('a load takes what the profile has found best, and nothing of one that does not hold', async () => {
  const options = { threads: 2 };
  expect(await profiles.loadOptions(modelPath, options)).toBe(options);
  await profiles.build(model(), parts(), NEVER);
  const { experts, ...rest } = await profiles.loadOptions(modelPath, options);
  expect(rest).toEqual(options);
  expect(experts).toEqual({ cacheBytes: 8 * 2 ** 30, readers: 4, pastCache: true, usual: [0.2, 0.8] });
  const own = { experts: { readers: 1 } };
  expect(await profiles.loadOptions(modelPath, own)).toBe(own);
  machine = { ...MACHINE, totalBytes: 64e9 };
  expect(await profiles.loadOptions(modelPath, options)).toBe(options);
});

test('a load takes the draft head of a dense model whose layers come from the disk, unless it wants no drafts', async () => {
  const { experts: _, ...dense } = SUMMARY;
  const streaming = { ...SUMMARY.fit.streaming!, experts: 0, expertsInMemory: 0, streamedBytes: 5e9 };
  const summary = { ...dense, fit: { ...SUMMARY.fit, streaming } };
  const { profile } = await profiles.build(model(), parts({ survey: { summary } }), NEVER);
  expect(profile.strategy).toBe('dense');
  expect(await profiles.loadOptions(modelPath, {})).toEqual({});
  const draftHead = draftHeadFile(path.join(folder, 'profiles'), SUMMARY.modelHash);
  await writeFile(draftHead, 'head');
  expect(await profiles.loadOptions(modelPath, {})).toEqual({ draftHead });
  expect(await profiles.loadOptions(modelPath, { draft: 'off' })).toEqual({ draft: 'off' });
  // In memory a guess costs more than it saves.
  const { streaming: _all, ...fit } = SUMMARY.fit;
  const small = { ...dense, bytes: 1e9, fit };
  await profiles.build(model(), parts({ force: true, survey: { summary: small } }), NEVER);
  expect(await profiles.loadOptions(modelPath, {})).toEqual({});
});

test('what does not fit is refused with its numbers, what takes too long to load is not tried', async () => {
  const refused = { ...SUMMARY, fit: { ...SUMMARY.fit, fits: false, neededBytes: 30e9 } };
  const no = await profiles.build(model(), parts({ survey: { summary: refused } }), NEVER);
  expect(no.profile).toMatchObject({ strategy: 'refused', measured: [] });
  expect(no.profile).not.toHaveProperty('prediction');
  expect(no.text).toContain('too large for this machine');
  const { streaming: _, ...fit } = SUMMARY.fit;
  const slow = { ...SUMMARY, bytes: 100e9, fit: { ...fit, availableBytes: 200e9 } };
  const untried = await profiles.build(model(), parts({ force: true, survey: { summary: slow } }), NEVER);
  expect(untried.profile.choices.at(-1)).toMatchObject({ what: 'Trial', value: 'none' });
  expect(untried.profile.prediction?.tokensPerSecond).toBeGreaterThan(0);
  expect(loads).toBe(0);
  // One that is loaded already is.
  const loaded = await profiles.build(
    model(),
    parts({ force: true, isLoaded: true, survey: { summary: slow } }),
    NEVER,
  );
  expect(loaded.profile.measured).toHaveLength(1);
});

test('a damaged file is an error to whoever reads it, and replaced by the next build', async () => {
  await profiles.build(model(), parts(), NEVER);
  const file = profileFile(path.join(folder, 'profiles'), 'big');
  await writeFile(file, '{"v":1}');
  await expect(profiles.get(model())).rejects.toMatchObject({ code: 'io' });
  expect(await profiles.loadOptions(modelPath, {})).toEqual({});
  expect(await profiles.build(model(), parts(), NEVER)).toMatchObject({ built: true });
  expect((await profiles.get(model()))?.stale).toEqual([]);
});

test('a build that is cancelled leaves what was decided, without a trial', async () => {
  const cancelled = () => Promise.reject(new ZellError('cancelled', 'Cancelled.'));
  await expect(profiles.build(model(), parts({ load: cancelled }), NEVER)).rejects.toMatchObject({ code: 'cancelled' });
  const left = await profiles.get(model());
  expect(left?.profile.measured).toEqual([]);
  expect(left?.profile.experts).toMatchObject({ readers: 4 });
});

const STATS: EngineStats = {
  queue: { running: 0, waiting: 0, slots: 8, maxWaiting: 64 },
  promptTokens: 0,
  promptMs: 0,
  completionTokens: 0,
  decodeMs: 0,
  steps: 0,
  stepSequences: 0,
  kvBlocksUsed: 0,
  kvBlocksTotal: 1,
  lastTokensPerSecond: 0,
  draftTokens: 0,
  draftAccepted: 0,
};
const answered = (tokens: number, ms: number, change: Partial<EngineStats> = {}): EngineStats => ({
  ...STATS,
  completionTokens: tokens,
  decodeMs: ms,
  steps: tokens,
  stepSequences: tokens,
  ...change,
});

test('only long answers of one request at a time say how fast a model is', () => {
  expect(measuredBetween(STATS, answered(100, 20_000), 7)).toEqual({
    at: 7,
    by: 'use',
    tokens: 100,
    tokensPerSecond: 5,
  });
  expect(measuredBetween(STATS, answered(20, 4000), 7)).toBeUndefined();
  expect(measuredBetween(STATS, answered(100, 20_000, { stepSequences: 300 }), 7)).toBeUndefined();
  // Where much was drafted the text was fast, not the model.
  expect(measuredBetween(STATS, answered(100, 20_000, { draftAccepted: 60 }), 7)).toBeUndefined();
  const experts = { hits: 30, misses: 10, bytesRead: 1, room: 1, plannedRoom: 1 };
  const long = answered(100, 20_000, { experts, promptTokens: 1000, promptMs: 10_000 });
  expect(measuredBetween(STATS, long, 7)).toMatchObject({ hitRate: 0.75, promptTokensPerSecond: 100 });
});

test('speed in use corrects what is expected, and experts that were used are remembered', async () => {
  await profiles.build(model(), parts(), NEVER);
  const look = () => Promise.resolve(uses);
  uses = [{ tokens: 100, experts: [20, 80] }];
  expect(await profiles.seen(modelPath, STATS, look)).toBe(false);
  expect(await profiles.seen(modelPath, answered(30, 10_000), look)).toBe(false);
  // Both answers together are long enough: 90 tokens in 30 s.
  uses = [{ tokens: 190, experts: [110, 80] }];
  expect(await profiles.seen(modelPath, answered(90, 30_000), look)).toBe(true);
  const { profile } = (await profiles.get(model()))!;
  expect(profile.measured.at(-1)).toMatchObject({ by: 'use', tokens: 90, tokensPerSecond: 3 });
  expect(profile.prediction?.tokensPerSecond).toBeGreaterThan(2);
  expect(profile.prediction?.tokensPerSecond).toBeLessThan(3);
  // 0.7 of what was known, and 90 tokens that all went to the first expert.
  expect(profile.uses).toEqual([{ tokens: 160, experts: [104, 56] }]);
  // A model without a profile has nobody who remembers.
  await rm(path.join(folder, 'profiles'), { recursive: true });
  expect(await profiles.seen(modelPath, answered(200, 60_000), look)).toBe(false);
  await expect(readFile(profileFile(path.join(folder, 'profiles'), 'big'))).rejects.toThrow();
});
