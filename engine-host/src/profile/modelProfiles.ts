/** The profiles of this machine's models: made, found again, used at loads, and corrected by what is measured in use. */
import { stat } from 'node:fs/promises';
import type { EngineStats } from '#protocol/engine.ts';
import type { ExpertOptions, LoadOptions } from '#protocol/model.ts';
import type { ExpertUse } from '#protocol/survey.ts';
import type { Measured, Profile, ProfileAnswer } from '#protocol/profile.ts';
import { withMeasured } from './correction.ts';
import { draftHeadFile } from './draftHeadFile.ts';
import type { MachineFacts } from './machineFacts.ts';
import { findProfile, profileFile, readProfile, writeProfile } from './profileFile.ts';
import { makeProfile, type ProfilerParts } from './profiler.ts';
import { profileText } from './profileText.ts';
import { staleReasons, type FileFacts } from './stale.ts';
import { usesSince, usualShares } from './uses.ts';

/** Fewer tokens of an answer say little about a speed. */
const LEAST_TOKENS = 48;
/** Of the tokens: with more of them drafted it was the text that was fast. */
const MOST_DRAFTED = 0.1;
/** With more sequences in a step on average it was not one request's speed. */
const ALONE = 1.1;

export interface ModelProfilesOptions {
  readonly folder: string;
  readonly machine: () => Promise<MachineFacts>;
  readonly now: () => number;
}

export type BuildParts = Omit<ProfilerParts, 'save' | 'machine' | 'now'> & {
  /** From the file, as it is now. */
  readonly modelHash: string;
  readonly force: boolean;
};

interface Model {
  readonly name: string;
  readonly path: string;
}

export class ModelProfiles {
  readonly #options: ModelProfilesOptions;
  /** Counters of the loaded model at the last look. */
  #stats: EngineStats | undefined;
  #uses: readonly ExpertUse[] = [];
  /** Changes of files, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ModelProfilesOptions) {
    this.#options = options;
  }

  /**
   * The profile that holds, or a new one. A damaged file, or one of another version, is replaced.
   * @throws {ZellError} as `makeProfile`
   */
  async build(
    model: Model,
    parts: BuildParts,
    signal: AbortSignal,
  ): Promise<ProfileAnswer & { readonly built: boolean }> {
    const file = profileFile(this.#options.folder, model.name);
    const { now } = this.#options;
    const machine = await this.#options.machine();
    if (!parts.force) {
      const known = await readProfile(file).catch(() => undefined);
      if (known?.model.path === model.path && (await this.#stale(known, parts.modelHash)).length === 0)
        return { ...this.#answer(known, []), built: false };
    }
    const save = (profile: Profile): Promise<void> => this.#inTurn(() => writeProfile(file, profile));
    const profile = await makeProfile(model, { ...parts, machine, now, save }, signal);
    this.#forget();
    return { ...this.#answer(profile, []), built: true };
  }

  /**
   * What is known of a model, whether it holds or not; undefined: nothing.
   * @throws {ZellError} io: its file is damaged or of another version
   */
  async get(model: Model, modelHash?: string): Promise<ProfileAnswer | undefined> {
    const profile =
      (await findProfile(this.#options.folder, model.path))?.profile ??
      (await readProfile(profileFile(this.#options.folder, model.name)));
    if (profile === undefined) return undefined;
    const stale = await this.#stale(profile, modelHash);
    return this.#answer(
      profile,
      profile.model.path === model.path ? stale : ['it is of another file of this name', ...stale],
    );
  }

  /** The options with what the model's profile has found best; as they are where there is none that holds. */
  async loadOptions(path: string, options: LoadOptions): Promise<LoadOptions> {
    this.#forget();
    const profile = (await findProfile(this.#options.folder, path))?.profile;
    if (profile === undefined || (await this.#stale(profile)).length > 0) return options;
    const draftHead = await this.#draftHead(profile, options);
    const chosen = draftHead === undefined ? options : { ...options, draftHead };
    if (profile.experts === undefined || options.experts !== undefined) return chosen;
    const usual = usualShares(profile.uses);
    const experts: ExpertOptions = { ...profile.experts, ...(usual === undefined ? {} : { usual }) };
    return { ...chosen, experts };
  }

  /** The model's draft head where layers come from the disk: in memory a guess costs more than it saves. */
  async #draftHead({ model, strategy }: Profile, { draft, draftHead }: LoadOptions): Promise<string | undefined> {
    if (draft === 'off' || draftHead !== undefined) return draftHead;
    if (model.experts !== undefined || (strategy !== 'dense' && strategy !== 'hybrid')) return undefined;
    const file = draftHeadFile(this.#options.folder, model.modelHash);
    const isThere = await stat(file).then(
      (info) => info.isFile(),
      () => false,
    );
    return isThere ? file : undefined;
  }

  /**
   * Keeps the speed of what the loaded model has answered since the last look, if it was one request at a time and long enough.
   * `uses` is asked only then. @returns whether something was kept
   */
  async seen(path: string, stats: EngineStats, uses: () => Promise<readonly ExpertUse[]>): Promise<boolean> {
    const before = this.#stats;
    this.#stats = stats;
    if (before === undefined || stats.steps < before.steps) {
      this.#uses = await uses();
      return false;
    }
    const measured = measuredBetween(before, stats, this.#options.now());
    if (measured === undefined) {
      // Too little yet: it counts with what comes.
      if (stats.completionTokens - before.completionTokens < LEAST_TOKENS) this.#stats = before;
      return false;
    }
    return this.#inTurn(async () => {
      const found = await findProfile(this.#options.folder, path);
      if (found === undefined || (await this.#stale(found.profile)).length > 0) return false;
      const after = await uses();
      const known = usesSince(found.profile.uses, this.#uses, after);
      this.#uses = after;
      const profile = withMeasured(found.profile, measured);
      await writeProfile(found.file, known.length === 0 ? profile : { ...profile, uses: known });
      return true;
    });
  }

  #forget(): void {
    this.#stats = undefined;
    this.#uses = [];
  }

  async #stale(profile: Profile, modelHash?: string): Promise<string[]> {
    const facts = await stat(profile.model.path).then(
      ({ size, mtimeMs }): FileFacts => ({
        bytes: size,
        modifiedAt: mtimeMs,
        ...(modelHash === undefined ? {} : { modelHash }),
      }),
      () => undefined,
    );
    return staleReasons(profile, facts, await this.#options.machine());
  }

  #answer(profile: Profile, stale: readonly string[]): ProfileAnswer {
    return { profile, text: profileText(profile, stale), stale };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** Undefined when too little was decoded, much of it drafted, or several requests at a time. */
export function measuredBetween(before: EngineStats, after: EngineStats, at: number): Measured | undefined {
  const tokens = after.completionTokens - before.completionTokens;
  const decodeMs = after.decodeMs - before.decodeMs;
  const steps = after.steps - before.steps;
  const together = (after.stepSequences - before.stepSequences) / Math.max(1, steps);
  const drafted = after.draftAccepted - before.draftAccepted;
  if (tokens < LEAST_TOKENS || decodeMs <= 0 || together > ALONE || drafted > MOST_DRAFTED * tokens) return undefined;
  const promptTokens = after.promptTokens - before.promptTokens;
  const promptMs = after.promptMs - before.promptMs;
  const hits = (after.experts?.hits ?? 0) - (before.experts?.hits ?? 0);
  const asked = hits + (after.experts?.misses ?? 0) - (before.experts?.misses ?? 0);
  return {
    at,
    by: 'use',
    tokens,
    tokensPerSecond: (tokens * 1000) / decodeMs,
    ...(promptTokens < LEAST_PROMPT || promptMs <= 0
      ? {}
      : { promptTokensPerSecond: (promptTokens * 1000) / promptMs }),
    ...(asked <= 0 ? {} : { hitRate: Math.min(1, Math.max(0, hits / asked)) }),
  };
}

/** Short prompts cost as much as long ones, so that they say nothing of their speed. */
const LEAST_PROMPT = 128;
