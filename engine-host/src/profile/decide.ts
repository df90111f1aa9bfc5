/** How a model is run on this machine: each choice with its reason. Pure. */
import type { ExpertOptions, ModelSummary } from '#protocol/model.ts';
import type { Survey } from '#protocol/survey.ts';
import type { PlanPart, ProfileChoice, Strategy } from '#protocol/profile.ts';
import { bestRate } from './predict.ts';
import { bytesText, percentText, rateText } from './sizes.ts';

export interface Decision {
  readonly strategy: Strategy;
  readonly choices: readonly ProfileChoice[];
  readonly plan: readonly PlanPart[];
  /** Absent where no experts come from the disk. */
  readonly experts?: Omit<ExpertOptions, 'usual'>;
  readonly expertsInMemory: number;
}

/** Reads through the cache that are faster than the disk by this are of what lay in the cache already. */
const CACHED = 1.5;
/** A way of reading has to be better by this to be preferred. */
const BETTER = 1.1;
/** Above this share of the available memory weights do not stay there whole. */
const ROOMY = 0.8;
/** Default of the cache of experts: this, or half of the memory if that is more. */
const USUAL_CACHE = 8 * 2 ** 30;

export function decide(survey: Survey, gpu: string | undefined): Decision {
  const { summary } = survey;
  const strategy = strategyOf(summary);
  const { streaming } = summary.fit;
  const streams = strategy === 'hybrid' || strategy === 'experts';
  const reads = readsChoice(survey);
  const experts = streams
    ? { cacheBytes: cacheBytes(survey), readers: reads.readers, pastCache: reads.pastCache }
    : undefined;
  const choices = [
    weightsChoice(summary, strategy),
    ...(streams && experts !== undefined ? [cacheChoice(summary, experts.cacheBytes), ...reads.choices] : []),
    ...(strategy === 'refused' ? [] : [...contextChoices(survey), threadsChoice(survey)]),
    deviceChoice(gpu),
  ];
  return {
    strategy,
    choices,
    plan: planOf(summary),
    ...(experts === undefined ? {} : { experts }),
    expertsInMemory: streaming?.expertsInMemory ?? summary.experts?.count ?? 0,
  };
}

function strategyOf({ fit }: ModelSummary): Strategy {
  if (!fit.fits) return 'refused';
  if (fit.streaming === undefined) return 'memory';
  if ((fit.streaming.streamedBytes ?? 0) > 0) return 'dense';
  return fit.streaming.strategy === 'hybrid' ? 'hybrid' : 'experts';
}

function weightsChoice({ bytes, fit, experts }: ModelSummary, strategy: Strategy): ProfileChoice {
  const share = percentText(bytes / Math.max(1, fit.availableBytes));
  const what = 'Weights';
  const [size, available] = [bytesText(bytes), bytesText(fit.availableBytes)];
  switch (strategy) {
    case 'memory':
      return {
        what,
        value: 'all in memory',
        reason:
          bytes <= ROOMY * fit.availableBytes
            ? `${size} are ${share} of the ${available} that are available, less than ${percentText(ROOMY)}.`
            : `${size} are ${share} of the ${available} that are available, and nothing of this model can stay on the disk.`,
      };
    case 'hybrid':
    case 'experts': {
      const { residentBytes = 0, expertsInMemory = 0, experts: all = 0 } = fit.streaming ?? {};
      return {
        what,
        value: strategy === 'hybrid' ? 'most experts in memory, some from the disk' : 'experts from the disk',
        reason:
          `${size} are ${share} of the ${available} that are available; ${bytesText(residentBytes)} are needed for every ` +
          `token and stay in memory, beside ${expertsInMemory} of ${all} experts.`,
      };
    }
    case 'dense':
      return {
        what,
        value: 'last layers from the disk',
        reason:
          `${size} are ${share} of the ${available} that are available; ${bytesText(fit.streaming?.residentBytes ?? 0)} stay in memory, ` +
          `and ${bytesText(fit.streaming?.streamedBytes ?? 0)} are read from the disk in every step.`,
      };
    case 'refused':
      return {
        what,
        value: 'refused',
        reason:
          `At least ${bytesText(fit.neededBytes)} are needed${experts === undefined ? '' : ', even with experts on the disk'}; ` +
          `${available} are available. A file that is smaller by ${bytesText(fit.neededBytes - fit.availableBytes)}, or as much ` +
          'memory given back by other programs, would do.',
      };
  }
}

/** Most that the cache may take at any load; how much it gets is planned then, from the memory that is available. */
function cacheBytes({ summary, memory }: Survey): number {
  const { count = 0, slotBytes = 0 } = summary.experts ?? {};
  return Math.max(slotBytes, Math.min(count * slotBytes, Math.max(USUAL_CACHE, memory.totalBytes / 2)));
}

function cacheChoice({ fit, experts }: ModelSummary, most: number): ProfileChoice {
  const { cacheBytes: now = 0, expertsInMemory = 0, experts: all = 0 } = fit.streaming ?? {};
  const { layers = 1, perToken = 0 } = experts ?? {};
  const limit =
    now >= most
      ? `its limit of ${bytesText(most)}`
      : `what is left beside weights, keys and values and a margin for other programs (at most ${bytesText(most)})`;
  return {
    what: 'Cache of experts',
    value: bytesText(now),
    reason: `It gets ${limit}: room for ${expertsInMemory} of ${all}, and a token uses ${perToken} in ${layers} layers.`,
  };
}

interface Reads {
  readonly pastCache: boolean;
  readonly readers: number;
  readonly choices: readonly ProfileChoice[];
}

function readsChoice({ speed }: Survey): Reads {
  const { takesDirect, random, pieceBytes } = speed.disk;
  const direct = bestRate(random, true);
  const cached = bestRate(random, false);
  const [d, c] = [direct?.bytesPerSecond ?? 0, cached?.bytesPerSecond ?? 0];
  const pastCache = takesDirect && !(c > BETTER * d && c <= CACHED * d);
  // What goes through the cache is measured at fewer numbers of readers, and of what was read past it all is known.
  const chosen = (pastCache || c > CACHED * d ? direct : cached) ?? { readers: 4, bytesPerSecond: 1 };
  const figures = `${rateText(d)} past the system's cache, ${rateText(c)} through it, in pieces of ${bytesText(pieceBytes)}`;
  const why = !takesDirect
    ? `The file system takes no reads past its cache.`
    : c > CACHED * d
      ? `${figures}; the latter is what lay in the cache already, which a model larger than memory does not.`
      : pastCache
        ? `${figures}.`
        : `${figures}: here the cache is faster.`;
  const fastest = Math.max(...random.map(({ bytesPerSecond }) => bytesPerSecond));
  return {
    pastCache,
    readers: chosen.readers,
    choices: [
      { what: 'Reads', value: pastCache ? 'past the system’s cache' : 'through the system’s cache', reason: why },
      {
        what: 'Reads at once',
        value: String(chosen.readers),
        reason: `${rateText(chosen.bytesPerSecond)} with so many; more are not faster (the fastest of all was ${rateText(fastest)}).`,
      },
    ],
  };
}

function contextChoices({ kv, summary }: Survey): ProfileChoice[] {
  const most = Math.min(summary.contextLength, kv.mostTokens);
  return [
    { what: 'Keys and values', value: kv.type, reason: sentence(kv.reason) },
    {
      what: 'Context',
      value: `${most} tokens`,
      reason:
        most < summary.contextLength
          ? `The memory that is left has room for so many; the model was made for ${summary.contextLength}.`
          : `The model was made for so many, and all requests together may hold ${kv.mostTokens}.`,
    },
  ];
}

function threadsChoice({ speed, cores }: Survey): ProfileChoice {
  const { threads, isa, type, decodeBytesPerSecond, prefillOpsPerSecond } = speed.kernels;
  return {
    what: 'Threads',
    value: String(threads),
    reason:
      `${threads === cores ? 'One for each physical core' : `So many were asked for; there are ${cores} cores`}: they go through ` +
      `${rateText(decodeBytesPerSecond)} of ${type} weights for one token and do ${(prefillOpsPerSecond / 1e9).toFixed(0)} GOPS for ` +
      `many (${isa}).`,
  };
}

function deviceChoice(gpu: string | undefined): ProfileChoice {
  return {
    what: 'Device',
    value: 'processor',
    reason:
      gpu === undefined
        ? 'No graphics processor was found.'
        : `There is a graphics processor (${gpu}); Zell does not use it yet.`,
  };
}

/** Memory as the load would take it. */
function planOf({ bytes, fit }: ModelSummary): PlanPart[] {
  const weights = fit.streaming?.residentBytes ?? bytes;
  const cache = fit.streaming?.cacheBytes ?? 0;
  const { scratchBytes = 0, marginBytes = 0, kvBytes = 0 } = fit.plan ?? {};
  const parts = [
    { what: 'weights', bytes: weights },
    { what: fit.streaming?.streamedBytes === undefined ? 'experts' : 'layers on their way', bytes: cache },
    { what: 'keys and values, as they grow', bytes: kvBytes },
    { what: 'working memory', bytes: scratchBytes },
    { what: 'margin for other programs', bytes: marginBytes },
  ];
  const used = parts.reduce((sum, part) => sum + part.bytes, 0);
  return [...parts, { what: 'left', bytes: Math.max(0, fit.availableBytes - used) }].filter((part) => part.bytes > 0);
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}${trimmed.endsWith('.') ? '' : '.'}`;
}
