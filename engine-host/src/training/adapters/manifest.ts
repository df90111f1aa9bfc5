/** `lora/{model_hash}/manifest.json`: what is known of each version of a model's adapter. Documented in docs/formats/adapters.md. */
import { VERSION_STATES, type AdapterVersion } from '#protocol/adapters.ts';
import { ZellError } from '#protocol/errors.ts';

export interface Manifest {
  readonly active: number | null;
  /** Never used before. */
  readonly next: number;
  /** Rising. */
  readonly versions: readonly AdapterVersion[];
}

export const NO_VERSIONS: Manifest = { active: null, next: 1, versions: [] };

/** @throws {ZellError} io: it is damaged, or of a newer version; then no adapter is used and none is written over */
export function readManifest(text: string, file: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isManifest(value)) throw new ZellError('io', `${file} is damaged, or was written by a newer Zell.`);
  const { active, next, versions } = value;
  return { active, next, versions };
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const { v, active, next, versions } = value as Readonly<Record<string, unknown>>;
  return (
    v === 1 &&
    (active === null || isCount(active)) &&
    isCount(next) &&
    Array.isArray(versions) &&
    versions.every(isVersion)
  );
}

function isVersion(value: unknown): value is AdapterVersion {
  if (typeof value !== 'object' || value === null) return false;
  const { version, sha256, bytes, run, state, events, cards } = value as Readonly<Record<string, unknown>>;
  return (
    isCount(version) &&
    typeof sha256 === 'string' &&
    isCount(bytes) &&
    typeof run === 'string' &&
    (VERSION_STATES as readonly unknown[]).includes(state) &&
    Array.isArray(events) &&
    events.every(isCount) &&
    Array.isArray(cards) &&
    cards.every((card) => typeof card === 'string')
  );
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
