/**
 * Decides how much of each answer's draft a step checks: as many tokens as make an answer come faster by measured step times and
 * measured shares of right tokens, and none where that loses. Changes how many steps an answer takes, never its text.
 */
import type { Draft } from '../inference/drafter.ts';
import { remaining, type Entry } from './entry.ts';
import type { PlannedItem } from './planStep.ts';
import { StepTimes } from './stepTimes.ts';

/** Columns that a checking step may have: few, so that each is soon measured; where drafts are long, up to the widest. */
const WIDTHS = [2, 3, 4, 6, 8, 12, 16, 24, 32] as const;
/** Before any check was measured no step is wider. */
const FIRST_WIDTH = 8;
/** What checking must gain to begin, as a factor of an answer's speed, and to go on. */
const BEGIN_GAIN = 1.1;
const STAY_GAIN = 1.02;
/** Times change with the machine's load: after so many checks a plain step is measured again, */
const CHECKS_IN_A_ROW = 64;
/** and of so many promising drafts that cost forbids one is checked; twice as many each time that it does not pay. */
const LEAST_PATIENCE = 32;
const MOST_PATIENCE = 1024;
/** Beside others: how much longer a step may take for them. */
const MOST_HARM = 1.05;

/** One model's. */
export class Drafting {
  readonly #times = new StepTimes();
  #checksSincePlain = 0;
  #refused = 0;
  #patience = LEAST_PATIENCE;

  /** The plan with drafts where all of it decodes; the plan itself where nothing is drafted. */
  plan(plan: readonly PlannedItem[]): readonly PlannedItem[] {
    if (plan.some(({ entry }) => remaining(entry) !== 1)) return plan;
    const drafts = plan.map(({ entry }) => entry.task.draft?.());
    const share = plan.length === 1 ? undefined : this.#besideOthers(plan.length, drafts);
    const drafted = plan.map((item, at): PlannedItem => {
      const draft = drafts[at];
      if (draft === undefined) return item;
      const count =
        share === undefined ? this.#alone(item.entry, draft) : worthOthers(draft, share, plan.length) ? share : 0;
      return count === 0 ? item : { ...item, drafted: draft.tokens.slice(0, count) };
    });
    return drafted.some((item) => item.drafted !== undefined) ? drafted : plan;
  }

  /** A step of the plan took `ms`. */
  measured(plan: readonly PlannedItem[], ms: number): void {
    const [item] = plan;
    if (item === undefined || plan.length > 1 || remaining(item.entry) !== 1) return;
    const drafted = item.drafted?.length ?? 0;
    this.#times.measured(1 + drafted, ms);
    this.#checksSincePlain = drafted > 0 ? this.#checksSincePlain + 1 : 0;
  }

  /** How long a step of one answer with so many drafted tokens takes; undefined before anything was measured. */
  stepMs(drafted: number): number | undefined {
    return this.#times.ms(1 + drafted);
  }

  /** For one that decodes alone: the number of tokens with the highest speed, 0 where a plain step is as fast. */
  #alone(entry: Entry, draft: Draft): number {
    const plainMs = this.#times.ms(1);
    if (plainMs === undefined || this.#checksSincePlain >= CHECKS_IN_A_ROW) return 0;
    const widest = this.#times.widths > 1 ? draft.tokens.length + 1 : Math.min(FIRST_WIDTH, draft.tokens.length + 1);
    let count = 0;
    let gain = 0;
    for (const width of WIDTHS) {
      if (width > widest) break;
      const faster = ((1 + draft.expected(width - 1)) * plainMs) / (this.#times.ms(width) ?? plainMs);
      if (faster > gain) [count, gain] = [width - 1, faster];
    }
    entry.drafting = gain >= (entry.drafting ? STAY_GAIN : BEGIN_GAIN);
    if (entry.drafting) {
      this.#patience = LEAST_PATIENCE;
      this.#refused = 0;
      return count;
    }
    // Would it pay if a wide step took no longer than a plain one?
    if (1 + draft.expected(count) < 2 || ++this.#refused < this.#patience) return 0;
    this.#refused = 0;
    this.#patience = Math.min(MOST_PATIENCE, 2 * this.#patience);
    return count;
  }

  /** Tokens for each draft of several answers that decode together: as many as hold nobody up. */
  #besideOthers(together: number, drafts: readonly (Draft | undefined)[]): number {
    const plainMs = this.#times.ms(together);
    const count = drafts.filter((draft) => draft !== undefined).length;
    if (plainMs === undefined || this.#times.widths < 2 || count === 0) return 0;
    let more = 0;
    const widest = WIDTHS[WIDTHS.length - 1] ?? 0;
    while (together + more < widest && (this.#times.ms(together + more + 1) ?? Infinity) <= MOST_HARM * plainMs) more++;
    return Math.floor(more / count);
  }
}

/** Whether the answer gains more than all of `together` may lose. */
function worthOthers(draft: Draft, count: number, together: number): boolean {
  return draft.expected(count) > (MOST_HARM - 1) * together;
}
