/** Learning in the host: the monitor, the sleep cycle and what it works with. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { GateLimits } from '#protocol/adapters.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import type { Card, LossCurve, MemoryStatus } from '#protocol/memory.ts';
import type { Forgotten } from '../memory/forget.ts';
import type { Memory } from '../memory/memory.ts';
import type { MachineWatch } from '../monitor/machineWatch.ts';
import { Monitor } from '../monitor/monitor.ts';
import type { ChatTemplates } from '../templates/chatTemplates.ts';
import type { AdapterStore } from '../training/adapters/adapterStore.ts';
import { NO_VERSIONS } from '../training/adapters/manifest.ts';
import { ErasureProofs } from '../training/erasure/erasureProofs.ts';
import { nightNeed, type NightNeed } from '../training/night/nightNeed.ts';
import { NightWork } from '../training/night/nightWork.ts';
import type { TrainerOpener } from '../training/nativeTrainer.ts';
import { SleepCycle } from '../training/sleep/sleepCycle.ts';
import { DEFAULT_SLEEP_SETTINGS, readSleepSettings, sleepDue, type SleepSettings } from '../training/sleep/sleepDue.ts';
import { isWorking } from '../training/sleep/sleepState.ts';
import { RunFolder } from '../training/sleep/sleepRun.ts';
import type { HostEngine } from './hostEngine.ts';
import { ModelVoice } from './modelVoice.ts';
import type { OsLock } from './osLock.ts';
import type { ZellPaths } from './paths.ts';
import { lockSleeper } from './sleeperLock.ts';

/** What training takes beside the mapped model, roughly; the trainer itself knows exactly, and refuses what does not fit. */
const NEED_BYTES = 512 * 1024 ** 2;
const NEED_SHARE = 0.3;

export interface LearningParts {
  readonly paths: ZellPaths;
  readonly memory: Memory;
  readonly engine: HostEngine;
  readonly templates: ChatTemplates;
  readonly model: () => ModelInfo | undefined;
  readonly store: AdapterStore;
  readonly machine: MachineWatch;
  readonly trainer: TrainerOpener;
  readonly lock: OsLock;
  readonly onChange: () => void;
  readonly onProblem: (error: unknown) => void;
}

export class Learning {
  readonly #parts: LearningParts;
  readonly #monitor: Monitor;
  readonly #cycle: SleepCycle;
  readonly #erasures: ErasureProofs;
  #settings: SleepSettings = DEFAULT_SLEEP_SETTINGS;
  /** A night that the loaded model needs whatever was said lately; found again after every change. */
  #need: NightNeed | undefined;
  /** Pieces of work during which no sleep begins. */
  #keptAwake = 0;
  /** Models that cannot be trained, found out by trying. */
  readonly #unteachable = new Set<string>();

  constructor(parts: LearningParts) {
    this.#parts = parts;
    const { paths, memory, engine, store, trainer, lock, onChange, onProblem } = parts;
    this.#monitor = new Monitor({
      machine: parts.machine,
      now: () => Date.now(),
      onBattery: () => this.#settings.onBattery,
      fullSpeed: () => this.#settings.fullSpeed,
    });
    const runs = new RunFolder(paths.memory);
    this.#erasures = new ErasureProofs({
      open: (model) => memory.unprovedErasures(model),
      log: (model, proof) => memory.note(model, 'erasure.proved', { ...proof }),
    });
    const work = new NightWork({
      memory,
      voice: () => this.#voice(),
      adapters: engine,
      store,
      trainer,
      runs,
      anchors: path.join(paths.memory, 'anchors'),
      settings: () => {
        const { budgetMinutes, anchors, recipe, gate } = this.#settings;
        return { budgetMs: budgetMinutes * 60_000, anchors, recipe, gate };
      },
      erasures: this.#erasures,
      onBegunAgain: async ({ id, model }, reason) => {
        await memory.note(model, 'sleep.changed', { from: 'training', to: 'training', reason, run: id });
      },
      now: () => Date.now(),
    });
    this.#cycle = new SleepCycle({
      gate: this.#monitor,
      work,
      runs,
      lock: () => (this.#keptAwake > 0 ? undefined : lockSleeper(lock)),
      forbidden: (now) => this.#forbidden(now),
      due: (now) => this.#due(now),
      needBytes: () => NEED_BYTES + NEED_SHARE * (parts.model()?.bytes ?? 0),
      log: ({ from, to, reason, run }) =>
        memory.note(parts.model()?.modelHash ?? '', 'sleep.changed', { from, to, reason, ...(run && { run }) }),
      onChange,
      onProblem: (error) => {
        const model = parts.model();
        if (model !== undefined && ZellError.is(error, 'unsupported')) this.#unteachable.add(model.modelHash);
        onProblem(error);
      },
      now: () => Date.now(),
    });
  }

  /** Never rejects: without settings there are the defaults. */
  async start(): Promise<void> {
    const { paths } = this.#parts;
    const text = await readFile(path.join(paths.memory, 'sleep.json'), 'utf8').catch(() => '{}');
    try {
      this.#settings = readSleepSettings(JSON.parse(text));
    } catch {
      this.#settings = DEFAULT_SLEEP_SETTINGS;
    }
    await this.#findNeed();
    await this.#monitor.start();
    await this.#cycle.start();
  }

  /** What the gate asks of a night's adapter. */
  get gateLimits(): GateLimits {
    return this.#settings.gate;
  }

  /** Requests that the engine is answering. */
  requests(count: number): void {
    this.#monitor.requests(count);
  }

  /** A sleep is due or running: the host stays. */
  get needed(): boolean {
    return this.#cycle.needed;
  }

  /** The memory, the model or the user's choice changed. */
  look(): void {
    void this.#findNeed().then(() => this.#cycle.look());
  }

  /** A night that may hold it is dropped, with everything that it wrote. */
  async forgot({ ids, cards }: Pick<Forgotten, 'ids' | 'cards'>): Promise<void> {
    if (ids.length + cards.length > 0) await this.#cycle.drop();
  }

  /** These models lost an adapter and learn the rest again; what was forgotten is asked for afterwards. */
  rebuild(models: readonly string[], forgotten: readonly Card[]): void {
    this.#erasures.forgot(models, forgotten);
    this.look();
  }

  async sleepNow(budgetMinutes: number | undefined): Promise<void> {
    await this.#closeConversations();
    this.#cycle.sleepNow(budgetMinutes === undefined ? undefined : budgetMinutes * 60_000);
  }

  wake(): void {
    this.#cycle.wake();
  }

  /** No sleep begins during this work. @throws {ZellError} busy: one is under way */
  async awake<T>(work: () => Promise<T>): Promise<T> {
    if (isWorking(this.#cycle.status().phase))
      throw new ZellError('busy', 'Zell is asleep. Wait for its end, or "zell memory wake".');
    this.#keptAwake += 1;
    try {
      return await work();
    } finally {
      this.#keptAwake -= 1;
    }
  }

  /** The user's choice forbids it from now on: whatever sleeps is woken. */
  rest(): void {
    if (this.#cycle.needed && this.#forbidden(Date.now()) !== undefined) this.#cycle.wake();
  }

  get curve(): LossCurve {
    return this.#cycle.curve;
  }

  /** The memory's status with what the cycle does. */
  completed(status: MemoryStatus): MemoryStatus {
    const sleep = this.#cycle.status();
    const state = sleep.phase === 'dreaming' || sleep.phase === 'training' ? 'sleeping' : sleep.phase;
    const next = this.#need === undefined ? {} : { next: this.#need.words };
    return { ...status, state, sleepAfter: this.#settings.conversations, sleep: { ...sleep, ...next } };
  }

  async close(): Promise<void> {
    await this.#cycle.close();
    this.#monitor.stop();
  }

  /** In words, why nothing may be learnt by itself. */
  #forbidden(now: number): string | undefined {
    const { choice } = this.#parts.memory;
    if (choice.mode === 'off') return 'The memory is off: nothing is recorded or learnt.';
    if (choice.mode === 'log') return 'Conversations are recorded; nothing is learnt from them.';
    const paused = choice.paused(now);
    if (paused === undefined) return undefined;
    if (paused.until === undefined) return 'Learning is paused until you resume it.';
    return `Learning is paused until ${new Date(paused.until).toLocaleString()}.`;
  }

  #due(now: number): { readonly is: boolean; readonly words: string } {
    const model = this.#parts.model();
    if (model === undefined) return { is: false, words: 'No model is loaded.' };
    if (this.#unteachable.has(model.modelHash)) return { is: false, words: 'This model cannot be trained.' };
    if (this.#need !== undefined) return { is: true, words: this.#need.words };
    const closed = this.#parts.memory.forModel(model.modelHash).closedConversations();
    return sleepDue(
      closed.map(({ updatedAt }) => updatedAt),
      this.#settings,
      now,
    );
  }

  /** Never rejects: what cannot be read is needed by nobody. */
  async #findNeed(): Promise<void> {
    const { memory, store, model } = this.#parts;
    const hash = model()?.modelHash;
    const cards = memory.cards();
    if (hash === undefined || cards.length === 0) {
      this.#need = undefined;
      return;
    }
    const manifest = await store.manifest(hash).catch(() => NO_VERSIONS);
    const facts = { manifest, cards, history: memory.cardHistory(hash), ofOthers: memory.cardsOfOthers(hash) };
    this.#need = nightNeed(facts);
  }

  #voice(): { readonly model: ModelInfo; readonly voice: ModelVoice } | undefined {
    const model = this.#parts.model();
    if (model === undefined) return undefined;
    return { model, voice: new ModelVoice(this.#parts.engine, this.#parts.templates, model) };
  }

  /** Whoever says "sleep now" has said what there was to say. */
  async #closeConversations(): Promise<void> {
    const { memory, model } = this.#parts;
    const { conversations } = await memory.list({ limit: 500 }, model()?.modelHash);
    for (const { id, closed } of conversations) if (!closed) await memory.closeNow(id);
  }
}
