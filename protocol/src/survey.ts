/** What was measured of the machine and of a model on it. */
import type { KvInForce, ModelSummary } from './model.ts';

/** What the machine can do at most with the threads in force, measured in about a second. */
export interface MachineLimits {
  readonly threads: number;
  /** Whose integer products were counted. */
  readonly isa: string;
  readonly readBytesPerSecond: number;
  /** Products and additions of int8 numbers; 0 where it cannot be measured. */
  readonly int8OpsPerSecond: number;
}

/** One way to read the file's pieces at random places. */
export interface DiskRate {
  /** False: through the system's cache. */
  readonly pastCache: boolean;
  readonly readers: number;
  readonly bytesPerSecond: number;
}

/** What a model's speed on this machine follows from. */
export interface MachineSpeed {
  /** On weights of the type that most of the model's have. */
  readonly kernels: {
    readonly type: string;
    readonly isa: string;
    readonly threads: number;
    /** Weights that each pass went through. */
    readonly bytes: number;
    /** Of weights, for one token. */
    readonly decodeBytesPerSecond: number;
    /** Products and additions, for 256 tokens. */
    readonly prefillOpsPerSecond: number;
  };
  readonly disk: {
    /** Whether the file system lets reads go past its cache. */
    readonly takesDirect: boolean;
    readonly pieceBytes: number;
    readonly sequentialBytesPerSecond: number;
    readonly random: readonly DiskRate[];
  };
}

/** `MachineSpeed`, and how the model would be loaded now. */
export interface Survey {
  readonly speed: MachineSpeed;
  readonly summary: ModelSummary;
  readonly kv: KvInForce;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
  readonly cores: number;
}

/** Tokens of one layer, and how many of them went to each of its experts. */
export interface ExpertUse {
  readonly tokens: number;
  readonly experts: readonly number[];
  /** Which of them, or parts of them, are in memory now; absent in sums of several loads. */
  readonly inMemory?: readonly boolean[];
}

export interface CalibrationRequest {
  readonly text: string;
  /** Of the text, to be read as a prompt. */
  readonly promptTokens: number;
  /** After which nothing new is begun. */
  readonly seconds: number;
}

/** How a text went through the loaded model: first as a prompt, then token by token. */
export interface Calibration {
  readonly promptTokens: number;
  readonly promptMs: number;
  /** Those that count: the first ones after a prompt find other experts in memory than later ones. */
  readonly decodeTokens: number;
  readonly decodeMs: number;
  /** While they were decoded; absent where no experts come from the disk. */
  readonly experts?: Pick<ExpertReads, 'hits' | 'misses' | 'bytesRead'>;
}

/** Experts that steps wanted of a model that keeps them on the disk, since it was loaded. */
export interface ExpertReads {
  /** Found in memory. */
  readonly hits: number;
  readonly misses: number;
  readonly bytesRead: number;
  /** Experts that may be in memory now, and those that the load has planned. */
  readonly room: number;
  readonly plannedRoom: number;
  /** Why `room` is smaller than planned; absent when it is not. */
  readonly shrunk?: string;
}

/** What steps have read of a dense model's layers that stay on the disk, since it was loaded. */
export interface LayerReads {
  readonly bytesRead: number;
  /** That threads slept for layers, all together. */
  readonly waitedMs: number;
  /** Of all layers; those that may stay in memory now; and those that the load has planned. */
  readonly matrices: number;
  readonly kept: number;
  readonly plannedKept: number;
  /** Why `kept` is smaller than planned; absent when it is not. */
  readonly shrunk?: string;
}
