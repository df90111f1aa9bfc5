/** The loss of a training as it goes, in so few points that they can be drawn and sent at any time. */
import type { LossCurve } from '#protocol/memory.ts';

const MOST_POINTS = 400;

export class LossRecord {
  #steps = 0;
  /** Steps that one point stands for. */
  #width = 1;
  #points: [step: number, loss: number][] = [];
  #sum = 0;
  #count = 0;

  /** `step`: from 1; those without a number, as a step of anchors alone has, are left out. */
  add(step: number, steps: number, loss: number): void {
    this.#steps = steps;
    if (!Number.isFinite(loss)) return;
    this.#sum += loss;
    this.#count += 1;
    if (this.#count < this.#width) return;
    this.#points.push([step, this.#sum / this.#count]);
    this.#sum = 0;
    this.#count = 0;
    if (this.#points.length >= MOST_POINTS) this.#halve();
  }

  get curve(): LossCurve {
    return { steps: this.#steps, points: [...this.#points] };
  }

  /** Two points become one, at the step of the later. */
  #halve(): void {
    this.#points = this.#points.flatMap(([step, loss], i, all) => {
      const before = all[i - 1];
      return i % 2 === 0 || before === undefined ? [] : [[step, (before[1] + loss) / 2]];
    });
    this.#width *= 2;
  }
}
