/** Makes a profile: measures, decides, lets the model read a text, predicts. At most a minute, but for the disk that needs longer. */
import { stat } from 'node:fs/promises';
import type { EngineCalls, EngineMethod } from '#protocol/engine.ts';
import type { LoadOptions, ModelInfo } from '#protocol/model.ts';
import type { Calibration, Survey } from '#protocol/survey.ts';
import { PROFILE_VERSION, type Measured, type Profile, type ProfileModel } from '#protocol/profile.ts';
import { CALIBRATION_TEXT } from './calibrationText.ts';
import { NO_CORRECTION, withMeasured } from './correction.ts';
import { decide, type Decision } from './decide.ts';
import type { MachineFacts } from './machineFacts.ts';
import { predict } from './predict.ts';
import { usesSince } from './uses.ts';

/** For kernels and disk together, unless told otherwise. */
const SURVEY_SECONDS = 5;
/** A model that takes longer to read is not loaded for its profile. */
const LOAD_SECONDS = 25;
/** For the text. */
const CALIBRATION_SECONDS = 15;
/** A prompt that needs longer, by what was measured, is left out: then only single tokens are measured. */
const PROMPT_SECONDS = 8;
const PROMPT_TOKENS = 512;

export interface ProfilerParts {
  call<M extends EngineMethod>(
    method: M,
    params: EngineCalls[M]['params'],
    signal: AbortSignal,
    onProgress?: (fraction: number) => void,
  ): Promise<EngineCalls[M]['result']>;
  /** Loads the model with what `save` has kept by then; one that is loaded already stays as it is. */
  load(signal: AbortSignal): Promise<ModelInfo>;
  readonly isLoaded: boolean;
  readonly options: LoadOptions;
  /** For measuring processor and disk. */
  readonly seconds?: number | undefined;
  readonly machine: MachineFacts;
  /** Keeps the profile so far. */
  save(profile: Profile): Promise<void>;
  readonly now: () => number;
  /** `fraction`: of the whole. */
  readonly onStep: (detail: string, fraction: number) => void;
}

/** @throws {ZellError} what the file cannot be read for; cancelled */
export async function makeProfile(
  model: { readonly name: string; readonly path: string },
  parts: ProfilerParts,
  signal: AbortSignal,
): Promise<Profile> {
  const { onStep, options } = parts;
  const step = 'Measuring processor and disk';
  onStep(step, 0);
  const params = { path: model.path, options, seconds: parts.seconds ?? SURVEY_SECONDS };
  const survey = await parts.call('survey', params, signal, (fraction) => onStep(step, 0.4 * fraction));
  const decision = decide(survey, parts.machine.gpu);
  let profile = await firstProfile(model, survey, decision, parts);
  await parts.save(profile);
  const why = whyNotRead(survey, decision, parts.isLoaded);
  if (why !== undefined) return kept({ ...profile, choices: [...profile.choices, why] }, parts);
  onStep('Loading the model', 0.4);
  await parts.load(signal);
  onStep('Reading a text', 0.6);
  const before = await parts.call('expertUses', {}, signal);
  const request = {
    text: CALIBRATION_TEXT,
    promptTokens: promptTokens(profile),
    seconds: CALIBRATION_SECONDS,
  };
  const seen = await parts.call('calibrate', request, signal);
  const after = await parts.call('expertUses', {}, signal);
  const uses = usesSince(undefined, before.layers, after.layers);
  profile = withMeasured(profile, asMeasured(seen, parts.now()));
  if (uses.length > 0) profile = { ...profile, uses };
  onStep('Saving', 1);
  return kept(profile, parts);
}

async function kept(profile: Profile, parts: ProfilerParts): Promise<Profile> {
  await parts.save(profile);
  return profile;
}

async function firstProfile(
  { name, path }: { readonly name: string; readonly path: string },
  { speed, summary, kv, memory, cores }: Survey,
  decision: Decision,
  { machine, now }: ProfilerParts,
): Promise<Profile> {
  const { mtimeMs, size } = await stat(path);
  const streamedBytes = summary.fit.streaming?.streamedBytes;
  const model: ProfileModel = {
    name,
    path,
    modelHash: summary.modelHash,
    bytes: size,
    modifiedAt: mtimeMs,
    architecture: summary.architecture,
    quantization: summary.quantization,
    layers: summary.layers,
    tokenBytes: summary.tokenWork.bytes,
    tokenWeights: summary.tokenWork.weights,
    ...(streamedBytes === undefined ? {} : { streamedBytes }),
    ...(summary.experts === undefined ? {} : { experts: { ...summary.experts, inMemory: decision.expertsInMemory } }),
  };
  const { strategy, choices, plan, experts } = decision;
  const prediction = predict({ model, speed, strategy, experts, correction: NO_CORRECTION });
  return {
    v: PROFILE_VERSION,
    builtAt: now(),
    machine: {
      processor: machine.processor,
      cores,
      isa: speed.kernels.isa,
      totalBytes: machine.totalBytes,
      availableBytes: Math.min(memory.availableBytes, summary.fit.availableBytes),
      ...(machine.gpu === undefined ? {} : { gpu: machine.gpu }),
    },
    model,
    speed,
    strategy,
    kv,
    choices,
    plan,
    ...(experts === undefined ? {} : { experts }),
    ...(prediction === undefined ? {} : { prediction }),
    correction: NO_CORRECTION,
    measured: [],
  };
}

function whyNotRead(
  { summary, speed }: Survey,
  { strategy }: Decision,
  isLoaded: boolean,
): Profile['choices'][number] | undefined {
  if (strategy === 'refused') return { what: 'Trial', value: 'none', reason: 'What does not fit cannot be tried.' };
  const bytes = summary.fit.streaming?.residentBytes ?? summary.bytes;
  const seconds = bytes / speed.disk.sequentialBytesPerSecond;
  if (isLoaded || seconds <= LOAD_SECONDS) return undefined;
  return {
    what: 'Trial',
    value: 'none',
    reason: `Loading it takes about ${Math.round(seconds)} s, longer than a profile may take; its first use corrects the prediction.`,
  };
}

/** As many tokens of the text as there is time for: all of them, or one. */
function promptTokens({ prediction, model, speed }: Profile): number {
  const perSecond = prediction?.formula.promptTokensPerSecond ?? 0;
  if (PROMPT_TOKENS / Math.max(perSecond, 1e-9) <= PROMPT_SECONDS) return PROMPT_TOKENS;
  // A short prompt of a mixture reads nearly as much as a long one.
  if (model.experts !== undefined && model.experts.bytes / speed.disk.sequentialBytesPerSecond > PROMPT_SECONDS)
    return 1;
  return Math.max(16, Math.floor(perSecond * PROMPT_SECONDS));
}

function asMeasured(
  { promptTokens: prompt, promptMs, decodeTokens, decodeMs, experts }: Calibration,
  at: number,
): Measured {
  const asked = (experts?.hits ?? 0) + (experts?.misses ?? 0);
  return {
    at,
    by: 'build',
    tokens: decodeTokens,
    tokensPerSecond: (decodeTokens * 1000) / Math.max(decodeMs, 1e-3),
    // One token is no prompt.
    ...(prompt < 16 ? {} : { promptTokensPerSecond: (prompt * 1000) / Math.max(promptMs, 1e-3) }),
    ...(experts === undefined || asked === 0 ? {} : { hitRate: experts.hits / asked }),
  };
}
