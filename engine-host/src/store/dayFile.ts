/** One day's events of one model: `{model_hash}/{days since epoch}.jsonl`. Reading, and cutting off a torn tail. */
import { open, type FileHandle } from 'node:fs/promises';
import type { EventRecord } from '#protocol/memory.ts';
import { decodeEvent, isForeign, MAX_LINE_BYTES } from './eventLine.ts';

const DAY_MS = 86_400_000;
const LINE_FEED = 0x0a;

export function dayOf(timestamp: number): number {
  return Math.floor(timestamp / DAY_MS);
}

/** The day in a file name, or undefined for any other file. */
export function dayOfFile(name: string): number | undefined {
  const match = /^(\d{1,9})\.jsonl$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Where a line lies in its file, without the line feed. */
export interface LinePlace {
  readonly offset: number;
  readonly length: number;
}

export interface DayScan {
  /** Bytes up to and including the last line feed whose line is sound (also a newer version's), or of damaged lines before a sound one. */
  readonly committedBytes: number;
  /** Bytes behind that: a torn write. */
  readonly tornBytes: number;
  /** Damaged lines in the middle; they are skipped and reported, never cut. */
  readonly damagedLines: number;
}

/**
 * Reads a file from its start and calls back for every sound event. A line counts when it ends in a line feed and its CRC is
 * right; damaged lines at the very end are the torn tail of a crash.
 */
export async function scanDay(
  file: string,
  onEvent: (record: EventRecord, place: LinePlace) => void,
): Promise<DayScan> {
  const handle = await open(file, 'r');
  try {
    return await scan(handle, onEvent);
  } finally {
    await handle.close();
  }
}

async function scan(handle: FileHandle, onEvent: (record: EventRecord, place: LinePlace) => void): Promise<DayScan> {
  const chunk = Buffer.alloc(256 * 1024);
  let line: Buffer[] = [];
  let lineBytes = 0;
  let lineStart = 0;
  let position = 0;
  let committed = 0;
  let damaged = 0;
  let damagedSinceCommitted = 0;
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) break;
    let start = 0;
    for (let i = chunk.indexOf(LINE_FEED, 0); i !== -1 && i < bytesRead; i = chunk.indexOf(LINE_FEED, start)) {
      lineBytes += i - start;
      if (lineBytes <= MAX_LINE_BYTES) line.push(Buffer.from(chunk.subarray(start, i)));
      const bytes = lineBytes <= MAX_LINE_BYTES ? Buffer.concat(line) : undefined;
      const record = bytes === undefined ? undefined : decodeEvent(bytes);
      if (record === undefined && (bytes === undefined || !isForeign(bytes))) damagedSinceCommitted++;
      else {
        if (record !== undefined) onEvent(record, { offset: lineStart, length: lineBytes });
        committed = lineStart + lineBytes + 1;
        damaged += damagedSinceCommitted;
        damagedSinceCommitted = 0;
      }
      lineStart += lineBytes + 1;
      line = [];
      lineBytes = 0;
      start = i + 1;
    }
    if (start < bytesRead) {
      lineBytes += bytesRead - start;
      if (lineBytes <= MAX_LINE_BYTES) line.push(Buffer.from(chunk.subarray(start, bytesRead)));
    }
    position += bytesRead;
  }
  return { committedBytes: committed, tornBytes: position - committed, damagedLines: damaged };
}

/** One event by its place; undefined when the bytes there are no longer that event. */
export async function readEvent(file: string, place: LinePlace): Promise<EventRecord | undefined> {
  const handle = await open(file, 'r');
  try {
    const line = Buffer.alloc(place.length);
    const { bytesRead } = await handle.read(line, 0, place.length, place.offset);
    return bytesRead === place.length ? decodeEvent(line) : undefined;
  } finally {
    await handle.close();
  }
}
