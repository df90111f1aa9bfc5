/** How many guessed tokens a step had better check: by what steps of each width have taken, and what share was right. */
import type { Draft } from '../inference/drafter.ts';
import { StepTimes } from './stepTimes.ts';

/** Columns that a checking step may have: few, so that each is soon measured; where drafts are long, up to the widest. */
export const WIDTHS = [2, 3, 4, 6, 8, 12, 16, 24, 32] as const;
/** Before any check was measured no step is wider. */
const FIRST_WIDTH = 8;
/** What checking must gain to begin, as a factor of an answer's speed, and to go on. */
const BEGIN_GAIN = 1.1;
const STAY_GAIN = 1.02;
/** Times change with the machine's load: of so many promising drafts that cost forbids one is checked; */
const LEAST_PATIENCE = 32;
/** twice as many each time that it does not pay. */
const MOST_PATIENCE = 1024;

export interface Choice {
  /** Tokens to check; 0: none. */
  readonly count: number;
  /** By which factor the answer comes faster; below 1 where it is only tried. */
  readonly gain: number;
  /** It pays by all that is known; otherwise it is tried now and then. */
  readonly pays: boolean;
}

/** One way to draft, of one model. */
export class Worth {
  /** Of steps with such drafts, by columns; plain ones have one. */
  readonly times = new StepTimes();
  #refused = 0;
  #patience = LEAST_PATIENCE;

  /** For an answer that decodes alone. `going`: its last draft of this kind was worth it. */
  choose(draft: Pick<Draft, 'expected'> & { readonly length: number }, going: boolean): Choice {
    const plainMs = this.times.ms(1);
    if (plainMs === undefined) return { count: 0, gain: 0, pays: false };
    const widest = this.times.widths > 1 ? draft.length + 1 : Math.min(FIRST_WIDTH, draft.length + 1);
    let count = 0;
    let gain = 0;
    for (const width of WIDTHS) {
      if (width > widest) break;
      const faster = ((1 + draft.expected(width - 1)) * plainMs) / (this.times.ms(width) ?? plainMs);
      if (faster > gain) [count, gain] = [width - 1, faster];
    }
    if (gain >= (going ? STAY_GAIN : BEGIN_GAIN)) {
      this.#patience = LEAST_PATIENCE;
      this.#refused = 0;
      return { count, gain, pays: true };
    }
    // Would it pay if a wide step took no longer than a plain one?
    if (1 + draft.expected(count) < 2 || ++this.#refused < this.#patience) return { count: 0, gain: 0, pays: false };
    this.#refused = 0;
    this.#patience = Math.min(MOST_PATIENCE, 2 * this.#patience);
    return { count, gain: Math.min(gain, 1), pays: false };
  }
}
