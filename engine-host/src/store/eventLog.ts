/**
 * The append-only event log: one writer (held by a lock), many readers, monotonic ids over all partitions.
 * An append is acknowledged after fdatasync; appends that arrive together share one.
 */
import { mkdir, open, readdir, rename, rm, truncate, unlink } from 'node:fs/promises';
import path from 'node:path';
import { ZellError } from '#protocol/errors.ts';
import { EVENT_VERSION, type EventRecord, type EventType } from '#protocol/memory.ts';
import { dayOf, dayOfFile, readEvent, scanDay, type LinePlace } from './dayFile.ts';
import { ioError, syncFolder, writeDurably } from './durable.ts';
import { encodeEvent, MAX_LINE_BYTES } from './eventLine.ts';
import { Head } from './head.ts';

/** What a caller gives; id, version and (when absent) time are the log's. */
export type NewEvent = Omit<EventRecord, 'v' | 'event_id' | 'timestamp'> & { readonly timestamp?: number };

/** What is kept in memory of each event: everything but prompt and response. */
export interface EventEntry extends Omit<EventRecord, 'prompt' | 'response'> {
  readonly file: string;
  readonly place: LinePlace;
}

export interface EventLogOptions {
  /** `conversations` in the Zell home. */
  readonly folder: string;
  /** Exclusive lock of the operating system; null when another process holds it. */
  readonly lock: { tryLock(path: string): number | null; unlock(handle: number): void };
  readonly now?: () => number;
}

interface Pending {
  readonly event: NewEvent;
  readonly resolve: (record: EventRecord) => void;
  readonly reject: (error: unknown) => void;
}

export class EventLog {
  readonly #folder: string;
  readonly #options: EventLogOptions;
  readonly #handle: number;
  readonly #entries = new Map<number, EventEntry>();
  readonly #sizes = new Map<string, number>();
  #head: Head | undefined;
  #damagedLines = 0;
  #queue: Pending[] = [];
  /** The tail of everything that writes: appends, erasures, retention run one after another. */
  #writing: Promise<unknown> = Promise.resolve();
  #flushPlanned = false;
  #closed = false;

  private constructor(options: EventLogOptions, handle: number) {
    this.#options = options;
    this.#folder = options.folder;
    this.#handle = handle;
  }

  /** Takes the lock, reads every partition, repairs torn tails. @throws {ZellError} already_running, io, disk_full */
  static async open(options: EventLogOptions): Promise<EventLog> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const handle = options.lock.tryLock(path.join(options.folder, 'log.lock'));
    if (handle === null)
      throw new ZellError('already_running', 'Another process is writing the event log. Stop it with "zell stop".');
    const log = new EventLog(options, handle);
    try {
      await log.#load();
    } catch (error) {
      options.lock.unlock(handle);
      throw ioError(error, options.folder);
    }
    return log;
  }

  /** The largest id ever given out; 0 before the first. */
  get latestEventId(): number {
    return this.#head?.last ?? 0;
  }

  /** Lines that were found damaged and skipped. */
  get damagedLines(): number {
    return this.#damagedLines;
  }

  /** Entries by rising id. Map order is id order: ids only rise, and loading sorts. */
  entries(): IterableIterator<EventEntry> {
    return this.#entries.values();
  }

  entry(id: number): EventEntry | undefined {
    return this.#entries.get(id);
  }

  /** Resolves when the event is on disk. @throws {ZellError} disk_full, io, too_large; then the event does not exist */
  append(event: NewEvent): Promise<EventRecord> {
    if (this.#closed) return Promise.reject(new ZellError('memory_off', 'The event log is closed.'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ event, resolve, reject });
      if (this.#flushPlanned) return;
      this.#flushPlanned = true;
      void this.#exclusive(() => this.#flush());
    });
  }

  /** Events with their payload, in the order of `ids`; ids that are gone are left out. */
  async read(ids: Iterable<number>): Promise<EventRecord[]> {
    const records: EventRecord[] = [];
    for (const id of ids) {
      const entry = this.#entries.get(id);
      const record = entry === undefined ? undefined : await readEvent(entry.file, entry.place).catch(() => undefined);
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  /**
   * Replaces the payload of events by an `erased` mark; id, time and type stay. Quarantined tails go too: they may hold the
   * same text. @returns how many were erased now
   */
  erase(ids: ReadonlySet<number>): Promise<number> {
    return this.#exclusive(async () => {
      const files = new Set<string>();
      for (const id of ids) {
        const entry = this.#entries.get(id);
        if (entry !== undefined && entry.erased !== true) files.add(entry.file);
      }
      let erased = 0;
      for (const file of files) erased += await this.#rewrite(file, ids);
      for (const folder of new Set([...files].map((file) => path.dirname(file)))) {
        for (const name of await readdir(folder)) if (name.endsWith('.quarantine')) await rm(path.join(folder, name));
      }
      return erased;
    });
  }

  /**
   * Removes the events in day files older than `days`, except lasting ones (`LASTING_TYPES`): a file that holds none goes, the others
   * are rewritten with them alone. Quarantined tails of those days go, too. @returns how many events went
   */
  dropOlderThan(days: number): Promise<number> {
    return this.#exclusive(async () => {
      const oldest = dayOf(this.#now()) - days;
      await dropTails(this.#folder, oldest);
      let dropped = 0;
      for (const file of [...this.#sizes.keys()]) {
        const day = dayOfFile(path.basename(file));
        if (day === undefined || day >= oldest) continue;
        const inFile = [...this.#entries.values()].filter((entry) => entry.file === file);
        const gone = inFile.filter((entry) => !lasts(entry));
        if (gone.length === 0 && inFile.length > 0) continue;
        if (gone.length < inFile.length) await this.#rewrite(file, new Set(), lasts);
        else {
          await unlink(file);
          await syncFolder(path.dirname(file));
          this.#sizes.delete(file);
        }
        for (const { event_id } of gone) this.#entries.delete(event_id);
        dropped += gone.length;
      }
      return dropped;
    });
  }

  /** Writes what is queued, then releases the lock. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#exclusive(async () => {
      await this.#flush();
      await this.#head?.close();
    });
    this.#options.lock.unlock(this.#handle);
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#writing.then(work);
    this.#writing = result.catch(() => undefined);
    return result;
  }

  async #load(): Promise<void> {
    const loaded: EventEntry[] = [];
    const repaired: { model: string; file: string; bytes: number }[] = [];
    for (const model of await readdir(this.#folder, { withFileTypes: true })) {
      if (!model.isDirectory()) continue;
      const folder = path.join(this.#folder, model.name);
      for (const name of await readdir(folder)) {
        if (dayOfFile(name) === undefined) continue;
        const file = path.join(folder, name);
        const scan = await scanDay(file, (record, place) => loaded.push(entryOf(record, file, place)));
        this.#damagedLines += scan.damagedLines;
        if (scan.tornBytes > 0) {
          await quarantine(file, scan.committedBytes, scan.tornBytes);
          repaired.push({ model: model.name, file: name, bytes: scan.tornBytes });
        }
        this.#sizes.set(file, scan.committedBytes);
      }
    }
    loaded.sort((a, b) => a.event_id - b.event_id);
    for (const entry of loaded) this.#entries.set(entry.event_id, entry);
    this.#head = await Head.open(path.join(this.#folder, 'head.json'), loaded.at(-1)?.event_id ?? 0);
    const events = repaired.map(({ model, file, bytes }): NewEvent => {
      return { type: 'log.repaired', model, prompt: '', response: '', tokens: 0, data: { file, bytes } };
    });
    if (events.length > 0) await Promise.all(events.map((event) => this.append(event)));
  }

  async #flush(): Promise<void> {
    this.#flushPlanned = false;
    const batch = this.#queue;
    this.#queue = [];
    const head = this.#head;
    if (batch.length === 0 || head === undefined) return;
    let first: number;
    try {
      first = await head.take(batch.length);
    } catch (error) {
      for (const pending of batch) pending.reject(error);
      return;
    }
    const perFile = new Map<string, { pending: Pending; record: EventRecord; line: string }[]>();
    batch.forEach((pending, i) => {
      const { timestamp = this.#now(), ...rest } = pending.event;
      const record: EventRecord = { v: EVENT_VERSION, event_id: first + i, timestamp, ...rest };
      const line = `${encodeEvent(record)}\n`;
      if (Buffer.byteLength(line) > MAX_LINE_BYTES) {
        pending.reject(new ZellError('too_large', 'This exchange is too long for the event log; it was not recorded.'));
        return;
      }
      const file = path.join(this.#folder, partition(rest.model), `${dayOf(timestamp)}.jsonl`);
      const lines = perFile.get(file) ?? [];
      lines.push({ pending, record, line });
      perFile.set(file, lines);
    });
    for (const [file, lines] of perFile) {
      try {
        await this.#appendLines(file, lines.map((l) => l.line).join(''));
      } catch (error) {
        for (const { pending } of lines) pending.reject(ioError(error, file));
        continue;
      }
      let offset = (this.#sizes.get(file) ?? 0) - Buffer.byteLength(lines.map((l) => l.line).join(''));
      for (const { pending, record, line } of lines) {
        const length = Buffer.byteLength(line) - 1;
        this.#entries.set(record.event_id, entryOf(record, file, { offset, length }));
        offset += length + 1;
        pending.resolve(record);
      }
    }
  }

  /** One write and one fdatasync; a failed write is cut off again, so that the file never holds what was not acknowledged. */
  async #appendLines(file: string, text: string): Promise<void> {
    const size = this.#sizes.get(file);
    if (size === undefined) await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, 'a', 0o600);
    try {
      const bytes = Buffer.from(text);
      try {
        await handle.appendFile(bytes);
        await handle.datasync();
      } catch (error) {
        await handle.truncate(size ?? 0).catch(() => undefined);
        throw error;
      }
      this.#sizes.set(file, (size ?? 0) + bytes.length);
    } finally {
      await handle.close();
    }
    if (size === undefined) {
      await syncFolder(path.dirname(file));
      await syncFolder(this.#folder);
    }
  }

  /** Erases `ids` and leaves out what `keep` does not want. */
  async #rewrite(file: string, ids: ReadonlySet<number>, keep = (_: EventRecord): boolean => true): Promise<number> {
    const records: EventRecord[] = [];
    await scanDay(file, (record) => {
      if (keep(record)) records.push(record);
    });
    let erased = 0;
    const lines: string[] = [];
    const entries: EventEntry[] = [];
    let offset = 0;
    for (const record of records) {
      const gone = ids.has(record.event_id) && record.erased !== true;
      if (gone) erased++;
      const kept = gone ? erasedRecord(record) : record;
      const line = encodeEvent(kept);
      const length = Buffer.byteLength(line);
      entries.push(entryOf(kept, file, { offset, length }));
      lines.push(`${line}\n`);
      offset += length + 1;
    }
    await writeDurably(file, lines.join(''));
    this.#sizes.set(file, offset);
    for (const entry of entries) this.#entries.set(entry.event_id, entry);
    return erased;
  }
}

/** Distilled memories and what has been learnt outlive the texts they come from. */
const LASTING_TYPES: ReadonlySet<string> = new Set<EventType>(['card.made', 'sleep.finished']);

function lasts(event: Pick<EventRecord, 'type' | 'erased'>): boolean {
  return LASTING_TYPES.has(event.type) && event.erased !== true;
}

function erasedRecord(record: EventRecord): EventRecord {
  const { v, event_id, timestamp, type, model, conversation } = record;
  const kept = conversation === undefined ? {} : { conversation };
  return { v, event_id, timestamp, type, model, prompt: '', response: '', tokens: 0, ...kept, erased: true };
}

function entryOf(record: EventRecord, file: string, place: LinePlace): EventEntry {
  const { prompt, response, ...rest } = record;
  return { ...rest, file, place };
}

/** Quarantined tails of days before `oldest`: they may hold texts. */
async function dropTails(folder: string, oldest: number): Promise<void> {
  for (const file of await readdir(folder, { recursive: true })) {
    const day = /^(\d+)\.jsonl\.\d+\.quarantine$/.exec(path.basename(file))?.[1];
    if (day !== undefined && Number(day) < oldest) await rm(path.join(folder, file), { force: true });
  }
}

/** Moves a torn tail beside its file, where a person can still look at it. */
async function quarantine(file: string, keep: number, torn: number): Promise<void> {
  const from = await open(file, 'r');
  try {
    const tail = Buffer.alloc(Math.min(torn, MAX_LINE_BYTES));
    const { bytesRead } = await from.read(tail, 0, tail.length, keep);
    const name = `${file}.${Date.now()}.quarantine`;
    const temporary = `${name}.tmp`;
    const to = await open(temporary, 'w', 0o600);
    try {
      await to.writeFile(tail.subarray(0, bytesRead));
      await to.sync();
    } finally {
      await to.close();
    }
    await rename(temporary, name);
  } finally {
    await from.close();
  }
  await truncate(file, keep);
}

/** Folder of a model; a hash is taken as it is, anything else cannot leave the log's folder. */
function partition(model: string): string {
  return /^[0-9a-f]{16}$/.test(model) ? model : 'unknown';
}
