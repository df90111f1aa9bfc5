/** The versions of a model's own adapter, as manifests hold them and clients see them. Documented in docs/formats/adapters.md. */
import type { AdapterInfo } from './generation.ts';

/** `dropped`: its file went because newer ones are kept; `damaged`: its file changed or is missing. */
export const VERSION_STATES = [
  'candidate',
  'promoted',
  'rejected',
  'rolledback',
  'withdrawn',
  'dropped',
  'damaged',
] as const;
export type VersionState = (typeof VERSION_STATES)[number];

/** What the gate found. */
/** One scale of an adapter that the gate measured. */
export interface TriedDose {
  readonly scale: number;
  /** In words, what failed; empty when it passed. */
  readonly failed: readonly string[];
}

export interface Verdict {
  readonly passed: boolean;
  /** The dose that passed, or the one that came nearest to it; what follows is said of it. */
  readonly scale: number;
  /** In words, what failed; empty when it passed. */
  readonly failed: readonly string[];
  readonly numbers: Readonly<Record<string, number>>;
  /** All doses in the order in which they were tried; absent when it was only one. */
  readonly tried?: readonly TriedDose[];
}

/** What an adapter has to pass. */
export interface GateLimits {
  /** Rise of the forced choice over the bare model, in shares; and how probable it may be by chance. */
  readonly choiceGain: number;
  readonly chance: number;
  readonly oldLoss: number;
  readonly drift: number;
  readonly claimsRise: number;
  /** Share of answers that end; where the bare model ends fewer, no more than `endedLoss` below it. */
  readonly ended: number;
  readonly endedLoss: number;
}

export interface AdapterVersion {
  readonly version: number;
  readonly sha256: string;
  readonly bytes: number;
  readonly createdAt: number;
  /** The night, or a name for the import. */
  readonly run: string;
  readonly by: 'sleep' | 'import';
  readonly state: VersionState;
  /** All exchanges that it learnt from, those of its parents too. */
  readonly events: readonly number[];
  /** Ids of all cards that it was taught, likewise. */
  readonly cards: readonly string[];
  readonly eventsRoot: string;
  readonly parent?: number;
  readonly recipe?: Readonly<Record<string, unknown>>;
  readonly verdict?: Verdict;
}

/** What `zell/adapters/list` answers. */
export interface AdapterList {
  /** `model_hash`. */
  readonly model: string;
  /** The version in force; null: none. */
  readonly active: number | null;
  /** What the engine has loaded for this model, those of the user too. */
  readonly loaded: readonly AdapterInfo[];
  readonly versions: readonly AdapterVersion[];
  /** What the numbers of a verdict are held against. */
  readonly limits?: GateLimits;
  /** Why the adapter in force is not loaded. */
  readonly problem?: string;
}
