// How far a run is and how long it still takes, judged by what it has done so far.

interface Stage {
  readonly name: string;
  /** How long it takes beside the others; only the proportions count. */
  readonly weight: number;
}

/** Told how far a stage is, and, if it likes, in words. */
export type Step = (done: number, of: number, words?: string) => void;

export class Progress {
  readonly #stages: readonly Stage[];
  readonly #say: (line: string) => void;
  readonly #now: () => number;
  readonly #started: number;
  #current = -1;
  #saidAt = -Infinity;

  constructor(stages: readonly Stage[], say: (line: string) => void, now: () => number = () => performance.now()) {
    this.#stages = stages;
    this.#say = say;
    this.#now = now;
    this.#started = now();
  }

  /** The next stage begins. @returns what to call with its own progress */
  begin(name: string): Step {
    this.#current = this.#stages.findIndex((stage) => stage.name === name);
    if (this.#current < 0) throw new Error(`No stage is called ${name}.`);
    this.#line(name, 0, '');
    return (done, of, words = ` ${Math.floor(done)} of ${of}`) => {
      if (this.#now() - this.#saidAt < 5000 && done < of) return;
      this.#line(name, done / of, words);
    };
  }

  note(line: string): void {
    this.#say(line);
  }

  #line(name: string, share: number, what: string): void {
    this.#saidAt = this.#now();
    const weight = (stages: readonly Stage[]): number => stages.reduce((sum, stage) => sum + stage.weight, 0);
    const done = weight(this.#stages.slice(0, this.#current)) + share * (this.#stages[this.#current]?.weight ?? 0);
    const elapsed = this.#now() - this.#started;
    const left = done === 0 ? undefined : ((weight(this.#stages) - done) / done) * elapsed;
    const rest = left === undefined ? '' : `, about ${Math.max(1, Math.round(left / 60_000))} min left`;
    this.#say(`${name}${what} (${(elapsed / 60_000).toFixed(1)} min${rest})`);
  }
}
