/** The memory as the rest of the host sees it: records exchanges, shows and erases them, and hands them to learning. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { EditorNotifications, EditorRequests } from '#protocol/editor.ts';
import { ZellError } from '#protocol/errors.ts';
import type {
  Card,
  ConversationSummary,
  EventType,
  MemoryEvent,
  MemoryForget,
  MemoryStatus,
} from '#protocol/memory.ts';
import { EventLog, type NewEvent } from '../store/eventLog.ts';
import { writeCards } from './cards/cardFile.ts';
import { CardProjection, type HeldCard } from './cards/cardProjection.ts';
import { trainingOf, type CardTraining } from './cards/cardTraining.ts';
import { asCard } from './cards/readCard.ts';
import { cardId } from './dreaming/cardId.ts';
import { dreamConversation, turnOf, type ModelDreamer } from './dreaming/dreamer.ts';
import { extractCards } from './dreaming/extractCards.ts';
import { finishErasing, resolveForget, type Forgotten } from './forget.ts';
import { ConversationChain } from './conversationChain.ts';
import { machineKey } from './machineKey.ts';
import { MemorySettings } from './memorySettings.ts';
import type { MemoryOptions, ModelMemory, RecordedExchange } from './memoryTypes.ts';
import { sample, titleOf } from './pick.ts';
import { Projection } from './projection.ts';
import { newestOf, recallCards, searchCards, type Recalled } from './recall.ts';
import { WorkerRedactor, type Redactor } from './redactor.ts';

/** Closed conversations that start a sleep. */
const SLEEP_AFTER = 100;
const RETENTION_DAYS = 30;
/** Exchanges that no night has seen yet and that recall looks through. */
const RECENT_EVENTS = 200;
/** A request waits for this decision, which takes some tens of milliseconds per megabyte. */
const KEEP_DECISION_MS = 2000;

export class Memory {
  readonly #log: EventLog;
  readonly #projection = new Projection();
  readonly #cards = new CardProjection();
  readonly #settings: MemorySettings;
  readonly #chain: ConversationChain;
  readonly #redactor: Redactor;
  readonly #options: MemoryOptions;
  readonly #listeners: ((lastEventId: number) => void)[] = [];
  readonly #forgetListeners: ((forgotten: Forgotten) => Promise<void>)[] = [];
  /** Making cards and erasing exclude each other, so that no card of an erased text is written. */
  #exclusive: Promise<unknown> = Promise.resolve();
  /** Chain → conversation of exchanges that are not on disk yet, so that the next turn finds the one before it. */
  readonly #onTheirWay = new Map<string, string>();
  readonly #inFlight = new Set<Promise<unknown>>();
  /** Settles when everything recorded so far is redacted. */
  #redacted: Promise<unknown> = Promise.resolve();
  #rejectedCompletions = 0;

  private constructor(options: MemoryOptions, log: EventLog, settings: MemorySettings, key: Uint8Array) {
    this.#options = options;
    this.#log = log;
    this.#settings = settings;
    this.#chain = new ConversationChain(key);
    const { redaction } = options;
    this.#redactor = 'redactor' in redaction ? redaction.redactor : new WorkerRedactor(redaction.workerEntry, key);
    for (const entry of log.entries()) {
      this.#projection.apply(entry);
      this.#cards.apply(entry);
    }
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
    await memory.#writeCards();
    return memory;
  }

  /** Starts what the first request would have to wait for. Returns at once, never throws. */
  prepare(): void {
    if (this.#settings.enabled)
      this.#redactor.redact(['Some text, so that its patterns are compiled. '.repeat(100)]).catch(() => undefined);
  }

  /** Whether these texts may be written as they are: the memory is on, and no secret was found in them in time. Never throws. */
  async mayKeep(texts: readonly string[]): Promise<boolean> {
    if (!this.#settings.enabled) return false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), KEEP_DECISION_MS);
    });
    try {
      const found = await Promise.race([this.#redactor.redact(texts), late]);
      return found?.every(({ counts }) => Object.keys(counts).length === 0) === true && this.#settings.enabled;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Queues it; returns at once and never throws. */
  exchange(exchange: RecordedExchange): void {
    this.#background(this.record(exchange));
  }

  /** @returns the event's id, or undefined when nothing was new or the memory is off */
  async record(exchange: RecordedExchange): Promise<number | undefined> {
    if (!this.#settings.enabled || exchange.response.trim() === '') return undefined;
    const conversationOf = (chain: string): string | undefined =>
      this.#projection.conversationOf(chain) ?? this.#onTheirWay.get(chain);
    const turn = this.#chain.place(
      exchange.messages,
      exchange.response,
      (chain) => conversationOf(chain) !== undefined,
    );
    if (turn.prompt.trim() === '' || conversationOf(turn.chain) !== undefined) return undefined;
    const conversation = (turn.parent === undefined ? undefined : conversationOf(turn.parent)) ?? randomUUID();
    this.#onTheirWay.set(turn.chain, conversation);
    try {
      return await this.#append(
        {
          type: 'chat.turn',
          model: exchange.model,
          tokens: exchange.tokens,
          conversation,
          origin: exchange.origin,
          data: { chain: turn.chain, ...(exchange.stopped === true ? { stopped: true } : {}) },
        },
        turn.prompt,
        exchange.response,
      );
    } finally {
      this.#onTheirWay.delete(turn.chain);
    }
  }

  completionAccepted(accepted: EditorNotifications['zell/completion/accepted'], model: string): void {
    if (!this.#settings.enabled || accepted.inserted.trim() === '') return;
    const workspace = accepted.workspace === undefined ? {} : { workspace: accepted.workspace };
    const event = {
      type: 'completion.accepted' as const,
      model,
      tokens: 0,
      origin: { kind: 'editor' as const, ...workspace },
      data: { language: accepted.languageId.slice(0, 64) },
    };
    this.#background(this.#append(event, accepted.prefixTail, accepted.inserted));
  }

  completionRejected(): void {
    this.#rejectedCompletions++;
  }

  /** Completions shown and not taken since the start. */
  get rejectedCompletions(): number {
    return this.#rejectedCompletions;
  }

  closeConversation(conversation: string): void {
    if (!this.#settings.enabled || !this.#projection.has(conversation)) return;
    const model = this.#newestModel();
    const event = { type: 'conversation.closed' as const, model, prompt: '', response: '', tokens: 0, conversation };
    this.#background(this.#appendPlain(event));
  }

  /** As `closeConversation`, behind everything recorded so far; resolves when it is on the disk. */
  async closeNow(conversation: string): Promise<void> {
    await Promise.all(this.#inFlight);
    this.closeConversation(conversation);
    await Promise.all(this.#inFlight);
  }

  status(model: string | undefined): Promise<MemoryStatus> {
    const asked = model ?? this.#newestModel();
    const exchanges = this.#projection.exchanges();
    let consolidated = 0;
    for (const id of exchanges) if (this.#projection.isConsolidated(id, asked)) consolidated++;
    return Promise.resolve({
      model: asked,
      enabled: this.#settings.enabled,
      events: exchanges.size,
      unconsolidated: exchanges.size - consolidated,
      consolidated,
      lastEventId: this.#log.latestEventId,
      conversations: this.#projection.conversationCount(),
      closedWaiting: this.#projection.closedUnconsolidated(asked, this.#now()).length,
      sleepAfter: SLEEP_AFTER,
      state: 'awake',
    });
  }

  /** Newest first; `before` is an event id for the events and cuts the conversations at that event's time. */
  async list(
    query: EditorRequests['zell/memory/list']['params'],
    model: string | undefined,
  ): Promise<EditorRequests['zell/memory/list']['result']> {
    const limit = Math.max(1, Math.min(500, query.limit));
    const before = query.before ?? Number.MAX_SAFE_INTEGER;
    const ids = [...this.#projection.exchanges()].filter((id) => id < before);
    const events = await this.#events(ids.slice(-limit).reverse(), model ?? this.#newestModel());
    const edge = query.before === undefined ? undefined : this.#log.entry(query.before)?.timestamp;
    const summaries = this.#projection.newest(limit, edge ?? Number.MAX_SAFE_INTEGER, this.#now());
    const conversations: ConversationSummary[] = [];
    for (const summary of summaries) {
      const first = this.#projection.eventsOf(summary.id).slice(0, 1);
      const [opening] = await this.#log.read(first);
      conversations.push({ ...summary, title: titleOf(opening?.prompt ?? '') });
    }
    return { conversations, events };
  }

  /** Cards that hold now, newest first; with a query those that fit it, best first. */
  cards(query = ''): readonly HeldCard[] {
    const newest = [...this.#cards.valid()].reverse();
    return query.trim() === '' ? newest : searchCards(query, newest);
  }

  /** What each card that holds now has replaced, by the id of the newer. */
  replacedCards(): ReadonlyMap<string, Card> {
    const replaced = new Map<string, Card>();
    for (const card of this.#cards.all()) if (card.supersededBy !== undefined) replaced.set(card.supersededBy, card);
    return replaced;
  }

  /** How a model was trained on each card so far, from its `sleep.finished` events. */
  cardHistory(model: string): ReadonlyMap<string, CardTraining> {
    return trainingOf(this.#log.entries(), model);
  }

  /** Also one that was replaced, with the exchanges it comes from as far as they are still there. */
  async card(id: string): Promise<{ readonly card: HeldCard; readonly events: readonly MemoryEvent[] } | undefined> {
    const card = this.#cards.get(id);
    return card === undefined ? undefined : { card, events: await this.#events(card.sources, this.#newestModel()) };
  }

  /**
   * Makes cards from closed conversations, by rules and, when it is given, by a model. Each conversation is done once, and whole or not
   * at all; a crash in between makes no card twice. @returns how many cards were said. @throws {ZellError} cancelled, what the model throws
   */
  async dream(signal: AbortSignal, model?: ModelDreamer): Promise<{ conversations: number; cards: number }> {
    const done = { conversations: 0, cards: 0 };
    for (const { id, model: hash, events } of this.#projection.closed(this.#now())) {
      if (signal.aborted) throw new ZellError('cancelled', 'Dreaming was stopped.');
      const ids = events.filter((event) => !this.#projection.isDreamed(event));
      if (ids.length === 0) continue;
      await this.#alone(async () => {
        const records = await this.#log.read(ids);
        const parts = { redactor: this.#redactor, ...(model === undefined ? {} : { model }) };
        const { cards, by } = await dreamConversation(records, this.#cards.valid(), parts, signal);
        for (const card of cards) {
          const known = this.#cards.get(card.id);
          if (card.sources.every((source) => known?.sources.includes(source) === true)) continue;
          await this.#makeCard(card, hash);
          done.cards++;
        }
        const data = { v: 1, by, ids };
        const nothing = { prompt: '', response: '', tokens: 0 };
        await this.#appendPlain({ type: 'conversation.dreamed', model: hash, ...nothing, conversation: id, data });
        done.conversations++;
      });
    }
    if (done.cards > 0) await this.#writeCards();
    return done;
  }

  /** The user's own wording of a card; the old one is history. @throws {ZellError} not_found, invalid_request */
  async editCard(id: string, edit: { readonly statement: string; readonly value: string }): Promise<Card> {
    return this.#alone(async () => {
      const old = this.#cards.get(id);
      if (old === undefined) throw new ZellError('not_found', `There is no card ${id}.`);
      const { supersededBy, supersedes, ...rest } = old;
      const statement = edit.statement.trim();
      const value = edit.value.trim();
      const [found] = await this.#redactor.redact([`${statement}\n${value}`]);
      if (found === undefined || Object.keys(found.counts).length > 0)
        throw new ZellError('invalid_request', 'There is a secret in this text; it is not kept.');
      const about = { ...rest, statement, value };
      const card: Card = { ...about, id: cardId(about), validFrom: this.#now(), supersedes: id, by: 'user' };
      if (asCard(card) === undefined || !statement.toLowerCase().includes(value.toLowerCase()) || card.id === id)
        throw new ZellError(
          'invalid_request',
          'A card is one changed line of at most 400 characters that contains its value.',
        );
      await this.#makeCard(card, this.#newestModel());
      await this.#writeCards();
      return card;
    });
  }

  /** Adds cards of another Zell, from an export; those that are no cards are left out. @returns how many are new */
  async importCards(values: readonly unknown[]): Promise<number> {
    return this.#alone(async () => {
      let added = 0;
      for (const value of values) {
        const card = asCard(value);
        if (card === undefined) continue;
        // Event ids of another log mean nothing here.
        const { supersedes, conversation, ...rest } = card;
        const own: Card = { ...rest, id: cardId(rest), sources: [], by: 'user' };
        const [found] = await this.#redactor.redact([`${own.subject}\n${own.statement}\n${own.value}`]);
        if (found === undefined || Object.keys(found.counts).length > 0 || this.#cards.get(own.id) !== undefined)
          continue;
        await this.#makeCard(own, this.#newestModel());
        added++;
      }
      await this.#writeCards();
      return added;
    });
  }

  /** Erases the payloads of these events or of one conversation, and the cards that come from nothing else. */
  async erase(what: EditorRequests['zell/memory/delete']['params']): Promise<number> {
    return (await this.forget(what)).ids.length;
  }

  async clear(): Promise<number> {
    return (await this.forget({ everything: true })).ids.length;
  }

  /**
   * Erases for good: payloads in the log, cards and their mentions, and, through `onForgotten`, whatever was made from them. The
   * intention is on disk first; after a crash the next start finishes it. @throws {ZellError} disk_full, io
   */
  async forget(what: MemoryForget): Promise<Forgotten> {
    const forgotten = await this.#alone(async () => {
      const plan = resolveForget(what, this.#projection, this.#cards, this.#log);
      const ids = [...new Set([...plan.ids, ...plan.mentions])].sort((a, b) => a - b);
      if (ids.length === 0) return { ids: [], cards: [] };
      const nothing = { prompt: '', response: '', tokens: 0 };
      const event: NewEvent = {
        type: 'memory.forgotten',
        model: this.#newestModel(),
        ...nothing,
        data: { ids, cards: [...plan.cards] },
      };
      // On a full disk erasing may still succeed, and then the note about it.
      const noted = await this.#appendPlain(event).catch(() => undefined);
      await this.#log.erase(new Set(ids));
      for (const id of plan.ids) this.#projection.forget(id);
      this.#cards.forget(plan.mentions);
      if (noted === undefined) await this.#appendPlain(event);
      await this.#writeCards();
      return { ids: [...plan.ids].sort((a, b) => a - b), cards: [...plan.cards] };
    });
    if (forgotten.ids.length + forgotten.cards.length > 0)
      for (const listener of this.#forgetListeners) await listener(forgotten);
    return forgotten;
  }

  /** Called, and awaited, after every erasure: caches, items and adapters with these ids must go. */
  onForgotten(listener: (forgotten: Forgotten) => Promise<void>): void {
    this.#forgetListeners.push(listener);
  }

  /** Exchanges whose payload is erased: what a crash kept `onForgotten` from telling. */
  erasedIds(): number[] {
    return [...this.#log.entries()].filter((entry) => entry.erased === true).map((entry) => entry.event_id);
  }

  /** Memories that fit what is asked, within a budget of tokens; undefined when there is none, or recall is off. Never throws. */
  async recall(question: string, workspace: string | undefined, budget?: number): Promise<Recalled | undefined> {
    if (!this.#settings.enabled || !this.#settings.recall) return undefined;
    const fresh = [...this.#projection.exchanges()]
      .filter((id) => !this.#projection.isDreamed(id))
      .slice(-RECENT_EVENTS);
    const records = await this.#log.read(fresh).catch(() => []);
    const held = this.#cards.valid();
    const recent = extractCards(
      records.flatMap((record) => turnOf(record) ?? []),
      held,
    );
    return recallCards(question, newestOf(held, recent), workspace, budget);
  }

  setRecall(enabled: boolean): Promise<void> {
    return this.#settings.setRecall(enabled);
  }

  async setEnabled(enabled: boolean): Promise<void> {
    await this.#settings.setEnabled(enabled);
    this.#changed();
  }

  onChange(listener: (lastEventId: number) => void): void {
    this.#listeners.push(listener);
  }

  /** Writes what is queued; after it nothing is recorded. */
  async close(): Promise<void> {
    await Promise.all(this.#inFlight);
    await this.#exclusive;
    await this.#redactor.close();
    await this.#log.close();
  }

  /** Appends what learning did: an event without texts. @returns its id */
  note(model: string, type: EventType, data: Readonly<Record<string, unknown>>): Promise<number> {
    return this.#appendPlain({ type, model, prompt: '', response: '', tokens: 0, data: { v: 1, ...data } });
  }

  forModel(model: string, random: () => number = Math.random): ModelMemory {
    return {
      log: (prompt, response, tokens) =>
        this.record({
          model,
          messages: [{ role: 'user', content: prompt }],
          response,
          tokens,
          origin: { kind: 'api' },
        }),
      getLatestEventId: () => this.#log.latestEventId,
      fetchUnconsolidated: (n) => this.#events(this.#select(model, false).slice(0, n), model),
      sampleConsolidated: (n) => this.#events(sample(this.#select(model, true), n, random), model),
      closedConversations: () => this.#projection.closedUnconsolidated(model, this.#now()),
      markConsolidated: async (ids, sleep) => {
        const data = { ids: [...ids], ...sleep };
        await this.#appendPlain({ type: 'sleep.finished', model, prompt: '', response: '', tokens: 0, data });
      },
    };
  }

  #select(model: string, consolidated: boolean): number[] {
    return [...this.#projection.exchanges()].filter(
      (id) => this.#projection.isConsolidated(id, model) === consolidated,
    );
  }

  async #events(ids: readonly number[], model: string): Promise<MemoryEvent[]> {
    const records = await this.#log.read(ids);
    return records.map((r) => ({ ...r, consolidated: this.#projection.isConsolidated(r.event_id, model) }));
  }

  async #append(event: Omit<NewEvent, 'prompt' | 'response'>, prompt: string, response: string): Promise<number> {
    const redaction = this.#redactor.redact([prompt, response]);
    // Events keep the order of the calls, but none waits for another's disk write: those that come together share one.
    const inOrder = this.#redacted.then(() => redaction);
    this.#redacted = inOrder.catch(() => undefined);
    const [safePrompt, safeResponse] = await inOrder;
    if (safePrompt === undefined || safeResponse === undefined) throw new Error('redaction gave no answer');
    const counts: Record<string, number> = { ...safePrompt.counts };
    for (const [kind, count] of Object.entries(safeResponse.counts)) counts[kind] = (counts[kind] ?? 0) + count;
    const redacted = Object.keys(counts).length === 0 ? {} : { redacted: counts };
    return this.#appendPlain({ ...event, prompt: safePrompt.text, response: safeResponse.text, ...redacted });
  }

  async #appendPlain(event: NewEvent): Promise<number> {
    const record = await this.#log.append(event);
    const entry = this.#log.entry(record.event_id);
    if (entry !== undefined) {
      this.#projection.apply(entry);
      this.#cards.apply(entry);
    }
    this.#changed();
    return record.event_id;
  }

  async #makeCard(card: Card, model: string): Promise<void> {
    const nothing = { prompt: '', response: '', tokens: 0 };
    const where = card.conversation === undefined ? {} : { conversation: card.conversation };
    await this.#appendPlain({ type: 'card.made', model, ...nothing, ...where, data: { v: 1, card } });
  }

  #writeCards(): Promise<void> {
    return writeCards(path.join(this.#options.memory, 'cards.jsonl'), this.#cards.all(), this.#cards.lastEventId);
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#exclusive.then(work);
    this.#exclusive = result.catch(() => undefined);
    return result;
  }

  #newestModel(): string {
    let newest = '';
    for (const entry of this.#log.entries()) if (entry.model !== '') newest = entry.model;
    return newest;
  }

  #background(work: Promise<unknown>): void {
    const settled = work
      .catch((error: unknown) => this.#options.onProblem(error))
      .finally(() => this.#inFlight.delete(settled));
    this.#inFlight.add(settled);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener(this.#log.latestEventId);
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }
}
