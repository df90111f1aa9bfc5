/** Which speed follows from what was measured of the machine and from how the model's weights are kept. */
import type { DiskRate, MachineSpeed } from '#protocol/survey.ts';
import type { Correction, Prediction, Profile, ProfileModel, Strategy } from '#protocol/profile.ts';

/** Prompt that its speed is said of. */
const PROMPT_TOKENS = 256;
/** Reads and products overlap: of the shorter of the two this share is not hidden behind the longer one. */
const NOT_HIDDEN = 0.5;

/** What a prediction follows from. */
export interface Facts {
  readonly model: ProfileModel;
  readonly speed: MachineSpeed;
  readonly strategy: Strategy;
  readonly experts?: Profile['experts'] | undefined;
  readonly correction: Correction;
}

/** `measuredHits`: share of experts found in memory; absent: estimated from how many have room. Undefined for what is refused. */
export function predict(facts: Facts, measuredHits?: number): Prediction | undefined {
  const { model, speed, strategy, correction } = facts;
  const { kernels } = speed;
  if (strategy === 'refused') return undefined;
  const diskBytesPerSecond = diskRate(speed, facts.experts);
  const { experts } = model;
  const streamed = experts !== undefined && strategy !== 'memory';
  const hitRate = streamed ? (measuredHits ?? expectedHits(experts)) : undefined;
  // Of a dense model the same layers for every step, however many tokens it has.
  const layers = strategy === 'dense' ? (model.streamedBytes ?? 0) : 0;
  const read = streamed ? (1 - (hitRate ?? 1)) * experts.perToken * (experts.bytes / experts.count) : layers;
  const diskSeconds = read / diskBytesPerSecond;
  // What is read crosses memory twice: once when it arrives.
  const memorySeconds = (model.tokenBytes + read) / kernels.decodeBytesPerSecond;
  const promptDisk = (streamed ? unionBytes(experts) * missedOfPrompt(experts) : layers) / diskBytesPerSecond;
  const promptProducts = (2 * model.tokenWeights * PROMPT_TOKENS) / kernels.prefillOpsPerSecond;
  const formula = {
    tokensPerSecond: 1 / overlapped(diskSeconds, memorySeconds),
    promptTokensPerSecond: PROMPT_TOKENS / overlapped(promptDisk, promptProducts),
  };
  return {
    tokensPerSecond: formula.tokensPerSecond * correction.answers,
    promptTokensPerSecond: formula.promptTokensPerSecond * correction.prompts,
    formula,
    diskSeconds,
    memorySeconds,
    ...(hitRate === undefined ? {} : { hitRate }),
  };
}

type Experts = NonNullable<ProfileModel['experts']>;

/**
 * Share of experts that a token finds in memory before anybody has measured it: of many small ones some are asked far more often than
 * others, of a few large ones nearly all alike.
 */
export function expectedHits({ layers, count, inMemory }: Experts): number {
  const share = Math.min(1, inMemory / count);
  if (share >= 1) return 1;
  return count / layers >= 32 ? 1 - (1 - share) ** 5 : Math.min(0.98, share + 0.07);
}

/** Bytes of the experts that at least one token of the prompt uses. */
function unionBytes({ layers, count, perToken, bytes }: Experts): number {
  const each = count / layers;
  const used = each * (1 - (1 - perToken / layers / each) ** PROMPT_TOKENS);
  return (used / each) * bytes;
}

/** Of a prompt's experts: those that have no room. Which of them are in memory is chance. */
function missedOfPrompt({ count, inMemory }: Experts): number {
  return 1 - Math.min(1, inMemory / count);
}

function overlapped(a: number, b: number): number {
  return Math.max(1e-9, Math.max(a, b) + NOT_HIDDEN * Math.min(a, b));
}

/** Below so much more, one reader is not preferred to two: it would leave the disk idle whenever it waits for a processor. */
const BETTER_ALONE = 1.1;

/** The fewest readers that are nearly as fast as any number of them. */
export function bestRate(rates: readonly DiskRate[], pastCache: boolean): DiskRate | undefined {
  const own = rates.filter((rate) => rate.pastCache === pastCache).toSorted((a, b) => a.readers - b.readers);
  const most = Math.max(0, ...own.map(({ bytesPerSecond }) => bytesPerSecond));
  const together = own.filter(({ readers }) => readers > 1);
  const mostTogether = Math.max(0, ...together.map(({ bytesPerSecond }) => bytesPerSecond));
  const from = mostTogether * BETTER_ALONE >= most ? together : own;
  const fastest = Math.min(most, from === together ? mostTogether : most);
  return from.find(({ bytesPerSecond }) => bytesPerSecond >= 0.95 * fastest);
}

/** Bytes a second of the way in which experts are read, or of the best one. */
function diskRate({ disk }: MachineSpeed, experts: Profile['experts']): number {
  const chosen = disk.random.find(
    ({ pastCache, readers }) => pastCache === experts?.pastCache && readers === experts.readers,
  );
  return (chosen ?? bestRate(disk.random, true))?.bytesPerSecond ?? disk.sequentialBytesPerSecond;
}
