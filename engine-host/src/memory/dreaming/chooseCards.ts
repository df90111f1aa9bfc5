/** What a night trains: everything new, and the old again in a few words; where there is a limit, what failed its probe first. */
import type { Card } from '#protocol/memory.ts';
import type { CardTraining } from '../cards/cardTraining.ts';

export interface ChosenCards {
  /** Never trained, oldest first: when the time does not suffice, the rest waits for the next night. */
  readonly fresh: readonly Card[];
  readonly replay: readonly Card[];
}

/**
 * `replayShare`: part of a limited night that is for old ones. A card that failed is never left out for its age. Without a limit all old
 * ones are taught again: of those that were left out a small model recalls almost nothing after one night.
 * `limit`: most cards of a night.
 */
export function chooseCards(
  cards: readonly Card[],
  history: ReadonlyMap<string, CardTraining>,
  options: { readonly replayShare?: number; readonly limit?: number } = {},
): ChosenCards {
  const share = options.replayShare ?? 0.2;
  const limit = options.limit ?? Number.MAX_SAFE_INTEGER;
  const fresh = cards
    .filter((card) => !history.has(card.id))
    .sort((a, b) => a.validFrom - b.validFrom || (a.id < b.id ? -1 : 1));
  const old = cards
    .flatMap((card) => {
      const training = history.get(card.id);
      return training === undefined ? [] : [{ card, training }];
    })
    .sort(
      (a, b) =>
        Number(b.training.failed) - Number(a.training.failed) ||
        a.training.last - b.training.last ||
        a.training.times - b.training.times ||
        (a.card.id < b.card.id ? -1 : 1),
    );
  const taken = fresh.slice(0, Math.max(1, Math.round(limit * (1 - share))));
  const limited = options.limit !== undefined && fresh.length > 0;
  const room = limited ? Math.ceil((taken.length * share) / (1 - share)) : limit;
  const failed = old.filter(({ training }) => training.failed).length;
  const replay = old.slice(0, Math.min(limit - taken.length, Math.max(room, failed))).map(({ card }) => card);
  return { fresh: taken, replay };
}
