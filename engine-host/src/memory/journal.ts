/** The log with what is derived from it: whatever is appended is applied at once, so that both always say the same. */
import path from 'node:path';
import type { Card, EventType, MemoryEvent } from '#protocol/memory.ts';
import type { EventLog, NewEvent } from '../store/eventLog.ts';
import { writeCards } from './cards/cardFile.ts';
import { CardProjection } from './cards/cardProjection.ts';
import { Projection } from './projection.ts';

/** What an event holds that is no exchange. */
const NO_TEXT = { prompt: '', response: '', tokens: 0 };

export class Journal {
  readonly log: EventLog;
  readonly projection = new Projection();
  readonly cards = new CardProjection();
  readonly now: () => number;
  readonly #cardFile: string;
  readonly #listeners: ((lastEventId: number) => void)[] = [];
  /** Making cards and erasing exclude each other, so that no card of an erased text is written. */
  #exclusive: Promise<unknown> = Promise.resolve();

  /** `memory`: the folder that gets the file of cards. */
  constructor(log: EventLog, memory: string, now: () => number) {
    this.log = log;
    this.now = now;
    this.#cardFile = path.join(memory, 'cards.jsonl');
    for (const entry of log.entries()) {
      this.projection.apply(entry);
      this.cards.apply(entry);
    }
  }

  /** @returns the event's id, once it is on the disk. @throws {ZellError} disk_full, io, too_large, memory_off after `close` */
  async append(event: NewEvent): Promise<number> {
    const record = await this.log.append(event);
    const entry = this.log.entry(record.event_id);
    if (entry !== undefined) {
      this.projection.apply(entry);
      this.cards.apply(entry);
    }
    this.changed();
    return record.event_id;
  }

  /** An event without texts. @returns its id */
  note(
    model: string,
    type: EventType,
    data: Readonly<Record<string, unknown>>,
    conversation?: string,
  ): Promise<number> {
    const where = conversation === undefined ? {} : { conversation };
    return this.append({ type, model, ...NO_TEXT, ...where, data });
  }

  makeCard(card: Card, model: string): Promise<number> {
    return this.note(model, 'card.made', { v: 1, card }, card.conversation);
  }

  /** Removes the texts of days that are older, lasting events excepted. @returns how many events went */
  async dropOlderThan(days: number): Promise<number> {
    const dropped = await this.log.dropOlderThan(days);
    if (dropped === 0) return 0;
    for (const id of [...this.projection.exchanges()]) if (this.log.entry(id) === undefined) this.projection.forget(id);
    this.changed();
    return dropped;
  }

  /** Brings the file of cards up to date. */
  writeCards(): Promise<void> {
    return writeCards(this.#cardFile, this.cards.all(), this.cards.lastEventId);
  }

  async events(ids: readonly number[], model: string): Promise<MemoryEvent[]> {
    const records = await this.log.read(ids);
    return records.map((r) => ({ ...r, consolidated: this.projection.isConsolidated(r.event_id, model) }));
  }

  /** Hash of the model that the newest event names; empty without any. */
  newestModel(): string {
    let newest = '';
    for (const entry of this.log.entries()) if (entry.model !== '') newest = entry.model;
    return newest;
  }

  /** One after another. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#exclusive.then(work);
    this.#exclusive = result.catch(() => undefined);
    return result;
  }

  onChange(listener: (lastEventId: number) => void): void {
    this.#listeners.push(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener(this.log.latestEventId);
  }

  /** Behind all that is running. */
  async close(): Promise<void> {
    await this.#exclusive;
    await this.log.close();
  }
}
