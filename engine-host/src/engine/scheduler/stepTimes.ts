/** How long a step takes by its columns, learnt from the steps of one decoding sequence. Times in milliseconds. */

/** How much the newest step says. */
const NEWEST = 0.2;
/** One stall of the machine is no new pace: no step counts for more than this many times what was thought. */
const MOST_JUMP = 3;
/** What a column more adds to a step, as a share of a plain one, before a second width was measured. */
const FIRST_SLOPE = 0.06;

/** One model's; holds what it has shown since it was loaded. */
export class StepTimes {
  /** [columns] → a step of so many. */
  readonly #ms: (number | undefined)[] = [];

  /** How many widths were measured. */
  get widths(): number {
    return this.#ms.reduce<number>((count) => count + 1, 0);
  }

  measured(columns: number, ms: number): void {
    const now = Math.max(ms, 1e-3);
    const before = this.ms(columns) ?? now;
    const known = this.#ms[columns] !== undefined;
    this.#ms[columns] = before + (known ? NEWEST : 1) * (Math.min(now, MOST_JUMP * before) - before);
  }

  /** Measured, or on the line through the nearest widths that were; undefined before the first measurement. */
  ms(columns: number): number | undefined {
    let below: Point | undefined;
    let first: Point | undefined;
    for (const [width, ms] of this.#points()) {
      if (width === columns) return ms;
      if (width > columns) return below === undefined ? ms : onLine(below, [width, ms], columns);
      first ??= [width, ms];
      below = [width, ms];
    }
    if (first === undefined || below === undefined) return undefined;
    // Wider than any: as steep as from the narrowest to the widest, but never falling.
    const slope =
      first === below || below[0] === first[0] ? FIRST_SLOPE * first[1] : (below[1] - first[1]) / (below[0] - first[0]);
    return below[1] + Math.max(0, slope) * (columns - below[0]);
  }

  *#points(): Generator<Point> {
    for (const [width, ms] of this.#ms.entries()) if (ms !== undefined) yield [width, ms];
  }
}

type Point = readonly [columns: number, ms: number];

function onLine([x0, y0]: Point, [x1, y1]: Point, x: number): number {
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}
