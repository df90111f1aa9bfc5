/** What the monitors know about the machine. `undefined` always means: this machine does not say. */

/** The names of macOS; on Linux they follow from temperatures and the CPU's own throttling. */
export type ThermalLevel = 'nominal' | 'fair' | 'serious' | 'critical';

export interface ThermalState {
  /** Undefined when there is no sensor. */
  readonly level: ThermalLevel | undefined;
  /** The hottest sensor. */
  readonly celsius?: number;
  /** How often the CPU slowed itself down because of heat, since boot; a rising count means now. */
  readonly throttleCount?: number;
}

export interface PowerState {
  /** No battery counts as `ac`. */
  readonly source: 'ac' | 'battery' | undefined;
  readonly percent?: number;
  /** The user asked the system to save energy. */
  readonly saver?: boolean;
}

export interface MemoryState {
  /** Bytes that could be taken now, under the system's and the cgroup's limits, and what there is under those limits. */
  readonly availableBytes: number | undefined;
  readonly totalBytes: number | undefined;
  /** Share of the last ten seconds in which some, or all, work waited for memory; 0–100. */
  readonly someStalled?: number;
  readonly fullStalled?: number;
  /** What macOS says. */
  readonly pressure?: 'normal' | 'warning' | 'critical';
}

export interface MachineState {
  readonly thermal: ThermalState;
  readonly power: PowerState;
  readonly memory: MemoryState;
  /** Running work ÷ cores, averaged over a minute. */
  readonly load: number | undefined;
  /** Milliseconds since the last key or pointer movement. */
  readonly inputIdleMs: number | undefined;
  /** Room on the disk that holds the Zell home. */
  readonly diskFreeBytes: number | undefined;
}

/** What reads one machine. Never rejects: what cannot be read is undefined. */
export interface MachineReader {
  read(): Promise<MachineState>;
}

export const NOTHING_KNOWN: MachineState = {
  thermal: { level: undefined },
  power: { source: undefined },
  memory: { availableBytes: undefined, totalBytes: undefined },
  load: undefined,
  inputIdleMs: undefined,
  diskFreeBytes: undefined,
};
