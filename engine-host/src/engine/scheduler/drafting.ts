/**
 * Decides how much of each answer's draft a step checks: as many tokens as make an answer come faster by measured step times and
 * measured shares of right tokens, and none where that loses. Changes how many steps an answer takes, never its text.
 */
import { Acceptance } from '../inference/acceptance.ts';
import type { Draft } from '../inference/drafter.ts';
import { remaining, type Entry } from './entry.ts';
import type { PlannedItem } from './planStep.ts';
import { WIDTHS, Worth, type Choice } from './worth.ts';

/** Times change with the machine's load: after so many checks a plain step is measured again. */
const CHECKS_IN_A_ROW = 64;
/** Beside others: how much longer a step may take for them. */
const MOST_HARM = 1.05;
/** Most guesses of a draft head in a row, and what share of first and later ones is expected at first. */
const MOST_GUESSES = 15;
const FIRST_GUESS = 0.5;
const LATER_GUESS = 0.6;
/** A head goes on guessing while all is right with this chance at least, before its times were measured, and within these limits after. */
const USUAL_CHANCE = 0.1;
const LEAST_CHANCE = 0.02;
const MOST_CHANCE = 0.3;

/** One model's. */
export class Drafting {
  readonly #texts = new Worth();
  /** The model's draft head, if it has one, and how often it is right. */
  readonly #head: Worth | undefined;
  readonly #guesses = new Acceptance(FIRST_GUESS, LATER_GUESS);
  #headPays = false;
  #checksSincePlain = 0;

  /** `head`: the model has a draft head. */
  constructor(head = false) {
    if (head) this.#head = new Worth();
  }

  /** The plan with drafts where all of it decodes; the plan itself where nothing is drafted. */
  plan(plan: readonly PlannedItem[]): readonly PlannedItem[] {
    if (plan.some(({ entry }) => remaining(entry) !== 1)) return plan;
    const drafts = plan.map(({ entry }) => entry.task.draft?.());
    const [item, ...others] = plan;
    if (item === undefined) return plan;
    if (others.length === 0) {
      const alone = this.#alone(item, drafts[0]);
      return alone === item ? plan : [alone];
    }
    const share = this.#besideOthers(plan.length, drafts);
    const drafted = plan.map((one, at): PlannedItem => {
      const draft = drafts[at];
      if (draft === undefined || share === 0 || !worthOthers(draft, share, plan.length)) return one;
      return { ...one, drafted: draft.tokens.slice(0, share) };
    });
    return drafted.some((one) => one.drafted !== undefined) ? drafted : plan;
  }

  /** A step of the plan took `ms`. */
  measured(plan: readonly PlannedItem[], ms: number): void {
    const [item] = plan;
    if (item === undefined || plan.length > 1 || remaining(item.entry) !== 1) return;
    const { drafted = [], propose } = item;
    if (propose === undefined) this.#texts.times.measured(1 + drafted.length, ms);
    if (drafted.length === 0) this.#head?.times.measured(1 + (propose?.count ?? 0), ms);
    this.#checksSincePlain = drafted.length > 0 || propose !== undefined ? this.#checksSincePlain + 1 : 0;
  }

  /** Of at most `asked` guesses of the draft head so many were right. */
  guessed(asked: number, right: number): void {
    this.#guesses.observed(right, right === asked);
  }

  /** How long a step of one answer with such a draft takes; undefined before anything was measured. */
  stepMs({ drafted, propose }: Pick<PlannedItem, 'drafted' | 'propose'>): number | undefined {
    return propose === undefined
      ? this.#texts.times.ms(1 + (drafted?.length ?? 0))
      : this.#head?.times.ms(1 + propose.count);
  }

  /** For one that decodes alone: whichever draft makes it faster, or the item as it is. */
  #alone(item: PlannedItem, draft: Draft | undefined): PlannedItem {
    if (this.#checksSincePlain >= CHECKS_IN_A_ROW) return item;
    const { entry } = item;
    const text = draft && this.#texts.choose({ length: draft.tokens.length, ...expectedOf(draft) }, entry.drafting);
    if (text !== undefined) entry.drafting = text.pays;
    const head = this.#guess(entry);
    if (head !== undefined && head.count > 0 && head.gain > (text?.gain ?? 0))
      return { ...item, propose: { count: head.count, leastChance: this.#leastChance(head.count) } };
    if (draft === undefined || text === undefined || text.count === 0) return item;
    return { ...item, drafted: draft.tokens.slice(0, text.count) };
  }

  #guess(entry: Entry): Choice | undefined {
    const length = Math.min(MOST_GUESSES, entry.task.mostDrafted?.() ?? 0);
    if (this.#head === undefined || length < 1) return undefined;
    const choice = this.#head.choose({ length, expected: (count) => this.#guesses.expected(count) }, this.#headPays);
    this.#headPays = choice.pays;
    return choice;
  }

  /** A guess is worth its own time as long as it saves as much of a step by its chance. */
  #leastChance(count: number): number {
    const plain = this.#head?.times.ms(1);
    const checked = this.#head?.times.ms(1 + count);
    if (plain === undefined || checked === undefined) return USUAL_CHANCE;
    return Math.min(MOST_CHANCE, Math.max(LEAST_CHANCE, (checked - plain) / (count * plain)));
  }

  /** Tokens for each draft of several answers that decode together: as many as hold nobody up. */
  #besideOthers(together: number, drafts: readonly (Draft | undefined)[]): number {
    const { times } = this.#texts;
    const plainMs = times.ms(together);
    const count = drafts.filter((draft) => draft !== undefined).length;
    if (plainMs === undefined || times.widths < 2 || count === 0) return 0;
    let more = 0;
    const widest = WIDTHS[WIDTHS.length - 1] ?? 0;
    while (together + more < widest && (times.ms(together + more + 1) ?? Infinity) <= MOST_HARM * plainMs) more++;
    return Math.floor(more / count);
  }
}

function expectedOf(draft: Draft): Pick<Draft, 'expected'> {
  return { expected: (count) => draft.expected(count) };
}

/** Whether the answer gains more than all of `together` may lose. */
function worthOthers(draft: Draft, count: number, together: number): boolean {
  return draft.expected(count) > (MOST_HARM - 1) * together;
}
