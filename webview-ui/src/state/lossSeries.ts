/** The live curve: what was known when the page opened, and what each push adds. */
import type { LossCurve } from '#protocol/memory.ts';

/** How much a step moves the smooth line. */
const SMOOTHING = 0.2;

export class LossSeries {
  #steps = 0;
  #points: (readonly [step: number, loss: number])[] = [];

  load({ steps, points }: LossCurve): void {
    this.#steps = steps;
    this.#points = [...points];
  }

  /** @returns false when it says nothing new */
  push(step: number | undefined, steps: number | undefined, loss: number | undefined): boolean {
    if (step === undefined || steps === undefined || loss === undefined || !Number.isFinite(loss)) return false;
    const last = this.#points.at(-1)?.[0] ?? 0;
    // A training that begins anew, or goes on from its last checkpoint.
    if (step < last) this.#points = this.#points.filter(([at]) => at < step);
    else if (step === last) return false;
    this.#steps = steps;
    this.#points.push([step, loss]);
    return true;
  }

  get steps(): number {
    return this.#steps;
  }

  get last(): readonly [step: number, loss: number] | undefined {
    return this.#points.at(-1);
  }

  get first(): readonly [step: number, loss: number] | undefined {
    return this.#points[0];
  }

  /** Steps, losses, and the losses without their jitter. */
  get columns(): [number[], number[], number[]] {
    const losses = this.#points.map(([, loss]) => loss);
    let mean = losses[0] ?? 0;
    const smooth = losses.map((loss) => (mean += SMOOTHING * (loss - mean)));
    return [this.#points.map(([step]) => step), losses, smooth];
  }
}
