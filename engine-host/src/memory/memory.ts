/** The memory as the rest of the host sees it: records exchanges, shows and erases them, and hands them to learning. */
import type { EditorNotifications, EditorRequests } from '#protocol/editor.ts';
import type {
  Card,
  ConversationSummary,
  EventType,
  MemoryEvent,
  MemoryForget,
  MemoryStatus,
} from '#protocol/memory.ts';
import { EventLog } from '../store/eventLog.ts';
import { CardKeeper } from './cards/cardKeeper.ts';
import type { HeldCard } from './cards/cardProjection.ts';
import { trainingOf, type CardTraining } from './cards/cardTraining.ts';
import { ConversationChain } from './conversationChain.ts';
import type { ModelDreamer } from './dreaming/dreamer.ts';
import { findText } from './findText.ts';
import { finishErasing, forgetIn, unfinishedErasures, unprovedErasures, type Forgotten } from './forget.ts';
import { Journal } from './journal.ts';
import { machineKey } from './machineKey.ts';
import { MemorySettings, type MemoryChoice } from './memorySettings.ts';
import type { MemoryOptions, ModelMemory, RecordedExchange } from './memoryTypes.ts';
import { sample, titleOf } from './pick.ts';
import { Recall, type Recalled, type RecallQuestion } from './recall/recall.ts';
import { Recorder } from './recorder.ts';
import { WorkerRedactor, type Redactor } from './redactor.ts';
import { expiringSoon, RETENTION_DAYS, SWEEP_MS } from './retention.ts';

/** Closed conversations that start a sleep. */
const SLEEP_AFTER = 100;

export class Memory {
  readonly #journal: Journal;
  readonly #recorder: Recorder;
  readonly #cards: CardKeeper;
  readonly #recall: Recall;
  readonly #settings: MemorySettings;
  readonly #redactor: Redactor;
  readonly #forgetListeners: ((forgotten: Forgotten) => Promise<void>)[] = [];
  #rejectedCompletions = 0;
  #sweeping: NodeJS.Timeout | undefined;

  private constructor(options: MemoryOptions, log: EventLog, settings: MemorySettings, key: Uint8Array) {
    const { redaction, onProblem } = options;
    this.#settings = settings;
    this.#redactor = 'redactor' in redaction ? redaction.redactor : new WorkerRedactor(redaction.workerEntry, key);
    this.#journal = new Journal(log, options.memory, options.now ?? Date.now);
    this.#cards = new CardKeeper(this.#journal, this.#redactor);
    this.#recall = new Recall(this.#journal);
    const chain = new ConversationChain(key);
    this.#recorder = new Recorder({ journal: this.#journal, chain, redactor: this.#redactor, settings, onProblem });
  }

  /** Opens the log and removes what is past its time. @throws {ZellError} already_running, io, disk_full */
  static async open(options: MemoryOptions): Promise<Memory> {
    const settings = await MemorySettings.open(options.memory);
    const key = await machineKey(options.memory);
    const now = options.now === undefined ? {} : { now: options.now };
    const log = await EventLog.open({ folder: options.conversations, lock: options.lock, ...now });
    await log.dropOlderThan(RETENTION_DAYS);
    await finishErasing(log);
    const memory = new Memory(options, log, settings, key);
    await memory.#journal.writeCards();
    memory.#sweeping = setInterval(() => memory.#recorder.background(memory.sweep()), SWEEP_MS).unref();
    return memory;
  }

  /** See `Recorder`. */
  prepare(): void {
    this.#recorder.prepare();
  }

  /** See `Recorder`. */
  mayKeep(texts: readonly string[]): Promise<boolean> {
    return this.#recorder.mayKeep(texts);
  }

  /** Queues it; returns at once and never throws. */
  exchange(exchange: RecordedExchange): void {
    this.#recorder.exchange(exchange);
  }

  /** @returns the event's id, or undefined when nothing was new or the memory is off */
  record(exchange: RecordedExchange): Promise<number | undefined> {
    return this.#recorder.record(exchange);
  }

  completionAccepted(accepted: EditorNotifications['zell/completion/accepted'], model: string): void {
    this.#recorder.completionAccepted(accepted, model);
  }

  completionRejected(): void {
    this.#rejectedCompletions++;
  }

  /** Completions shown and not taken since the start. */
  get rejectedCompletions(): number {
    return this.#rejectedCompletions;
  }

  closeConversation(conversation: string): void {
    this.#recorder.closeConversation(conversation);
  }

  /** As `closeConversation`, behind everything recorded so far; resolves when it is on the disk. */
  async closeNow(conversation: string): Promise<void> {
    await this.#recorder.settled();
    this.#recorder.closeConversation(conversation);
    await this.#recorder.settled();
  }

  status(model: string | undefined): Promise<MemoryStatus> {
    const { projection, log } = this.#journal;
    const asked = model ?? this.#journal.newestModel();
    const exchanges = projection.exchanges();
    const learnable = projection.learnable();
    const waiting = learnable.filter((id) => !projection.isConsolidated(id, asked));
    const paused = this.#settings.paused(this.#journal.now());
    const expiring = expiringSoon(log, waiting, this.#journal.now());
    return Promise.resolve({
      model: asked,
      enabled: this.#settings.enabled,
      mode: this.#settings.mode,
      ...(paused === undefined ? {} : { paused }),
      events: exchanges.size,
      unconsolidated: waiting.length,
      consolidated: learnable.length - waiting.length,
      ...(expiring === undefined ? {} : { expiring }),
      lastEventId: log.latestEventId,
      conversations: projection.conversationCount(),
      closedWaiting: projection.closedUnconsolidated(asked, this.#journal.now()).length,
      sleepAfter: SLEEP_AFTER,
      state: 'awake',
    });
  }

  /** Newest first; `before` is an event id for the events and cuts the conversations at that event's time. */
  async list(
    query: EditorRequests['zell/memory/list']['params'],
    model: string | undefined,
  ): Promise<EditorRequests['zell/memory/list']['result']> {
    const { projection, log } = this.#journal;
    const limit = Math.max(1, Math.min(500, query.limit));
    const before = query.before ?? Number.MAX_SAFE_INTEGER;
    const ids = [...projection.exchanges()].filter((id) => id < before);
    const events = await this.#journal.events(ids.slice(-limit).reverse(), model ?? this.#journal.newestModel());
    const edge = query.before === undefined ? undefined : log.entry(query.before)?.timestamp;
    const summaries = projection.newest(limit, edge ?? Number.MAX_SAFE_INTEGER, this.#journal.now());
    const conversations: ConversationSummary[] = [];
    for (const summary of summaries) {
      const [opening] = await log.read(projection.eventsOf(summary.id).slice(0, 1));
      conversations.push({ ...summary, title: titleOf(opening?.prompt ?? '') });
    }
    return { conversations, events };
  }

  /** Cards that hold now, newest first; with a query those that fit it, best first. */
  cards(query = ''): readonly HeldCard[] {
    return query.trim() === '' ? [...this.#journal.cards.valid()].reverse() : this.#recall.search(query);
  }

  /** What each card that holds now has replaced, by the id of the newer. */
  replacedCards(): ReadonlyMap<string, Card> {
    const replaced = new Map<string, Card>();
    for (const card of this.#journal.cards.all())
      if (card.supersededBy !== undefined) replaced.set(card.supersededBy, card);
    return replaced;
  }

  /** How a model was trained on each card so far, from its `sleep.finished` events. */
  cardHistory(model: string): ReadonlyMap<string, CardTraining> {
    return trainingOf(this.#journal.log.entries(), model);
  }

  /** Also one that was replaced or that only recall has, with the exchanges it comes from as far as they are still there. */
  async card(id: string): Promise<{ readonly card: HeldCard; readonly events: readonly MemoryEvent[] } | undefined> {
    const card = this.#journal.cards.get(id) ?? (await this.#recall.recentCard(id));
    if (card === undefined) return undefined;
    return { card, events: await this.#journal.events(card.sources, this.#journal.newestModel()) };
  }

  /** What is left of a conversation, oldest first. */
  conversation(id: string): Promise<MemoryEvent[]> {
    return this.#journal.events(this.#journal.projection.eventsOf(id), this.#journal.newestModel());
  }

  find(text: string): ReturnType<typeof findText> {
    return findText(this.#journal, (query) => this.cards(query), text);
  }

  /** See `CardKeeper`. */
  dream(signal: AbortSignal, model?: ModelDreamer): Promise<{ conversations: number; cards: number }> {
    return this.#cards.dream(signal, model);
  }

  /** See `CardKeeper`. */
  editCard(id: string, edit: { readonly statement: string; readonly value: string }): Promise<Card> {
    return this.#cards.edit(id, edit);
  }

  /** See `CardKeeper`. */
  importCards(values: readonly unknown[]): Promise<number> {
    return this.#cards.import(values);
  }

  /** Erases the payloads of these events or of one conversation, and the cards that come from nothing else. */
  async erase(what: EditorRequests['zell/memory/delete']['params']): Promise<number> {
    return (await this.forget(what)).ids.length;
  }

  async clear(): Promise<number> {
    return (await this.forget({ everything: true })).ids.length;
  }

  /** Erases for good, and through `onForgotten` whatever was made from it. @throws {ZellError} disk_full, io */
  async forget(what: MemoryForget): Promise<Forgotten> {
    const forgotten = await forgetIn(this.#journal, what, await this.#sourcesOfRecent(what));
    await this.#recall.forgotten();
    if (forgotten.ids.length + forgotten.cards.length > 0)
      for (const listener of this.#forgetListeners) await listener(forgotten);
    return forgotten;
  }

  /** Exchanges of cards that only recall has so far. */
  async #sourcesOfRecent(what: MemoryForget): Promise<number[]> {
    const wanted = 'cards' in what ? what.cards : [];
    const cards = await Promise.all(wanted.map((id) => this.#recall.recentCard(id)));
    return cards.flatMap((card) => card?.sources ?? []);
  }

  /** Called, and awaited, after every erasure: caches, items and adapters with these ids must go. */
  onForgotten(listener: (forgotten: Forgotten) => Promise<void>): void {
    this.#forgetListeners.push(listener);
  }

  /** Exchanges whose payload is erased: what a crash kept `onForgotten` from telling. */
  erasedIds(): number[] {
    return [...this.#journal.log.entries()].filter((entry) => entry.erased === true).map((entry) => entry.event_id);
  }

  /** What a crash kept from being removed everywhere; undefined: nothing. */
  unfinishedErasures(): Forgotten | undefined {
    return unfinishedErasures(this.#journal.log, this.#journal.cards);
  }

  /** `memory.forgotten` events after which this model has the rest to learn again. */
  unprovedErasures(model: string): readonly number[] {
    return unprovedErasures(this.#journal.log, model);
  }

  /** Cards that hold now and were made while other models answered, never while this one did. */
  cardsOfOthers(model: string): readonly Card[] {
    const own = this.#journal.cards.madeUnder(model);
    return this.#journal.cards.valid().filter(({ id }) => !own.has(id));
  }

  /** Of each text, whether nothing in it looks like a secret. @throws {ZellError} the search failed */
  async withoutSecrets(texts: readonly string[]): Promise<readonly boolean[]> {
    const found = await this.#redactor.redact(texts);
    return found.map(({ counts }) => Object.keys(counts).length === 0);
  }

  /** Memories that fit what is asked, as a block for the model; undefined when there is none, or recall is off. Never throws. */
  async recall(asked: RecallQuestion): Promise<Recalled | undefined> {
    if (!this.#settings.enabled || !this.#settings.recall) return undefined;
    return this.#recall.block(asked, this.#settings.recallTokens);
  }

  /** See `Recall`. */
  useTaught(taught: (model: string) => ReadonlySet<string>): void {
    this.#recall.useTaught(taught);
  }

  get choice(): Pick<MemorySettings, 'mode' | 'paused'> {
    return this.#settings;
  }

  async choose(change: Partial<MemoryChoice>): Promise<void> {
    const before = this.#chosen();
    await this.#settings.choose(change);
    const after = this.#chosen();
    if (JSON.stringify(after) === JSON.stringify(before)) this.#journal.changed();
    else await this.note(this.#journal.newestModel(), 'memory.mode', after);
  }

  #chosen(): Pick<MemoryChoice, 'mode'> & Partial<MemoryChoice> {
    const paused = this.#settings.paused(this.#journal.now());
    return { mode: this.#settings.mode, ...(paused === undefined ? {} : { paused }) };
  }

  onChange(listener: (lastEventId: number) => void): void {
    this.#journal.onChange(listener);
  }

  /** Removes the texts that are past their time, learnt or not: a host may run for weeks. @returns how many events went */
  async sweep(): Promise<number> {
    return this.#journal.alone(async () => {
      const dropped = await this.#journal.dropOlderThan(RETENTION_DAYS);
      if (dropped > 0) await this.#recall.forgotten();
      return dropped;
    });
  }

  /** Writes what is queued; after it nothing is recorded. */
  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    await this.#recorder.settled();
    await this.#journal.alone(() => this.#redactor.close());
    await this.#journal.close();
  }

  /** Appends what learning did: an event without texts; `model` empty: it is about no single one, and lies with the newest. @returns its id */
  note(model: string, type: EventType, data: Readonly<Record<string, unknown>>): Promise<number> {
    return this.#journal.note(model === '' ? this.#journal.newestModel() : model, type, { v: 1, ...data });
  }

  forModel(model: string, random: () => number = Math.random): ModelMemory {
    const { projection, log } = this.#journal;
    const select = (consolidated: boolean): number[] =>
      projection.learnable().filter((id) => projection.isConsolidated(id, model) === consolidated);
    return {
      log: (prompt, response, tokens) =>
        this.record({
          model,
          messages: [{ role: 'user', content: prompt }],
          response,
          tokens,
          origin: { kind: 'api' },
        }),
      getLatestEventId: () => log.latestEventId,
      fetchUnconsolidated: (n) => this.#journal.events(select(false).slice(0, n), model),
      sampleConsolidated: (n) => this.#journal.events(sample(select(true), n, random), model),
      closedConversations: () => projection.closedUnconsolidated(model, this.#journal.now()),
      markConsolidated: async (ids, sleep) => {
        await this.#journal.note(model, 'sleep.finished', { ids: [...ids], ...sleep });
      },
    };
  }
}
