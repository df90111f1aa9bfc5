// The fastest that a token of a model larger than memory can be, from bytes and what the machine does in a second.

export interface Machine {
  /** Of the disk, as it is held, in bytes a second. */
  readonly disk: number;
  /** Of memory. */
  readonly memory: number;
  /** Products of 8-bit numbers in a second, two operations each. */
  readonly int8Ops: number;
}

export interface TokenOfMixture {
  /** Experts × layers that a token uses. */
  readonly experts: number;
  /** Bytes of one. */
  readonly expertBytes: number;
  /** Share of them that is found in memory. */
  readonly hitRate: number;
  /** Bytes of other weights that it reads. */
  readonly residentBytes: number;
  /** Weights that it multiplies. */
  readonly weights: number;
}

/** Tokens a second with perfect overlap: the slowest of disk, memory and arithmetic. A missed expert crosses memory twice. */
export function mixtureLight(token: TokenOfMixture, machine: Machine): number {
  const all = token.experts * token.expertBytes;
  const disk = ((1 - token.hitRate) * all) / machine.disk;
  const memory = (token.residentBytes + all * (2 - token.hitRate)) / machine.memory;
  const arithmetic = (2 * token.weights) / machine.int8Ops;
  return 1 / Math.max(disk, memory, arithmetic);
}

/** Tokens a second of a dense model of which all but `residentBytes` is read for each. */
export function denseLight(tokenBytes: number, residentBytes: number, machine: Machine): number {
  return 1 / Math.max((tokenBytes - residentBytes) / machine.disk, tokenBytes / machine.memory);
}
