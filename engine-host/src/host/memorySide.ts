/** What the host remembers and learns: adapters, learning, erasure, and the part of its status that tells of them. */
import type { Logger } from 'pino';
import { toWireError } from '#protocol/errors.ts';
import type { HostStatus } from '#protocol/editor.ts';
import type { ModelInfo } from '#protocol/model.ts';
import type { MemoryStatus } from '#protocol/memory.ts';
import { Memory } from '../memory/memory.ts';
import type { MachineWatch } from '../monitor/machineWatch.ts';
import type { ChatTemplates } from '../templates/chatTemplates.ts';
import { AdapterStore } from '../training/adapters/adapterStore.ts';
import { AutoAdapter } from '../training/adapters/autoAdapter.ts';
import { AdapterExchange } from './adapterExchange.ts';
import { eraseEverywhere, finishErasures, type ErasureParts } from './erasure.ts';
import { forgetPrefixes, removePrefixFiles } from './forgetPrefixes.ts';
import type { HostEngine } from './hostEngine.ts';
import type { HostFactories } from './hostParts.ts';
import { Learning } from './learning.ts';
import type { Leases } from './leases.ts';
import type { MemoryPort } from './memoryPort.ts';
import type { ZellPaths } from './paths.ts';

export interface MemorySideParts {
  readonly paths: ZellPaths;
  readonly make: Pick<HostFactories, 'lock' | 'trainer'>;
  /** Absent: nothing is learnt. */
  readonly machine: MachineWatch | undefined;
  readonly log: Logger;
  readonly engine: HostEngine;
  readonly memory: MemoryPort;
  readonly templates: ChatTemplates | undefined;
  readonly leases: Leases;
  readonly model: () => ModelInfo | undefined;
  /** `status` changed. */
  readonly onChange: () => void;
}

export class MemorySide {
  readonly adapters: AdapterStore;
  readonly auto: AutoAdapter;
  readonly learning: Learning | undefined;
  readonly exchange: AdapterExchange | undefined;
  readonly #parts: MemorySideParts;
  readonly #listeners = new Set<(lastEventId: number) => void>();
  #status: HostStatus['memory'];
  #started: Promise<void> | undefined;
  #releaseSleep: (() => void) | undefined;

  constructor(parts: MemorySideParts) {
    this.#parts = parts;
    const { paths, make, log, engine, memory, templates } = parts;
    this.adapters = new AdapterStore({
      folder: paths.lora,
      log: async (model, { type, ...data }) => memory.note?.(model, type, data),
      onChange: (model) => void this.auto.changed(model),
      onProblem: (model, error) => log.error({ model, error: toWireError(error) }, 'adapters cannot be read'),
    });
    this.auto = new AutoAdapter(engine, this.adapters, (error) =>
      log.warn({ error: toWireError(error) }, 'an adapter cannot be used'),
    );
    memory.useTaught?.((model) => this.auto.taught(model));
    memory.onForgotten?.((forgotten) =>
      eraseEverywhere(
        forgotten,
        this.#erasure(() => this.forgetPrefixes(AbortSignal.any([]))),
      ),
    );
    memory.onChange((lastEventId) => {
      for (const listener of this.#listeners) listener(lastEventId);
      void this.refresh();
    });
    const { machine } = parts;
    const trainer = make.trainer?.();
    if (machine === undefined || trainer === undefined) return;
    if (!(memory instanceof Memory) || templates === undefined) return;
    const shared = { paths, memory, engine, templates, store: this.adapters };
    this.learning = new Learning({
      ...shared,
      machine,
      trainer,
      lock: make.lock,
      model: parts.model,
      onChange: () => this.#learningChanged(),
      onProblem: (error) => log.error({ error: toWireError(error) }, 'learning'),
    });
    this.exchange = new AdapterExchange({ ...shared, auto: this.auto, learning: this.learning });
  }

  /** As of the last `refresh`. */
  get status(): HostStatus['memory'] {
    return this.#status;
  }

  async wholeStatus(): Promise<MemoryStatus> {
    const status = await this.#parts.memory.status(this.#parts.model()?.modelHash);
    return this.learning?.completed(status) ?? status;
  }

  /** @returns the end of it */
  onMemoryChanged(listener: (lastEventId: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  forgetPrefixes(signal: AbortSignal): Promise<void> {
    return forgetPrefixes(this.#parts.engine, this.#parts.paths.prefixes, signal);
  }

  /** Before anybody hears of the host: what an erasure that was interrupted left behind goes first. */
  async open(): Promise<void> {
    await this.refresh();
    await finishErasures(this.#erasure(() => removePrefixFiles(this.#parts.paths.prefixes)));
  }

  /** Not awaited: nobody who starts a host waits for its sleep. */
  startLearning(): void {
    const { log } = this.#parts;
    this.#started = this.learning
      ?.start()
      .catch((error: unknown) => log.error({ error: toWireError(error) }, 'learning does not start'));
  }

  async stopLearning(): Promise<void> {
    await this.#started;
    await this.learning?.close();
  }

  /** Never rejects. `look`: something changed from which a sleep may follow. */
  async refresh(look = true): Promise<void> {
    try {
      const { enabled, mode, paused, closedWaiting, sleepAfter, state, sleep } = await this.wholeStatus();
      const maybe = { ...(paused === undefined ? {} : { paused }), ...(sleep === undefined ? {} : { sleep }) };
      this.#status = { enabled, mode, closedWaiting, sleepAfter, state, ...maybe };
      if (look) this.learning?.look();
    } catch (error) {
      this.#parts.log.error({ error: toWireError(error) }, 'memory status');
    }
    this.#parts.onChange();
  }

  /** A host with a sleep to come stays, whoever leaves. */
  #learningChanged(): void {
    if (this.learning?.needed === true) this.#releaseSleep ??= this.#parts.leases.acquire('sleep');
    else {
      this.#releaseSleep?.();
      this.#releaseSleep = undefined;
    }
    void this.refresh(false);
  }

  #erasure(prefixes: () => Promise<void>): ErasureParts {
    return {
      memory: this.#parts.memory,
      store: this.adapters,
      auto: this.auto,
      learning: () => this.learning,
      forgetPrefixes: prefixes,
    };
  }
}
