/** The steps of a night for real: cards, items, training, measuring, promotion. Each finds what is complete and goes on from there. */
import { access, rm } from 'node:fs/promises';
import path from 'node:path';
import type { GateLimits, Verdict } from '#protocol/adapters.ts';
import type { ModelInfo } from '#protocol/model.ts';
import { ZellError } from '#protocol/errors.ts';
import type { Card } from '#protocol/memory.ts';
import type { TrainerItem, TrainRecipe } from '#protocol/trainer.ts';
import type { CardTraining } from '../../memory/cards/cardTraining.ts';
import { mostAnchors, writeAnchors, type AnchorText, type BaseWriter } from '../../memory/dreaming/anchors.ts';
import { chooseCards } from '../../memory/dreaming/chooseCards.ts';
import type { ModelDreamer } from '../../memory/dreaming/dreamer.ts';
import { completionItems } from '../../memory/dreaming/completionItems.ts';
import { makeItems, makeProbes } from '../../memory/dreaming/makeItems.ts';
import type { ModelMemory } from '../../memory/memoryTypes.ts';
import { writeDurably } from '../../store/durable.ts';
import type { AdapterStore } from '../adapters/adapterStore.ts';
import type { AdapterEngine } from '../adapters/autoAdapter.ts';
import { incumbentOf, withCandidate } from '../adapters/candidate.ts';
import type { ErasureProofs } from '../erasure/erasureProofs.ts';
import { DOSES, searchDose } from '../gate/gate.ts';
import { GateMeasurement, type GateEngine } from '../gate/measure.ts';
import type { NativeTrainer, TrainerOpener } from '../nativeTrainer.ts';
import { ItemTokens, type ItemRenderer } from '../renderItem.ts';
import type { SleepWish, SleepWork, StepHooks } from '../sleep/sleepCycle.ts';
import { runId, type RunFolder, type SleepRun } from '../sleep/sleepRun.ts';
import { keepAnchors, readAnchors } from './anchorFile.ts';
import { nightDreamer } from './nightDreamer.ts';
import { activeOf, attemptsOf, historyIn, nightNeed } from './nightNeed.ts';
import { itemsInTime, readJson, readLesson, writeLesson, type Lesson, type TimeBox } from './lesson.ts';
import { NIGHT_RECIPE } from './recipe.ts';
import { timeBoxOf } from './timeBox.ts';
import { goOn, trainInSteps } from './trainInSteps.ts';

/** The part of the memory that a night works on. */
export interface NightMemory {
  dream(signal: AbortSignal, model?: ModelDreamer): Promise<{ readonly conversations: number; readonly cards: number }>;
  cards(): readonly Card[];
  replacedCards(): ReadonlyMap<string, Card>;
  cardHistory(model: string): ReadonlyMap<string, CardTraining>;
  cardsOfOthers(model: string): readonly Card[];
  forModel(model: string): ModelMemory;
}

/** What the user may set. */
export interface NightSettings {
  readonly budgetMs: number;
  /** Texts of the bare model's own that training holds it to. */
  readonly anchors: number;
  /** What differs from the recipe that Zell uses by itself. */
  readonly recipe: TrainRecipe;
  /** Absent: the gate's own. */
  readonly gate?: GateLimits;
}

export interface NightParts {
  readonly memory: NightMemory;
  /** The loaded model with its voice; undefined: none is loaded. */
  readonly voice: () =>
    { readonly model: ModelInfo; readonly voice: GateEngine & ItemRenderer & BaseWriter } | undefined;
  readonly adapters: AdapterEngine;
  readonly store: AdapterStore;
  readonly trainer: TrainerOpener;
  readonly runs: RunFolder;
  /** Where anchors of each model are kept. */
  readonly anchors: string;
  readonly settings: () => NightSettings;
  /** Shows that the new adapter has nothing of what was forgotten. */
  readonly erasures?: ErasureProofs;
  readonly now: () => number;
  /** A training that was interrupted could not go on where it was. `reason` is for people. */
  readonly onBegunAgain?: (run: SleepRun, reason: string) => Promise<void>;
  /** Between two checkpoints; by default a minute. */
  readonly checkpointMs?: number;
}

/** From the bare model again after so many nights that went on from the one before: drift does not pile up. */
const REBUILD_AFTER = 10;
const TEACHER_TOP = 32;
const MOST_OLD_PROBES = 30;
/** Of so few cards each is asked in three wordings, of more in one. */
const FEW_CARDS = 10;

export class NightWork implements SleepWork {
  readonly #parts: NightParts;

  constructor(parts: NightParts) {
    this.#parts = parts;
  }

  async plan(wish: SleepWish, _signal: AbortSignal): Promise<SleepRun | { readonly nothing: string }> {
    const { memory, store, now } = this.#parts;
    const found = this.#parts.voice();
    if (found === undefined) return { nothing: 'No model is loaded.' };
    const { modelHash: model, path: modelPath } = found.model;
    const closed = memory.forModel(model).closedConversations();
    const events = [...new Set(closed.flatMap((conversation) => conversation.events))].sort((a, b) => a - b);
    const history = memory.cardHistory(model);
    const manifest = await store.manifest(model);
    const { versions } = manifest;
    const cards = memory.cards();
    const need = nightNeed({ manifest, cards, history, ofOthers: memory.cardsOfOthers(model) });
    if (need === undefined && events.length === 0 && cards.every((card) => history.has(card.id)))
      return { nothing: 'There is nothing new to learn.' };
    const promoted = versions.filter((v) => v.verdict?.passed === true);
    const sinceBase = promoted.length - 1 - promoted.findLastIndex((v) => v.parent === undefined);
    const current = activeOf(manifest);
    const settings = this.#parts.settings();
    const recipe = { ...NIGHT_RECIPE, ...settings.recipe };
    const goesOn = current !== undefined && sinceBase < REBUILD_AFTER - 1 && sameShape(current.recipe ?? {}, recipe);
    const parent = goesOn ? current.sha256 : undefined;
    const attempt = attemptsOf(versions);
    const parts = {
      model,
      events,
      attempt,
      // What was rejected is tried again more gently.
      recipe: { ...recipe, learningRate: recipe.learningRate / 2 ** Math.min(attempt, 2) },
      ...(parent === undefined ? {} : { parent }),
      ...(need === undefined ? {} : { cards: cards.map(({ id }) => id) }),
    };
    const budgetMs = wish.budgetMs ?? settings.budgetMs;
    return { id: runId(parts), modelPath, budgetMs, startedAt: now(), ...parts };
  }

  async dream(run: SleepRun, hooks: StepHooks): Promise<number> {
    const { memory, runs, store } = this.#parts;
    const folder = await runs.of(run);
    const before = await readLesson(folder);
    if (before !== undefined) return before.items.length;
    const { signal, valve } = hooks;
    const voice = this.#voice(run);
    await memory.dream(signal, nightDreamer(this.#loaded(run), hooks, run.budgetMs));
    await valve.pass(0, signal);
    const cards = memory.cards();
    // From the bare model everything is new.
    const manifest = await store.manifest(run.model);
    const past = memory.cardHistory(run.model);
    const parent = manifest.versions.find((v) => v.sha256 === run.parent);
    const history = historyIn(parent, past);
    const { fresh, replay } = chooseCards(cards, history);
    const chosen = [...fresh, ...replay];
    const seed = run.recipe.seed ?? NIGHT_RECIPE.seed;
    const replayed = new Set(replay.map((card) => card.id));
    const events = await memory.forModel(run.model).fetchUnconsolidated(Number.MAX_SAFE_INTEGER);
    const items = [
      ...(chosen.length === 0 ? [] : makeItems(chosen, { seed, replay: replayed, replaced: memory.replacedCards() })),
      ...completionItems(events),
    ];
    if (items.length === 0) return 0;
    const known = historyIn(activeOf(manifest), past);
    const old = cards.filter((card) => known.has(card.id)).slice(0, MOST_OLD_PROBES);
    const isNew = fresh.filter((card) => !known.has(card.id));
    const probes = (of: readonly Card[]): Lesson['freshProbes'] =>
      makeProbes(of, { seed, wordings: of.length > FEW_CARDS ? 1 : 3, rivals: cards });
    await writeLesson(folder, {
      items,
      anchors: await this.#anchors(run.model, voice, hooks),
      fresh: fresh.map((card) => card.id),
      replay: [...replayed],
      freshProbes: probes(isNew),
      oldProbes: probes(old),
      subjects: cards.map((card) => card.subject),
    });
    return items.length;
  }

  async train(run: SleepRun, hooks: StepHooks): Promise<void> {
    const { runs, store, trainer: opener } = this.#parts;
    const { signal, valve } = hooks;
    const folder = await runs.of(run);
    const output = path.join(folder, 'candidate.lora');
    if (await exists(output)) return;
    const lesson = await this.#lesson(folder);
    const tokens = new ItemTokens(this.#voice(run));
    const { versions } = await store.manifest(run.model);
    const parent = versions.find((v) => v.sha256 === run.parent && v.state === 'promoted');
    const warm = parent === undefined ? {} : { warmStart: store.versionFile(run.model, parent.version) };
    const open = (recipe = run.recipe): Promise<NativeTrainer> => opener.open(run.modelPath, recipe, warm, signal);

    await valve.pass(0, signal);
    const { carried, numerics } = await timeBoxOf(run, folder, { lesson, tokens, open }, signal);
    const trainer = await open(numerics === undefined ? run.recipe : { ...run.recipe, numerics });
    const end = valve.onChange((held) => (held ? trainer.pause() : trainer.resume()));
    if (valve.held) trainer.pause();
    try {
      const items: TrainerItem[] = [];
      for (const item of itemsInTime(lesson, carried)) items.push(await tokens.item(item, signal));
      for (const anchor of lesson.anchors) {
        await valve.pass(0, signal);
        const item = await tokens.anchor(anchor, signal);
        if (item === undefined) continue;
        items.push({ ...item, teacher: await trainer.baseDistributions(item.tokens, item.loss, TEACHER_TOP, signal) });
      }
      await trainer.addItems(items);
      const checkpoint = path.join(folder, 'checkpoint');
      const lost = (await exists(checkpoint)) ? await goOn(trainer, checkpoint) : undefined;
      if (lost !== undefined) await this.#parts.onBegunAgain?.(run, lost);
      await trainInSteps(trainer, checkpoint, hooks, this.#parts.checkpointMs);
      const metadata = { 'zell.run': run.id, 'zell.base.model_hash': run.model, 'zell.recipe.version': '1' };
      await trainer.saveAdapter(output, metadata);
      await rm(checkpoint, { force: true });
    } finally {
      end();
      await trainer.close();
    }
  }

  async evaluate(run: SleepRun, hooks: StepHooks): Promise<{ readonly promoted: boolean; readonly words: string }> {
    const { adapters, memory, runs, store } = this.#parts;
    const folder = await runs.of(run);
    const lesson = await this.#lesson(folder);
    const voice = this.#voice(run);
    const carried = new Set((await readJson<TimeBox>(path.join(folder, 'timebox.json')))?.carried);
    const taught = [...lesson.fresh, ...lesson.replay].filter((card) => !carried.has(card));
    const taughtIds = new Set(taught);
    // Of memories from nights long ago, too: forgetting what was said then takes this adapter with it.
    const sources = memory.cards().flatMap((card) => (taughtIds.has(card.id) ? card.sources : []));
    const manifest = await store.manifest(run.model);
    const parent = manifest.versions.find((v) => v.sha256 === run.parent);
    const version = await store.adopt(run.model, {
      file: path.join(folder, 'candidate.lora'),
      run: run.id,
      by: 'sleep',
      events: [...run.events, ...sources],
      cards: taught,
      recipe: { ...run.recipe },
      ...(parent === undefined ? {} : { parent: parent.version }),
    });
    let verdict = version.verdict;
    if (verdict === undefined) {
      const incumbent = await incumbentOf(adapters, store, run.model);
      const file = store.candidateFile(run.model, version.version);
      const questions = {
        fresh: lesson.freshProbes.filter((probe) => !carried.has(probe.card)),
        old: lesson.oldProbes,
        subjects: lesson.subjects,
      };
      const measurement = new GateMeasurement(voice, questions, hooks);
      const measured = async (id: number): Promise<Verdict> => {
        const found = await searchDose(
          (scale) => measurement.measure(id, scale, incumbent),
          DOSES,
          this.#parts.settings().gate,
        );
        const failed = measurement.missed(found.scale);
        await writeDurably(path.join(folder, 'missed.json'), JSON.stringify(failed));
        const use = { id, scale: found.scale };
        if (found.passed) await this.#parts.erasures?.prove(run.model, version.version, measurement, use);
        return found;
      };
      verdict = await withCandidate(adapters, file, measured, hooks.signal);
      await store.judge(run.model, version.version, verdict);
    }
    const later = carried.size === 0 ? '' : ` ${carried.size} memories wait for the next night.`;
    const known = Math.round((verdict.numbers['recallAfter'] ?? 0) * 100);
    const words = verdict.passed
      ? `Learnt: ${known} % of what is new is recalled in other words.${later}`
      : `Nothing was changed. ${nearest(verdict)}${verdict.failed.join(' ')}`;
    return { promoted: verdict.passed, words };
  }

  async settle(run: SleepRun, learnt: boolean): Promise<void> {
    if (!learnt) return;
    const { memory, runs, store } = this.#parts;
    const folder = await runs.of(run);
    const lesson = await readLesson(folder);
    const carried = new Set((await readJson<TimeBox>(path.join(folder, 'timebox.json')))?.carried);
    const waiting = new Set(memory.cards().flatMap((card) => (carried.has(card.id) ? card.sources : [])));
    const cards = [...(lesson?.fresh ?? []), ...(lesson?.replay ?? [])].filter((card) => !carried.has(card));
    const failed = (await readJson<string[]>(path.join(folder, 'missed.json'))) ?? [];
    const { versions } = await store.manifest(run.model);
    const adapter = versions.find((v) => v.run === run.id)?.sha256;
    await memory.forModel(run.model).markConsolidated(
      run.events.filter((event) => !waiting.has(event)),
      { cards, failed, ...(adapter === undefined ? {} : { adapter }) },
    );
  }

  /** Written once for each model; for more of them than there are, all again. */
  async #anchors(model: string, voice: BaseWriter, hooks: StepHooks): Promise<readonly AnchorText[]> {
    const { valve, signal, onProgress } = hooks;
    const count = Math.min(this.#parts.settings().anchors, mostAnchors());
    const known = await readAnchors(this.#parts.anchors, model, count);
    if (known !== undefined) return known;
    let done = 0;
    const rested = async (write: () => Promise<string>, stop: AbortSignal): Promise<string> => {
      await valve.pass(0, stop);
      const started = performance.now();
      const text = await write();
      onProgress({ done: ++done / count });
      await valve.pass(performance.now() - started, stop);
      return text;
    };
    const paced: BaseWriter = {
      free: (options, stop) => rested(() => voice.free(options, stop), stop),
      chat: (prompt, options, stop) => rested(() => voice.chat(prompt, options, stop), stop),
    };
    const anchors = await writeAnchors(paced, NIGHT_RECIPE.seed, signal, count);
    await keepAnchors(this.#parts.anchors, model, count, anchors);
    return anchors;
  }

  async #lesson(folder: string): Promise<Lesson> {
    const lesson = await readLesson(folder);
    if (lesson === undefined) throw new ZellError('io', 'What this night was to teach is missing.');
    return lesson;
  }

  #voice(run: SleepRun): GateEngine & ItemRenderer & BaseWriter {
    return this.#loaded(run).voice;
  }

  /** @throws {ZellError} model_not_found */
  #loaded(run: SleepRun): NonNullable<ReturnType<NightParts['voice']>> {
    const found = this.#parts.voice();
    if (found === undefined || found.model.modelHash !== run.model)
      throw new ZellError('model_not_found', 'Another model is loaded than the one that is learning.');
    return found;
  }
}

/** Which of several doses the reasons are about. */
function nearest({ tried, scale }: Verdict): string {
  return tried === undefined ? '' : `Of ${tried.length} strengths, ${scale} came nearest to passing. `;
}

/** Training goes on from an adapter of the same matrices only. */
function sameShape(before: Readonly<Record<string, unknown>>, now: TrainRecipe): boolean {
  return (['rank', 'alpha', 'targets'] as const).every((name) => before[name] === now[name]);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
