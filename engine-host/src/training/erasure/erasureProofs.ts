/** Proof that forgetting worked: the adapter that was made of the rest is asked for what was forgotten, beside the bare model. */
import type { AdapterScale } from '#protocol/generation.ts';
import type { Card } from '#protocol/memory.ts';
import { makeProbes } from '../../memory/dreaming/makeItems.ts';
import type { GateMeasurement } from '../gate/measure.ts';

/** Of a card that was forgotten. */
const WORDINGS = 3;
/** Of all cards that were forgotten together; more questions tell no more. */
const MOST_CARDS = 30;

/** What the log says about the proof of a rebuilt adapter. */
export interface ErasureProof {
  /** The erasures that it is about. */
  readonly of: readonly number[];
  readonly version: number;
  /** Questions for what was forgotten; 0: this process did not live through the forgetting, and the texts are nowhere any more. */
  readonly questions: number;
  /** Share of them that the bare model answers with the forgotten value, and the share with the new adapter. */
  readonly before: number;
  readonly after: number;
}

export interface ErasureProofsOptions {
  /** Erasures after which this model has the rest to learn again. */
  readonly open: (model: string) => readonly number[];
  readonly log: (model: string, proof: ErasureProof) => Promise<unknown>;
}

/** Holds the forgotten texts in memory alone, and only until they are asked for. */
export class ErasureProofs {
  readonly #options: ErasureProofsOptions;
  readonly #held = new Map<string, Card[]>();

  constructor(options: ErasureProofsOptions) {
    this.#options = options;
  }

  /** These models learn the rest again. */
  forgot(models: readonly string[], cards: readonly Card[]): void {
    for (const model of models) this.#held.set(model, [...(this.#held.get(model) ?? []), ...cards].slice(-MOST_CARDS));
  }

  /** `adapter`: the new one, which passed the gate as version `version`. Nothing when nothing was forgotten. */
  async prove(
    model: string,
    version: number,
    measurement: Pick<GateMeasurement, 'recalls'>,
    adapter: AdapterScale,
  ): Promise<ErasureProof | undefined> {
    const of = this.#options.open(model);
    if (of.length === 0) return undefined;
    const cards = this.#held.get(model) ?? [];
    const probes = makeProbes(cards, { seed: 1, wordings: WORDINGS, choices: 1 });
    const before = share(await measurement.recalls(probes, []));
    const after = share(await measurement.recalls(probes, [adapter]));
    const proof = { of, version, questions: probes.length, before, after };
    await this.#options.log(model, proof);
    this.#held.delete(model);
    return proof;
  }
}

function share(list: readonly boolean[]): number {
  return list.length === 0 ? 0 : list.filter(Boolean).length / list.length;
}
