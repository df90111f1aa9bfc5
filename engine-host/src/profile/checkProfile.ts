/** Whether a value read from a file is a profile: every member that anybody uses, with limits on what repeats. */
import { PROFILE_VERSION, STRATEGIES, type Profile } from '#protocol/profile.ts';
import { KV_TYPES } from '#protocol/model.ts';

const MOST_TEXT = 4096;
const MOST_ENTRIES = 1024;
const MOST_EXPERTS = 4096;

type Check = (value: unknown) => boolean;

// What goes to a terminal holds no control characters.
const isText: Check = (value) => typeof value === 'string' && value.length <= MOST_TEXT && !/\p{Cc}/u.test(value);
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isPositive: Check = (value) => isNumber(value) && value !== 0;
const isFlag: Check = (value) => typeof value === 'boolean';
const isShare: Check = (value) => isNumber(value) && (value as number) <= 1;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const oneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const listOf =
  (check: Check, most = MOST_ENTRIES): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every((one) => check(one));
const record =
  (members: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    return Object.entries(members).every(([name, check]) => check((value as Readonly<Record<string, unknown>>)[name]));
  };

const isSpeed = record({
  kernels: record({
    type: isText,
    isa: isText,
    threads: isPositive,
    bytes: isPositive,
    decodeBytesPerSecond: isPositive,
    prefillOpsPerSecond: isPositive,
  }),
  disk: record({
    takesDirect: isFlag,
    pieceBytes: isPositive,
    sequentialBytesPerSecond: isPositive,
    random: listOf(record({ pastCache: isFlag, readers: isPositive, bytesPerSecond: isPositive })),
  }),
});

const isPrediction = record({
  tokensPerSecond: isPositive,
  promptTokensPerSecond: isPositive,
  formula: record({ tokensPerSecond: isPositive, promptTokensPerSecond: isPositive }),
  diskSeconds: isNumber,
  memorySeconds: isNumber,
  hitRate: optional(isShare),
});

const isMeasured = record({
  at: isNumber,
  by: oneOf(['build', 'use']),
  tokens: isNumber,
  tokensPerSecond: isNumber,
  promptTokensPerSecond: optional(isNumber),
  hitRate: optional(isShare),
});

const CHECK = record({
  v: oneOf([PROFILE_VERSION]),
  builtAt: isNumber,
  machine: record({
    processor: isText,
    cores: isPositive,
    isa: isText,
    totalBytes: isPositive,
    availableBytes: isNumber,
    gpu: optional(isText),
  }),
  model: record({
    name: isText,
    path: isText,
    modelHash: (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value),
    bytes: isPositive,
    modifiedAt: isNumber,
    architecture: isText,
    quantization: isText,
    layers: isNumber,
    tokenBytes: isPositive,
    tokenWeights: isPositive,
    streamedBytes: optional(isPositive),
    experts: optional(
      record({ layers: isPositive, count: isPositive, perToken: isPositive, bytes: isPositive, inMemory: isNumber }),
    ),
  }),
  speed: isSpeed,
  strategy: oneOf(STRATEGIES),
  kv: record({ type: oneOf(KV_TYPES), mostTokens: isNumber, reason: isText }),
  choices: listOf(record({ what: isText, value: isText, reason: isText })),
  plan: listOf(record({ what: isText, bytes: isNumber })),
  experts: optional(
    record({
      cacheBytes: optional(isPositive),
      readers: optional((value) => Number.isInteger(value) && isPositive(value) && (value as number) <= 64),
      pastCache: optional(isFlag),
    }),
  ),
  uses: optional(listOf(record({ tokens: isNumber, experts: listOf(isNumber, MOST_EXPERTS) }))),
  prediction: optional(isPrediction),
  correction: record({ answers: isPositive, prompts: isPositive, count: isNumber }),
  measured: listOf(isMeasured),
});

export function isProfile(value: unknown): value is Profile {
  return CHECK(value);
}
