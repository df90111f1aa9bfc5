/** One event as one line: JSON whose last member is the CRC of everything before it. Format: docs/formats/event-log.md. */
import { EVENT_TYPES, EVENT_VERSION, type EventRecord, type EventType } from '#protocol/memory.ts';
import { crc32c } from './crc32c.ts';

/** Longest line that is read or written, bytes; longer answers are refused by the writer. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

const CRC_MEMBER = ',"crc":"';

/** The line without its line feed. */
export function encodeEvent(record: EventRecord): string {
  const open = JSON.stringify(record).slice(0, -1);
  return `${open}${CRC_MEMBER}${hex(crc32c(Buffer.from(open)))}"}`;
}

/** The event in a line (without line feed), upcast to the current version; undefined when it is damaged or foreign. */
export function decodeEvent(line: Uint8Array): EventRecord | undefined {
  const value = soundValue(line);
  return isEvent(value) ? value : undefined;
}

/** A line that was written whole, by a newer version: its type or version is not known here. It is left alone. */
export function isForeign(line: Uint8Array): boolean {
  const value = soundValue(line);
  return typeof value === 'object' && value !== null && !isEvent(value);
}

/** The JSON value of a line whose CRC is right. */
function soundValue(line: Uint8Array): unknown {
  const buffer = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  // `…,"crc":"xxxxxxxx"}` is 18 bytes at the end.
  const at = buffer.length - CRC_MEMBER.length - 10;
  if (at < 2 || buffer.toString('latin1', at, at + CRC_MEMBER.length) !== CRC_MEMBER) return undefined;
  const stored = buffer.toString('latin1', at + CRC_MEMBER.length, buffer.length - 2);
  if (buffer.toString('latin1', buffer.length - 2) !== '"}') return undefined;
  if (stored !== hex(crc32c(buffer.subarray(0, at)))) return undefined;
  try {
    return JSON.parse(`${buffer.toString('utf8', 0, at)}}`);
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is EventRecord {
  if (typeof value !== 'object' || value === null) return false;
  const e = value as Partial<Record<keyof EventRecord, unknown>>;
  return (
    typeof e.v === 'number' &&
    e.v >= 1 &&
    e.v <= EVENT_VERSION &&
    Number.isSafeInteger(e.event_id) &&
    (e.event_id as number) > 0 &&
    Number.isSafeInteger(e.timestamp) &&
    isEventType(e.type) &&
    typeof e.model === 'string' &&
    typeof e.prompt === 'string' &&
    typeof e.response === 'string' &&
    typeof e.tokens === 'number'
  );
}

function isEventType(value: unknown): value is EventType {
  return typeof value === 'string' && (EVENT_TYPES as readonly string[]).includes(value);
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
