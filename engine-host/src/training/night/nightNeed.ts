/** Nights that no number of conversations starts: memories that the adapter in force lost, or that a new model never had. Pure. */
import type { AdapterVersion } from '#protocol/adapters.ts';
import type { Card } from '#protocol/memory.ts';
import type { CardTraining } from '../../memory/cards/cardTraining.ts';
import { isLost } from '../adapters/versionFacts.ts';
import type { Manifest } from '../adapters/manifest.ts';

/** Rejected so often in a row, such a night is not begun again by itself. */
const MOST_ATTEMPTS = 3;

export interface NightNeed {
  /** `rebuild`: an adapter was withdrawn or damaged; `bootstrap`: the model is new to memories that others have. */
  readonly kind: 'rebuild' | 'bootstrap';
  /** Why it sleeps, for people. */
  readonly words: string;
}

export interface NeedFacts {
  readonly manifest: Pick<Manifest, 'active' | 'versions'>;
  /** Those that hold now. */
  readonly cards: readonly Card[];
  /** How this model was trained on each so far. */
  readonly history: ReadonlyMap<string, CardTraining>;
  /** Of the cards, those that were made while other models answered. */
  readonly ofOthers: readonly Card[];
}

export function nightNeed({ manifest, cards, history, ofOthers }: NeedFacts): NightNeed | undefined {
  const { versions } = manifest;
  if (attemptsOf(versions) >= MOST_ATTEMPTS) return undefined;
  const passed = versions.filter((v) => v.verdict?.passed === true);
  // Whoever went back from an adapter does not want the same again.
  if (passed.at(-1)?.state === 'rolledback') return undefined;
  const held = new Set(activeOf(manifest)?.cards);
  const lost = passed.filter(isLost);
  const owed = cards.filter(({ id }) => !held.has(id) && lost.some((v) => v.cards.includes(id)));
  if (owed.length > 0) {
    const why = lost.some(({ state }) => state === 'withdrawn') ? 'Something was forgotten' : 'An adapter was damaged';
    return { kind: 'rebuild', words: `${why}: ${memories(owed.length)} learnt again without it.` };
  }
  const first = passed[0]?.createdAt ?? Number.MAX_SAFE_INTEGER;
  const waiting = ofOthers.filter((card) => !history.has(card.id) && card.validFrom < first);
  if (waiting.length === 0) return undefined;
  return { kind: 'bootstrap', words: `This model is new here: ${memories(waiting.length)} taught to it.` };
}

/** Adapters that were rejected since the last one that was not. */
export function attemptsOf(versions: readonly AdapterVersion[]): number {
  return versions.length - 1 - versions.findLastIndex((v) => v.state !== 'rejected');
}

export function activeOf({ active, versions }: NeedFacts['manifest']): AdapterVersion | undefined {
  return versions.find((v) => v.version === active);
}

/** The part of a model's history that is in this adapter: what another one knew is new again. */
export function historyIn(
  adapter: Pick<AdapterVersion, 'cards'> | undefined,
  history: ReadonlyMap<string, CardTraining>,
): ReadonlyMap<string, CardTraining> {
  const held = new Set(adapter?.cards);
  return new Map([...history].filter(([id]) => held.has(id)));
}

function memories(count: number): string {
  return count === 1 ? 'one memory is' : `${count} memories are`;
}
