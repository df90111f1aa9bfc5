/** What Zell has found out about a model on this machine, what it decided from that, and which speed it expects. */
import type { ExpertOptions, KvInForce } from './model.ts';
import type { ExpertUse, MachineSpeed } from './survey.ts';

/** Of the file's format; another one is built anew. */
export const PROFILE_VERSION = 1;

/** How a model's weights are kept: all in memory, most or some of its experts from the disk, its last layers from the disk, or not at all. */
export const STRATEGIES = ['memory', 'hybrid', 'experts', 'dense', 'refused'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Something that was decided, and why, in a sentence. */
export interface ProfileChoice {
  /** `weights`, `keys and values`, … */
  readonly what: string;
  readonly value: string;
  readonly reason: string;
}

/** Memory that something takes under the plan. */
export interface PlanPart {
  readonly what: string;
  readonly bytes: number;
}

/** What a speed is expected from. Seconds are of one token of an answer. */
export interface Prediction {
  /** Of an answer to a short prompt, one request at a time; corrected by what was measured. */
  readonly tokensPerSecond: number;
  /** Of reading a prompt of 256 tokens; corrected likewise. */
  readonly promptTokensPerSecond: number;
  /** What the formulas say by themselves. */
  readonly formula: { readonly tokensPerSecond: number; readonly promptTokensPerSecond: number };
  /** Reading experts from the disk; 0 in memory. */
  readonly diskSeconds: number;
  /** Going through weights in memory. */
  readonly memorySeconds: number;
  /** Share of experts found in memory; absent where all weights are there. */
  readonly hitRate?: number;
}

/** Measured ÷ formula, the last ones weighing most. */
export interface Correction {
  readonly answers: number;
  readonly prompts: number;
  /** Measurements so far. */
  readonly count: number;
}

/** A speed that was seen: while the profile was made, or in use. */
export interface Measured {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly by: 'build' | 'use';
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly promptTokensPerSecond?: number;
  readonly hitRate?: number;
}

export interface ProfileMachine {
  readonly processor: string;
  readonly cores: number;
  readonly isa: string;
  /** Limits of control groups, and what the user allows, count. */
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** Absent: none was found. */
  readonly gpu?: string;
}

export interface ProfileModel {
  readonly name: string;
  readonly path: string;
  readonly modelHash: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  readonly architecture: string;
  readonly quantization: string;
  readonly layers: number;
  /** What one token reads of weights. */
  readonly tokenBytes: number;
  readonly tokenWeights: number;
  /** Of a dense model, what each step reads of its layers from the disk; absent where none. */
  readonly streamedBytes?: number;
  /** Absent where no experts can be read from the disk. */
  readonly experts?: {
    readonly layers: number;
    readonly count: number;
    readonly perToken: number;
    readonly bytes: number;
    readonly inMemory: number;
  };
}

/** A file of `~/.zell/profiles`; docs/formats/profile.md. */
export interface Profile {
  readonly v: typeof PROFILE_VERSION;
  readonly builtAt: number;
  readonly machine: ProfileMachine;
  readonly model: ProfileModel;
  readonly speed: MachineSpeed;
  readonly strategy: Strategy;
  readonly kv: KvInForce;
  readonly choices: readonly ProfileChoice[];
  readonly plan: readonly PlanPart[];
  /** How the engine reads experts; absent where none come from the disk. */
  readonly experts?: Omit<ExpertOptions, 'usual'>;
  /** Tokens that each layer sent to its experts, older ones counting less. */
  readonly uses?: readonly ExpertUse[];
  /** Absent: refused. */
  readonly prediction?: Prediction;
  readonly correction: Correction;
  /** Newest last. */
  readonly measured: readonly Measured[];
}

/** A profile as clients get it. */
export interface ProfileAnswer {
  readonly profile: Profile;
  /** Markdown for a person; reads well as it is. */
  readonly text: string;
  /** What has changed since it was made; empty: it holds. */
  readonly stale: readonly string[];
}
