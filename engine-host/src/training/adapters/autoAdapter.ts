/** The adapter that a model learnt by itself, in the engine: found when the model is loaded, swapped between requests. */
import type { AdapterList } from '#protocol/adapters.ts';
import type { EngineCalls } from '#protocol/engine.ts';
import type { AdapterInfo } from '#protocol/generation.ts';
import { toWireError } from '#protocol/errors.ts';
import { GATE_LIMITS } from '../gate/gate.ts';
import type { AdapterStore } from './adapterStore.ts';

type AdapterMethod = 'loadAdapter' | 'unloadAdapter' | 'scaleAdapters' | 'adapters';

/** The part of the engine that this needs. */
export interface AdapterEngine {
  call<M extends AdapterMethod>(
    method: M,
    params: EngineCalls[M]['params'],
    signal: AbortSignal,
  ): Promise<EngineCalls[M]['result']>;
}

export class AutoAdapter {
  readonly #engine: AdapterEngine;
  readonly #store: AdapterStore;
  readonly #onProblem: (error: unknown) => void;
  #model: string | undefined;
  /** Id in the engine of the one that answers now. */
  #id: number | undefined;
  #file: string | undefined;
  /** Ids of the cards that it was taught. */
  #taught: ReadonlySet<string> = new Set();
  #problem: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** `onProblem`: an adapter cannot be used; the model answers without it. */
  constructor(engine: AdapterEngine, store: AdapterStore, onProblem: (error: unknown) => void) {
    this.#engine = engine;
    this.#store = store;
    this.#onProblem = onProblem;
  }

  /** Another model was loaded; requests wait for this. Never rejects. */
  modelLoaded(model: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#model = model;
      this.#id = undefined;
      this.#file = undefined;
      await this.#swap(model);
    });
  }

  /** Another version is in force, or none. Requests that run keep theirs. Never rejects. */
  changed(model: string): Promise<void> {
    return this.#inTurn(async () => {
      if (model === this.#model) await this.#swap(model);
    });
  }

  /** Ids of the cards that the adapter which answers with this model was taught. */
  taught(model: string): ReadonlySet<string> {
    return model === this.#model && this.#id !== undefined ? this.#taught : new Set();
  }

  async list(model: string): Promise<AdapterList> {
    const { active, versions } = await this.#store.manifest(model);
    const loaded = model === this.#model ? await this.#loaded() : [];
    const problem = model === this.#model && this.#problem !== undefined ? { problem: this.#problem } : {};
    return { model, active, versions, loaded, limits: GATE_LIMITS, ...problem };
  }

  async #swap(model: string): Promise<void> {
    this.#problem = undefined;
    let next: AdapterInfo | undefined;
    let file: string | undefined;
    let taught: readonly string[] = [];
    try {
      const found = await this.#store.inForce(model);
      if (found !== undefined) {
        // The version's own file: its name never means another one.
        file = found.version === undefined ? found.path : this.#store.versionFile(model, found.version.version);
        if (this.#id !== undefined && file === this.#file) return;
        taught = found.version?.cards ?? [];
        const params = { path: file, scale: this.#id === undefined ? 1 : 0 };
        next = (await this.#engine.call('loadAdapter', params, NEVER)).adapter;
      }
    } catch (error) {
      this.#problem = toWireError(error).message;
      this.#onProblem(error);
    }
    const before = this.#id;
    this.#id = next?.id;
    this.#file = next === undefined ? undefined : file;
    this.#taught = new Set(taught);
    if (before === undefined) return;
    try {
      // One call changes both: no request runs with two of them or, where there is a next one, with none.
      const others = (await this.#loaded()).filter(({ id }) => id !== before && id !== next?.id);
      const scales = others.map(({ id, scale }) => ({ id, scale }));
      await this.#engine.call(
        'scaleAdapters',
        { scales: next === undefined ? scales : [...scales, { id: next.id, scale: 1 }] },
        NEVER,
      );
      await this.#engine.call('unloadAdapter', { id: before }, NEVER);
    } catch (error) {
      this.#onProblem(error);
    }
  }

  async #loaded(): Promise<readonly AdapterInfo[]> {
    return (await this.#engine.call('adapters', {}, NEVER)).adapters;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(work).catch((error: unknown) => this.#onProblem(error));
    this.#turn = result;
    return result;
  }
}

const NEVER = new AbortController().signal;
