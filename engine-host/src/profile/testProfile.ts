/** A mixture larger than memory and its profile, for the tests of this room. */
import type { ModelSummary } from '#protocol/model.ts';
import type { MachineSpeed, Survey } from '#protocol/survey.ts';
import type { Profile } from '#protocol/profile.ts';
import { NO_CORRECTION } from './correction.ts';
import { predict } from './predict.ts';

const GB = 1e9;

/** 3 GB/s past the cache with four readers, half of it with one; through the cache a tenth. */
export const SPEED: MachineSpeed = {
  kernels: {
    type: 'Q4_K',
    isa: 'avx512vnni',
    threads: 2,
    bytes: 2e8,
    decodeBytesPerSecond: 20 * GB,
    prefillOpsPerSecond: 500e9,
  },
  disk: {
    takesDirect: true,
    pieceBytes: 2e6,
    sequentialBytesPerSecond: 2.5 * GB,
    random: [
      { pastCache: true, readers: 1, bytesPerSecond: 1.5 * GB },
      { pastCache: true, readers: 2, bytesPerSecond: 2.4 * GB },
      { pastCache: true, readers: 4, bytesPerSecond: 3 * GB },
      { pastCache: true, readers: 8, bytesPerSecond: 3.05 * GB },
      { pastCache: false, readers: 1, bytesPerSecond: 0.2 * GB },
      { pastCache: false, readers: 4, bytesPerSecond: 0.3 * GB },
    ],
  },
};

/** Of the shape of Mixtral 8x7B in Q4_K_M: 26 GB on a machine with 16, 14 of them available. */
export const SUMMARY: ModelSummary = {
  path: '/m/big.gguf',
  name: 'big',
  modelHash: '0123456789abcdef',
  architecture: 'llama',
  parameters: 46.7e9,
  quantization: 'Q4_K',
  contextLength: 32_768,
  embeddingLength: 4096,
  layers: 32,
  vocabularySize: 32_000,
  tokenizer: { model: 'llama', pre: 'default' },
  special: { endOfGeneration: [2] },
  bosText: '',
  eosText: '',
  addBos: true,
  bytes: 26.4 * GB,
  experts: { layers: 32, count: 256, perToken: 64, bytes: 25.6 * GB, slotBytes: 0.1 * GB },
  fit: {
    neededBytes: 4 * GB,
    availableBytes: 14 * GB,
    fits: true,
    kvTokens: 32_768,
    plan: { scratchBytes: 0.2 * GB, marginBytes: 2 * GB, kvBytes: 0.5 * GB },
    streaming: {
      strategy: 'streaming',
      residentBytes: 0.8 * GB,
      cacheBytes: 10 * GB,
      expertsInMemory: 100,
      experts: 256,
    },
  },
  tokenWork: { bytes: 7.2 * GB, weights: 12.9e9 },
  metadata: {},
};

export const SURVEY: Survey = {
  speed: SPEED,
  summary: SUMMARY,
  kv: { type: 'q8_0', mostTokens: 32_768, reason: 'f16 has room for 16,384 of 32,768 tokens' },
  memory: { totalBytes: 16 * GB, availableBytes: 14 * GB },
  cores: 2,
};

export function testProfile(change: Partial<Profile> = {}): Profile {
  const profile: Profile = {
    v: 1,
    builtAt: Date.UTC(2026, 4, 1),
    machine: { processor: 'A CPU', cores: 2, isa: 'avx512vnni', totalBytes: 16 * GB, availableBytes: 14 * GB },
    model: {
      name: 'big',
      path: '/m/big.gguf',
      modelHash: '0123456789abcdef',
      bytes: 26.4 * GB,
      modifiedAt: 1000,
      architecture: 'llama',
      quantization: 'Q4_K',
      layers: 32,
      tokenBytes: 7.2 * GB,
      tokenWeights: 12.9e9,
      experts: { layers: 32, count: 256, perToken: 64, bytes: 25.6 * GB, inMemory: 100 },
    },
    speed: SPEED,
    strategy: 'experts',
    kv: SURVEY.kv,
    choices: [{ what: 'Weights', value: 'experts from the disk', reason: 'They are larger than memory.' }],
    plan: [
      { what: 'weights', bytes: 1 * GB },
      { what: 'experts', bytes: 9 * GB },
      { what: 'left', bytes: 4 * GB },
    ],
    experts: { cacheBytes: 10 * GB, readers: 4, pastCache: true },
    correction: NO_CORRECTION,
    measured: [],
    ...change,
  };
  const prediction = predict(profile);
  return prediction === undefined ? profile : { prediction, ...profile };
}
