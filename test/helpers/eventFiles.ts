// The event log as its format page describes it, read without the product's own code.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface StoredEvent {
  readonly file: string;
  readonly record: Readonly<Record<string, unknown>> & {
    readonly event_id: number;
    readonly type: string;
    readonly prompt: string;
    readonly response: string;
  };
}

/** Every committed line of `conversations/*` in the order of the files. @throws when a line is no sound event */
export function storedEvents(home: string): StoredEvent[] {
  const folder = path.join(home, 'conversations');
  if (!existsSync(folder)) return [];
  const events: StoredEvent[] = [];
  for (const model of readdirSync(folder).filter((name) => /^[0-9a-f]{16}$/.test(name))) {
    for (const name of readdirSync(path.join(folder, model)).filter((file) => /^\d+\.jsonl$/.test(file))) {
      const file = path.join(folder, model, name);
      const lines = readFileSync(file, 'utf8').split('\n');
      if (lines.pop() !== '') throw new Error(`${file} ends in half a line`);
      for (const line of lines) events.push({ file, record: readLine(line, file) });
    }
  }
  return events;
}

function readLine(line: string, file: string): StoredEvent['record'] {
  const at = line.lastIndexOf(',"crc":"');
  const stored = /^,"crc":"([0-9a-f]{8})"\}$/.exec(line.slice(at))?.[1];
  const computed = crc32c(Buffer.from(line.slice(0, at)))
    .toString(16)
    .padStart(8, '0');
  if (stored !== computed) throw new Error(`${file}: a line with the CRC ${stored ?? '(none)'}, not ${computed}`);
  return JSON.parse(line) as StoredEvent['record'];
}

/** Castagnoli's polynomial, reflected, bit by bit. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
