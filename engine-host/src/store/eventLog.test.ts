import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EVENT_TYPES, type EventRecord } from '#protocol/memory.ts';
import { crc32c } from './crc32c.ts';
import { dayOf, scanDay } from './dayFile.ts';
import { decodeEvent, encodeEvent } from './eventLine.ts';
import { EventLog, type NewEvent } from './eventLog.ts';
import { testLock } from './testLock.ts';

const MODEL = '0123456789abcdef';
const DAY = 86_400_000;

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'zell-log-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function turn(prompt: string, more: Partial<NewEvent> = {}): NewEvent {
  return { type: 'chat.turn', model: MODEL, prompt, response: `re ${prompt}`, tokens: 3, ...more };
}

function openLog(now?: () => number): Promise<EventLog> {
  return EventLog.open({ folder, lock: testLock(), ...(now === undefined ? {} : { now }) });
}

async function promptsIn(log: EventLog): Promise<string[]> {
  return (await log.read([...log.entries()].map((e) => e.event_id))).map((r) => r.prompt);
}

describe('a line', () => {
  test('CRC-32C of the standard check text', () => expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283));

  test('round trip, and any flipped bit is noticed', () => {
    const line = Buffer.from(encodeEvent({ v: 1, event_id: 7, timestamp: 1, ...turn('Grüße 🙂\n"x"') }));
    expect(decodeEvent(line)?.prompt).toBe('Grüße 🙂\n"x"');
    for (let i = 0; i < line.length; i++) {
      const flipped = Buffer.from(line);
      flipped[i]! ^= 1;
      expect(decodeEvent(flipped), `byte ${i}`).toBeUndefined();
    }
  });
});

describe('golden lines of version 1', () => {
  const file = path.join(import.meta.dirname, 'golden/events.v1.jsonl');

  test('every type is there, is read, and is written the same again', async () => {
    const records: EventRecord[] = [];
    const scan = await scanDay(file, (record) => records.push(record));
    expect(scan).toMatchObject({ tornBytes: 0, damagedLines: 0 });
    const read = records.map((r) => `${encodeEvent(r)}\n`).join('');
    expect(read).toBe(readFileSync(file, 'utf8'));
    for (const type of EVENT_TYPES) expect(records.map((r) => r.type)).toContain(type);
    expect(records.find((r) => r.type === 'card.made')?.data).toMatchObject({ v: 1, card: { value: 'Priya Raman' } });
  });

  test('a line of a newer version is neither torn nor damaged: it stays where it is', async () => {
    const log = await openLog(() => DAY);
    await log.append(turn('a'));
    await log.close();
    const day = path.join(folder, MODEL, '1.jsonl');
    const newer = { v: 1, event_id: 9, timestamp: DAY, ...turn('later'), type: 'dream.of.the.future' };
    appendFileSync(day, `${encodeEvent(newer as unknown as EventRecord)}\n`);
    const before = readFileSync(day);
    const again = await openLog(() => DAY);
    expect(again.damagedLines).toBe(0);
    expect(await promptsIn(again)).toEqual(['a']);
    expect(readFileSync(day)).toEqual(before);
    await again.close();
  });
});

describe('appending', () => {
  test('ids rise by one, over partitions and restarts', async () => {
    let log = await openLog();
    const ids = await Promise.all(['a', 'b', 'c'].map((p) => log.append(turn(p)).then((r) => r.event_id)));
    expect(ids).toEqual([1, 2, 3]);
    expect((await log.append(turn('d', { model: 'fedcba9876543210' }))).event_id).toBe(4);
    await log.close();
    log = await openLog();
    expect(log.latestEventId).toBe(4);
    expect((await log.append(turn('e'))).event_id).toBe(5);
    expect(await promptsIn(log)).toEqual(['a', 'b', 'c', 'd', 'e']);
    await log.close();
  });

  test('files are private and named by model and day', async () => {
    const log = await openLog(() => 19_723 * DAY + 5);
    await log.append(turn('a'));
    const file = path.join(folder, MODEL, '19723.jsonl');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    await log.close();
  });

  test('a hostile model name stays inside the folder', async () => {
    const log = await openLog();
    await log.append(turn('a', { model: '../../evil' }));
    expect(readdirSync(folder).sort()).toEqual(
      ['head.json', 'log.lock', 'unknown'].filter((n) => existsSync(path.join(folder, n))),
    );
    await log.close();
  });

  test('a second writer is refused', async () => {
    const lock = testLock();
    const log = await EventLog.open({ folder, lock });
    await expect(EventLog.open({ folder, lock })).rejects.toMatchObject({ code: 'already_running' });
    await log.close();
    await (await EventLog.open({ folder, lock })).close();
  });

  test('what is too long is refused and takes nothing with it', async () => {
    const log = await openLog();
    const long = log.append(turn('x'.repeat(17 * 1024 * 1024)));
    const fine = log.append(turn('fine'));
    await expect(long).rejects.toMatchObject({ code: 'too_large' });
    expect((await fine).prompt).toBe('fine');
    expect(await promptsIn(log)).toEqual(['fine']);
    await log.close();
  });
});

describe('damage', () => {
  test('cut at every byte, the file is readable and goes on', async () => {
    const first = await openLog(() => DAY);
    for (const p of ['one', 'zwei äöü', 'three']) await first.append(turn(p));
    await first.close();
    const file = path.join(folder, MODEL, '1.jsonl');
    const whole = readFileSync(file);
    const ends = [...whole.entries()].filter(([, byte]) => byte === 10).map(([i]) => i + 1);
    for (let cut = 0; cut <= whole.length; cut++) {
      for (const name of readdirSync(path.dirname(file))) rmSync(path.join(path.dirname(file), name));
      writeFileSync(file, whole.subarray(0, cut));
      const log = await openLog(() => DAY);
      const kept = ends.filter((end) => end <= cut).length;
      const prompts = await promptsIn(log);
      expect(
        prompts.filter((p) => p !== ''),
        `cut at ${cut}`,
      ).toEqual(['one', 'zwei äöü', 'three'].slice(0, kept));
      const torn = cut > (ends[kept - 1] ?? 0);
      expect([...log.entries()].filter((e) => e.type === 'log.repaired').length, `cut at ${cut}`).toBe(torn ? 1 : 0);
      // Nothing is thrown away: the torn bytes lie beside the file.
      expect(readdirSync(path.dirname(file)).filter((n) => n.endsWith('.quarantine')).length).toBe(torn ? 1 : 0);
      expect((await log.append(turn('next'))).event_id).toBeGreaterThan(3);
      expect((await promptsIn(log)).at(-1)).toBe('next');
      await log.close();
    }
  }, 60_000);

  test('a damaged line in the middle is skipped and counted, not cut', async () => {
    const first = await openLog(() => DAY);
    for (const p of ['one', 'two', 'three']) await first.append(turn(p));
    await first.close();
    const file = path.join(folder, MODEL, '1.jsonl');
    const bytes = readFileSync(file);
    bytes[bytes.indexOf('two') + 1]! ^= 1;
    writeFileSync(file, bytes);
    const log = await openLog(() => DAY);
    expect(await promptsIn(log)).toEqual(['one', 'three']);
    expect(log.damagedLines).toBe(1);
    expect(statSync(file).size).toBe(bytes.length);
    await log.close();
  });

  test('foreign files are left alone', async () => {
    const log = await openLog(() => DAY);
    await log.append(turn('a'));
    await log.close();
    writeFileSync(path.join(folder, MODEL, 'notes.txt'), 'mine');
    appendFileSync(path.join(folder, 'head.json'), 'garbage');
    const again = await openLog(() => DAY);
    expect((await again.append(turn('b'))).event_id).toBe(2);
    expect(readFileSync(path.join(folder, MODEL, 'notes.txt'), 'utf8')).toBe('mine');
    await again.close();
  });
});

describe('retention and erasure', () => {
  test('ids never go back, even when the newest file is gone', async () => {
    let now = 100 * DAY;
    let log = await openLog(() => now);
    await log.append(turn('old'));
    await log.append(turn('older'));
    now = 200 * DAY;
    expect(await log.dropOlderThan(30)).toBe(2);
    await log.close();
    log = await openLog(() => now);
    expect((await log.append(turn('new'))).event_id).toBe(3);
    await log.close();
    // A stranger removes everything but the head.
    rmSync(path.join(folder, MODEL), { recursive: true });
    log = await openLog(() => now);
    expect((await log.append(turn('newer'))).event_id).toBe(4);
    await log.close();
  });

  test('thirty days are kept', async () => {
    let now = 100 * DAY;
    const log = await openLog(() => now);
    await log.append(turn('a'));
    now = 130 * DAY;
    expect(await log.dropOlderThan(30)).toBe(0);
    now = 131 * DAY;
    expect(await log.dropOlderThan(30)).toBe(1);
    await log.close();
  });

  test('distilled memories outlive the texts they come from', async () => {
    let now = 100 * DAY;
    let log = await openLog(() => now);
    const none = { prompt: '', response: '', tokens: 0 };
    await log.append(turn('raw text'));
    await log.append(turn('', { type: 'card.made', ...none, data: { v: 1, card: { statement: 'kept' } } }));
    await log.append(turn('', { type: 'card.made', ...none, data: { v: 1, card: { statement: 'forgotten' } } }));
    await log.erase(new Set([3]));
    now = 140 * DAY;
    expect(await log.dropOlderThan(30)).toBe(2);
    expect(await log.dropOlderThan(30)).toBe(0);
    await log.close();
    const text = readFileSync(path.join(folder, MODEL, '100.jsonl'), 'utf8');
    expect(text).toContain('kept');
    expect(text).not.toContain('raw text');
    log = await openLog(() => now);
    expect([...log.entries()].map((e) => e.event_id)).toEqual([2]);
    await log.close();
  });

  test('erasure replaces the payload and keeps id, time and type', async () => {
    const log = await openLog(() => DAY);
    await Promise.all(['keep', 'secret', 'keep too'].map((p) => log.append(turn(p))));
    expect(await log.erase(new Set([2]))).toBe(1);
    expect(await log.erase(new Set([2]))).toBe(0);
    const file = path.join(folder, MODEL, '1.jsonl');
    expect(readFileSync(file, 'utf8')).not.toContain('secret');
    await log.append(turn('after'));
    await log.close();
    const again = await openLog(() => DAY);
    expect(again.entry(2)).toMatchObject({ event_id: 2, type: 'chat.turn', erased: true, timestamp: DAY });
    expect(await promptsIn(again)).toEqual(['keep', '', 'keep too', 'after']);
    await again.close();
  });
});

test('days begin at midnight UTC', () => {
  expect(dayOf(Date.UTC(2024, 0, 1))).toBe(19_723);
  expect(dayOf(Date.UTC(2024, 0, 1) - 1)).toBe(19_722);
});
